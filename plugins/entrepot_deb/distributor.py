"""The deb_distributor: packages in a pool, and releases that apt reads, signed if the server has a key.

The work is in proportion to what changed: of each index only the segments with a changed name are written anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from typing import TypeVar

from entrepot.plugin import Distributor, PublishConduit, Unit
from entrepot_deb.config import DebDistributorConfig
from entrepot_deb.layout import Index, Suite, base_of, pool_paths, suites_of
from entrepot_deb.package_index import Before, IndexWriter, Item, Written, read_before
from entrepot_deb.release import parse_release
from entrepot_deb.release_file import ReleaseWriter, machines_of, release_text
from entrepot_deb.units import DEFAULT_DISTRIBUTION, Deb, DebComponent, DebRelease

UnitT = TypeVar("UnitT", bound=Unit)
Group = dict[str, Deb]  # the packages of one name, by the ids of their units

_MANY = 20_000  # changed names; more of them are sooner written anew than looked up


class DebDistributor(Distributor):
    """Publish Debian packages."""

    display_name = "Debian Distributor"  # as in Pulp 2
    unit_types = (Deb, DebComponent, DebRelease)
    Config = DebDistributorConfig

    def publish(self, pub: PublishConduit) -> None:
        """Put packages into the pool, and write the indexes and releases that list them.

        Raises:
            PluginError: the releases cannot be signed.

        """
        _Publishing(pub).publish()


class _Publishing:
    """One publish under way."""

    def __init__(self, pub: PublishConduit) -> None:
        self._pub = pub
        self._releases = ReleaseWriter(pub)
        self._come = {deb.uid: deb for deb in pub.added(Deb)} if pub.incremental else {}
        self._gone: dict[str, Group] = {}
        for deb in pub.removed(Deb):
            self._gone.setdefault(deb.name, {})[deb.uid] = deb
        self._now, self._before = self._suites()
        self._old_indexes = {index.path: index for suite in self._before.values() for index in suite.indexes}
        self._old_files = {suite.base: self._files_before(suite.base) for suite in self._before.values()}

    def publish(self) -> None:
        """Write what is new, and take out what is no more."""
        indexes = [index for suite in self._now.values() for index in suite.indexes]
        names = self._changed_names(indexes)
        known = {index.path: self._read_before(index.path) for index in indexes} if names is not None else {}
        fresh = {index.path: IndexWriter(self._pub, index.path) for index in indexes if known.get(index.path) is None}
        written = self._write_indexes(indexes, names, known=known, fresh=fresh)
        for distribution, suite in self._now.items():
            files = [file for index in suite.indexes for file in written[index.path]]
            self._remove_old(suite.base, files)
            self._releases.write(self._now[distribution], release_text(suite, files, self._pub.date))
        for distribution in self._before.keys() - self._now.keys():
            base = base_of(distribution)
            self._remove_old(base, [])
            self._releases.remove(base)

    def _write_indexes(
        self,
        indexes: list[Index],
        names: set[str] | None,
        *,
        known: dict[str, Before | None],
        fresh: dict[str, IndexWriter],
    ) -> dict[str, list[Written]]:
        """Walk through the packages, once, and return the files of each index. `names`: those that changed; None: all."""
        changed: dict[str, list[bytes]] = {index.path: [] for index in indexes}
        items: dict[str, list[Item]] = {index.path: [] for index in indexes}
        for name, group in self._groups(None if fresh else names):
            is_changed = names is None or name in names
            before = self._group_before(group, name) if is_changed and self._pub.incremental else {}
            paths = pool_paths(group)
            if is_changed:
                self._fill_pool(group, paths, before)
            texts = {uid: _paragraph(deb, paths[uid]) for uid, deb in group.items()}
            for index in indexes:
                text = b"".join(texts[uid] for uid, deb in group.items() if index.lists(deb, uid))
                key = name.encode()
                if index.path in fresh:
                    if text:
                        fresh[index.path].add(key, text)
                elif is_changed and (text or self._listed_before(index.path, before)):
                    changed[index.path].append(key)
                    items[index.path] += [(key, text)] if text else []
        for index in indexes:
            previous = known.get(index.path)
            if previous is not None and changed[index.path]:
                fresh[index.path] = IndexWriter(self._pub, index.path)
                fresh[index.path].update(previous, changed[index.path], items[index.path])
        return {
            index.path: list(fresh[index.path].finish()) if index.path in fresh else self._written_before(index.path)
            for index in indexes
        }

    def _groups(self, names: set[str] | None) -> Iterator[tuple[str, Group]]:
        """Yield the packages by name, sorted, the names that left with none; `names`: only those."""
        held = self._pub.units(Deb, names=names, by_name=True, documents=True)
        found = ((name, _sorted(debs)) for name, debs in groupby(held, key=attrgetter("name")))
        if not self._pub.incremental:
            yield from found
            return
        lost = sorted(self._gone, key=str.encode)
        place = 0
        for name, group in found:
            while place < len(lost) and lost[place].encode() <= name.encode():
                if lost[place] != name:
                    yield lost[place], {}
                place += 1
            yield name, group
        yield from ((name, {}) for name in lost[place:])

    def _group_before(self, group: Group, name: str) -> Group:
        """Return the packages of a name as they were in the last publication."""
        return {uid: deb for uid, deb in group.items() if uid not in self._come} | self._gone.get(name, {})

    def _fill_pool(self, group: Group, paths: dict[str, str], before: Group) -> None:
        """Put the packages of a name where they belong; what lies there already is left alone."""
        old = {path: uid for uid, path in pool_paths(before).items()}
        for path in old.keys() - paths.values():
            self._pub.remove(path)
        for uid, deb in group.items():
            if old.get(paths[uid]) != uid:
                self._pub.add(paths[uid], deb)

    def _changed_names(self, indexes: Iterable[Index]) -> set[str] | None:
        """Return the names of the packages that came, left, or are listed elsewhere than before; None if all may be."""
        if not self._pub.incremental:
            return None
        names = {deb.name for deb in self._come.values()} | self._gone.keys()
        moved: set[str] = set()
        for index in indexes:
            old = self._old_indexes.get(index.path)
            if old is not None and index.packages is not None and old.packages is not None:
                moved |= set(index.packages) ^ set(old.packages)
        moved -= self._come.keys() | {uid for group in self._gone.values() for uid in group}
        if moved:
            names |= {deb.name for deb in self._pub.units(Deb) if deb.uid in moved}
        return names if len(names) <= _MANY else None

    def _suites(self) -> tuple[dict[str, Suite], dict[str, Suite]]:
        """Return what is published now, and what the last publication had."""
        releases, components = list(self._pub.units(DebRelease)), list(self._pub.units(DebComponent))
        wants_default = self._pub.config.publish_default_release
        if not self._pub.incremental:
            machines = {deb.architecture for deb in self._pub.units(Deb)} if wants_default else None
            return suites_of(releases, components, default_architectures=machines), {}
        old_releases = _as_before(releases, self._pub.added(DebRelease), self._pub.removed(DebRelease))
        old_components = _as_before(components, self._pub.added(DebComponent), self._pub.removed(DebComponent))
        old, new = self._default_machines() if wants_default else (None, None)
        now = suites_of(releases, components, default_architectures=new)
        return now, suites_of(old_releases, old_components, default_architectures=old)

    def _default_machines(self) -> tuple[set[str], set[str]]:
        """Return what the packages ran on before, and now; those that stayed are looked through only if some left."""
        before = set(machines_of(self._pub.read(f"{base_of(DEFAULT_DISTRIBUTION)}Release") or b""))
        if self._gone:
            return before, {deb.architecture for deb in self._pub.units(Deb)}
        return before, before | {deb.architecture for deb in self._come.values()}

    def _files_before(self, base: str) -> dict[str, Written]:
        """Return the files that the last publication's Release file in the folder `base` lists, by path."""
        text = self._pub.read(f"{base}Release")
        if text is None:
            return {}
        listed = parse_release(text, f"{base}Release").files.values()
        return {base + file.path: Written(base + file.path, file.digest, file.size) for file in listed}

    def _read_before(self, path: str) -> Before | None:
        return read_before(self._pub, path) if self._written_before(path) else None

    def _written_before(self, path: str) -> list[Written]:
        files = (self._old_file(path), self._old_file(f"{path}.gz"))
        return [file for file in files if file is not None]

    def _old_file(self, path: str) -> Written | None:
        return next((files[path] for files in self._old_files.values() if path in files), None)

    def _listed_before(self, path: str, before: Group) -> bool:
        old = self._old_indexes.get(path)
        return old is not None and any(old.lists(deb, uid) for uid, deb in before.items())

    def _remove_old(self, base: str, files: Iterable[Written]) -> None:
        """Take out what a release had in the last publication, but for `files`.

        A path that left can still be read for a time, so that no client is lost that has read the Release file before.
        """
        kept = {path for file in files for path in (file.path, file.by_hash)}
        for file in self._old_files.get(base, {}).values():
            for path in {file.path, file.by_hash} - kept:
                self._pub.remove(path)


def _sorted(debs: Iterable[Deb]) -> Group:
    """Return packages by the ids of their units, in an order that depends on nothing else."""
    ordered = list(debs)
    if len(ordered) > 1:
        ordered.sort(key=lambda deb: (deb.architecture, deb.version_order(), deb.checksum))
    return {deb.uid: deb for deb in ordered}


def _paragraph(deb: Deb, path: str) -> bytes:
    return (deb.document or b"") + f"Filename: {path}\n\n".encode()


def _as_before(now: Iterable[UnitT], come: Iterable[UnitT], gone: Iterable[UnitT]) -> list[UnitT]:
    """Return the units that were there before some came and others left."""
    new = {unit.uid for unit in come}
    kept = [unit for unit in now if unit.uid not in new]
    kept.extend(gone)
    return kept

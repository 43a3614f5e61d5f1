"""The deb_importer: packages, components and releases of a feed that apt reads.

The walk of a sync: `plan` fetches the Release files and says which indexes are wanted, all of those are fetched before the
first is read, and then each becomes units. So a feed that is written anew meanwhile is noticed before anything is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from entrepot.plugin import (
    JSON,
    ChecksumDiffers,
    CopyConduit,
    FetchedFile,
    FetchError,
    ImportConduit,
    Importer,
    PluginError,
    SizeDiffers,
    SyncConduit,
    Unit,
)
from entrepot.plugin.openpgp import Keyring
from entrepot_deb.config import DebImporterConfig
from entrepot_deb.copying import Copying
from entrepot_deb.indexes import read_index
from entrepot_deb.keys import trusted_keys
from entrepot_deb.plan import ALL, IndexPlan, ReleasePlan, fetch_index, plan_release, token
from entrepot_deb.stanzas import checksum_of, cut_stanzas, deb_of, fields_of, path_of
from entrepot_deb.units import Deb, DebComponent, DebRelease
from entrepot_deb.uploading import uploaded

_MOST_BAD = 1000  # paragraphs of one index that are refused one by one; more of them, and it is no index of packages

_LOOK = 1000  # paragraphs between two looks at whether the sync was canceled


class _Fetched(NamedTuple):
    """An index that is here."""

    plan: IndexPlan
    file: FetchedFile
    packing: str


class DebImporter(Importer):
    """Import Debian packages. The checksum of a package is part of its identity, so it is always verified."""

    display_name = "Debian Importer"  # as in Pulp 2
    unit_types = (Deb, DebComponent, DebRelease)
    can_defer = True
    Config = DebImporterConfig

    def sync(self, ctx: SyncConduit) -> Iterator[Unit]:
        """Yield the packages of each index that is wanted, then its components and releases with what they list.

        Raises:
            PluginError: a release is missing, not signed as it must be, or an index is none.

        """
        keyring = trusted_keys(ctx) if ctx.config.needs_signature else None
        tried, failure = "", FetchError("")
        while True:
            plans = [self._plan(ctx, distribution, keyring) for distribution in ctx.config.releases]
            early = [[_fetched(ctx, plan, index) for index in plan.indexes if not index.listed] for plan in plans]
            offer = token(plans, (each.file for row in early for each in row))
            if offer == tried:
                raise failure
            if ctx.unchanged(offer) and not ctx.config.repair_sync:
                return
            try:
                listed = [[_fetched(ctx, plan, index) for index in plan.indexes if index.listed] for plan in plans]
                break
            except (ChecksumDiffers, SizeDiffers) as error:
                if tried:
                    raise
                tried, failure = offer, error  # the feed may have been written anew between its release and its index
        reading = _Reading(ctx)
        for plan, unlisted, fetched in zip(plans, early, listed, strict=True):
            yield from reading.release(plan, unlisted + fetched)

    def _plan(self, ctx: SyncConduit, distribution: str, keyring: Keyring | None) -> ReleasePlan:
        config = ctx.config
        return plan_release(
            ctx, distribution, keyring=keyring, components=config.components, architectures=config.architectures
        )

    def copies_as_they_are(self, config: Any) -> tuple[type[Unit], ...]:  # noqa: ANN401, ARG002 - as the engine asks
        """Return none: a package that is copied must be listed by a component, and those belong to one repository."""
        return ()

    def copy(self, ctx: CopyConduit, units: Iterable[Unit]) -> Iterator[Unit]:
        """Yield the packages, and the components and releases of the destination that list them."""
        return Copying(ctx).copy(units)

    def upload(
        self,
        ctx: ImportConduit,
        unit_type: type[Unit],
        upload: FetchedFile,
        key: Mapping[str, JSON],
        metadata: Mapping[str, JSON],
    ) -> Iterator[Unit]:
        """Yield the package that an uploaded .deb is, and the component and release that list it.

        Raises:
            PluginError: it is no .deb, or not the one that `key` speaks of.

        """
        if unit_type is not Deb:
            raise PluginError(f"units of type {unit_type.type_id} are not uploaded: they come with the packages they list.")
        return uploaded(ctx, upload, key, metadata)


def _fetched(ctx: SyncConduit, plan: ReleasePlan, index: IndexPlan) -> _Fetched:
    return _Fetched(index, *fetch_index(ctx, plan, index))


class _Reading:
    """Indexes on their way to units; knows what was seen before, for packages are listed many times."""

    def __init__(self, ctx: SyncConduit) -> None:
        self._ctx = ctx
        self._seen: dict[str, tuple[str, str]] = {}  # path of a file -> its checksum and the id of its unit
        self._yielded: set[str] = set()  # ids of units
        self._before: dict[tuple[str, str], DebComponent] = {}
        if not ctx.config.remove_missing:  # packages that the feed no longer offers stay where they were listed
            self._before = {(each.distribution, each.name): each for each in ctx.units(DebComponent)}
        self._held: set[str] | None = None

    def release(self, plan: ReleasePlan, indexes: list[_Fetched]) -> Iterator[Unit]:
        """Yield the units of one release."""
        architectures = set(plan.architectures)
        for name in plan.components:
            packages, machines = set[str](), set[str]()
            for index in indexes:
                if index.plan.component == name:
                    yield from self._index(index, packages, machines)
                    machines |= {index.plan.architecture} if index.plan.architecture else set()
            architectures |= machines
            yield self._component(plan.distribution, name, packages, machines - {ALL})
        yield DebRelease(
            distribution=plan.distribution,
            repoid=self._ctx.repository_id,
            architectures=tuple(sorted(architectures - {ALL})),
            components=tuple(sorted(plan.components)),
            **plan.kept_fields,
        )

    def _component(self, distribution: str, name: str, packages: set[str], machines: set[str]) -> DebComponent:
        before = self._before.get((distribution, name))
        if before is not None:
            packages |= self._still_held(set(before.packages) - packages)
            machines |= set(before.architectures)
        return DebComponent(
            name=name,
            distribution=distribution,
            repoid=self._ctx.repository_id,
            architectures=tuple(sorted(machines)),
            packages=tuple(sorted(packages)),
        )

    def _still_held(self, packages: set[str]) -> set[str]:
        """Return those that the repository holds: others were removed from it, and are forgotten here as well."""
        if packages and self._held is None:
            self._held = {deb.uid for deb in self._ctx.units(Deb)}
        return packages & (self._held or set())

    def _index(self, index: _Fetched, packages: set[str], machines: set[str]) -> Iterator[Deb]:
        """Yield the packages of an index that were not yielded before; note all of them, and what they run on."""
        name = f"{index.plan.base}{index.plan.path}{index.packing}"
        bad = 0
        text = read_index(index.file.path, index.packing, name=name, size=index.plan.plain_size)
        for number, stanza in enumerate(cut_stanzas(text, name), 1):
            item = f"{name}, paragraph {number}"
            if number % _LOOK == 0:
                self._ctx.checkpoint()  # packages that were seen before are passed over without a word to the engine
            try:
                fields = fields_of(stanza)
                item = fields.get("package") or item
                unit = self._unit(stanza, fields, packages)
            except ValueError as error:
                bad += 1
                if bad > _MOST_BAD:
                    raise PluginError(
                        f"{name}: more than {_MOST_BAD} paragraphs are wrong; it is no index of packages."
                    ) from error
                self._ctx.error(_shown(item), _why(error))
                continue
            machines.add(fields["architecture"])
            if unit is not None:
                yield unit

    def _unit(self, stanza: bytes, fields: Mapping[str, str], packages: set[str]) -> Deb | None:
        """Return the package of a paragraph, or None if it is known already; it is noted in `packages` in either case."""
        path = path_of(fields)
        algorithm, checksum = checksum_of(fields)
        seen = self._seen.get(path)
        if seen is not None:
            if seen[0] != checksum:
                raise ValueError(f"the feed has {path[:200]!r} with two different checksums")
            packages.add(seen[1])
            return None
        unit = deb_of(stanza, fields)
        unit.file(path, path=unit.filename, size=unit.size, **{algorithm: checksum})
        uid = unit.uid
        self._seen[path] = checksum, uid
        packages.add(uid)
        if uid in self._yielded:  # the same bytes lie in two places
            return None
        self._yielded.add(uid)
        return unit


def _shown(name: str) -> str:
    return name if name.isprintable() and len(name) <= 255 else repr(name[:255])  # noqa: PLR2004 - of a message


def _why(error: ValueError) -> str:
    """Return what is wrong with a paragraph in one line; pydantic's own errors have many."""
    errors = getattr(error, "errors", None)
    if errors is None:
        return str(error)
    return "; ".join(f"its {'.'.join(map(str, item['loc']))} is wrong: {item['msg']}" for item in errors())

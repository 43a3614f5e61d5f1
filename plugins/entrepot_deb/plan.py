"""What of a feed is read: for each release the indexes of the components and architectures that are wanted."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot.plugin import FetchedFile, PluginError
from entrepot_deb.indexes import PACKINGS
from entrepot_deb.release import ListedFile, Release, fetch_release
from entrepot_deb.units import COMPONENT_NAME

if TYPE_CHECKING:
    from entrepot.plugin import SyncConduit
    from entrepot.plugin.openpgp import Keyring

ALL = "all"  # the architecture of packages that run on every machine
FLAT_COMPONENT = "main"  # what the only component of a flat release is called; clients never see it
_KEPT_FIELDS = ("origin", "label", "suite", "version", "codename", "description")  # of a release

_LONGEST = 255  # characters of each


@dataclass(frozen=True, slots=True)
class IndexPlan:
    """One index of packages, in each packing that the feed may have it in."""

    base: str  # the folder of the release, with a slash at its end, or empty
    path: str  # without the ending of a packing
    component: str
    architecture: str | None  # None: that of a flat release, which holds all
    listed: tuple[ListedFile, ...]  # the best packing first; none of a flat release without a Release file
    plain_size: int | None  # bytes of its text, if the release says so


@dataclass(frozen=True, slots=True)
class ReleasePlan:
    """One release, and which indexes of it are read."""

    distribution: str
    release: Release
    components: tuple[str, ...]
    architectures: tuple[str, ...]  # without `all`
    indexes: tuple[IndexPlan, ...]
    has_by_hash: bool

    @property
    def kept_fields(self) -> dict[str, str]:
        """What the unit says of the release, each in one line."""
        found = {name: self.release.fields.get(name, "").partition("\n")[0] for name in _KEPT_FIELDS}
        return {name: "".join(filter(str.isprintable, value[:_LONGEST])) for name, value in found.items() if value}


def plan_release(
    ctx: SyncConduit, distribution: str, *, keyring: Keyring | None, components: list[str], architectures: list[str]
) -> ReleasePlan:
    """Fetch what the feed says of a release, and return what is read of it: all, or only the wanted parts.

    Raises:
        PluginError: there is no such release, it is not trusted, or it lacks a component that is wanted.
        FetchError: it could not be had.

    """
    flat = distribution.endswith("/")
    base = ("" if distribution == "./" else distribution) if flat else f"dists/{distribution}/"
    release = fetch_release(ctx, base, keyring)
    if release is None:
        if not flat:
            raise PluginError(f"the feed has no release {distribution!r}: there is neither {base}InRelease nor {base}Release.")
        if keyring is not None:
            raise PluginError(f"the flat release {distribution!r} has no Release file, and a signature is required.")
        release = Release()
    if flat:
        indexes = [_index(release, base, "Packages", FLAT_COMPONENT, None)]
        return ReleasePlan(distribution, release, (FLAT_COMPONENT,), (), tuple(indexes), release.has_by_hash)
    offered = _offered_components(release)
    if release.words("components") and not offered:
        raise PluginError(f"the release {distribution!r} lists no index of packages by a checksum that is known here.")
    chosen = _chosen_components(offered, components, distribution)
    known = _offered_architectures(release)
    odd = [name for name in (*chosen, *known) if not re.fullmatch(COMPONENT_NAME, name)]
    if odd:
        raise PluginError(f"the release {distribution!r} names a component or architecture {odd[0][:60]!r}, which is no name.")
    wanted = [name for name in known if not architectures or name in architectures or name == ALL]
    if architectures and not set(wanted) & set(architectures):
        msg = (
            f"the release {distribution!r} has none of the architectures {', '.join(architectures)}; it has {', '.join(known)}."
        )
        raise PluginError(msg)
    indexes = [
        _index(release, base, f"{component}/binary-{architecture}/Packages", component, architecture)
        for component in chosen
        for architecture in wanted
        if _listed(release, f"{component}/binary-{architecture}/Packages")
    ]
    machines = tuple(name for name in wanted if name != ALL)
    return ReleasePlan(distribution, release, tuple(chosen), machines, tuple(indexes), release.has_by_hash)


def fetch_index(ctx: SyncConduit, plan: ReleasePlan, index: IndexPlan) -> tuple[FetchedFile, str]:
    """Fetch an index in the best packing that is there, and return it with the ending of its packing.

    Raises:
        PluginError: it is there in no packing.
        FetchError: it could not be had, or is not what the release promises.

    """
    for listed in index.listed:
        promised = {listed.algorithm: listed.digest}
        packing = listed.path.removeprefix(index.path)
        if plan.has_by_hash:
            found = ctx.find(index.base + listed.by_hash, size=listed.size, **promised)
            if found is not None:
                return found, packing
        found = ctx.find(index.base + listed.path, size=listed.size, **promised)
        if found is not None:
            return found, packing
    if not plan.release.fields:
        for packing in PACKINGS:
            found = ctx.find(index.base + index.path + packing)
            if found is not None:
                return found, packing
    raise PluginError(
        f"the feed has no {index.base}{index.path}, in none of the packings {', '.join(PACKINGS[:-1])} and plain."
    )


def token(plans: Iterable[ReleasePlan], files: Iterable[FetchedFile]) -> str:
    """Return what stays the same while the feed offers the same; that a release was dated and signed anew is no change."""
    said = [
        [plan.distribution, plan.kept_fields, [[file.path, file.digest] for index in plan.indexes for file in index.listed]]
        for plan in plans
    ]
    return hashlib.sha256(json.dumps([said, [file.sha256 for file in files]], sort_keys=True).encode()).hexdigest()


def _index(release: Release, base: str, path: str, component: str, architecture: str | None) -> IndexPlan:
    plain = release.files.get(path)
    return IndexPlan(base, path, component, architecture, _listed(release, path), plain.size if plain else None)


def _listed(release: Release, path: str) -> tuple[ListedFile, ...]:
    found = (release.files.get(path + packing) for packing in PACKINGS)
    return tuple(file for file in found if file is not None)


def _offered_components(release: Release) -> list[str]:
    """Return the components by the folders of their indexes.

    A release may call them by more than that: `updates/main` lies in the folder `main` of the release `stable/updates`.
    """
    folders = dict.fromkeys(path.partition("/binary-")[0] for path in release.files if "/binary-" in path)
    named = [name if name in folders else name.rpartition("/")[2] for name in release.words("components")]
    return [name for name in dict.fromkeys(named) if name in folders] or list(folders)


def _offered_architectures(release: Release) -> list[str]:
    return sorted({path.split("/binary-")[1].partition("/")[0] for path in release.files if "/binary-" in path})


def _chosen_components(offered: list[str], wanted: list[str], distribution: str) -> list[str]:
    if not wanted:
        return offered
    plain = [name if name in offered else name.rpartition("/")[2] for name in wanted]
    missing = [name for name, found in zip(wanted, plain, strict=True) if found not in offered]
    if missing:
        has = ", ".join(offered) or "none"
        raise PluginError(f"the release {distribution!r} has no component {', '.join(missing)}; it has {has}.")
    return list(dict.fromkeys(plain))

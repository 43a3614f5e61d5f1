"""Where things lie in a publication: packages in the pool, indexes below their releases.

A pool path depends on nothing but the packages of one name, so that a change of one touches no other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from entrepot_deb.plan import ALL
from entrepot_deb.units import DEFAULT_COMPONENT, DEFAULT_DISTRIBUTION, Deb, DebComponent, DebRelease

_SHOWN_DIGITS = 16  # of the checksum, in the path of a package that is not alone with its version


@dataclass(frozen=True, slots=True)
class Index:
    """One index of packages, and which packages it lists."""

    path: str  # without the ending of a packing
    architecture: str | None  # None: all there are
    packages: Collection[str] | None  # ids of units; None: all there are

    def lists(self, deb: Deb, uid: str) -> bool:
        """Say whether a package, with the id of its unit, stands in this index."""
        runs = self.architecture is None or deb.architecture in (self.architecture, ALL)
        return runs and (self.packages is None or uid in self.packages)


@dataclass(frozen=True, slots=True)
class Suite:
    """One release as it is published."""

    release: DebRelease
    components: tuple[str, ...]  # sorted
    architectures: tuple[str, ...]  # sorted, `all` first
    indexes: tuple[Index, ...]

    @property
    def base(self) -> str:
        """The folder of its Release file, with a slash at its end; empty if that is the root."""
        return base_of(self.release.distribution)


def base_of(distribution: str) -> str:
    """Return the folder of a release, with a slash at its end, or empty: flat ones lie where they say, others below `dists`."""
    if distribution.endswith("/"):
        return "" if distribution == "./" else distribution
    return f"dists/{distribution}/"


def suites_of(
    releases: Iterable[DebRelease], components: Iterable[DebComponent], *, default_architectures: Iterable[str] | None
) -> dict[str, Suite]:
    """Return what is published, by distribution.

    `default_architectures`: what the packages of the repository run on, if the default release is to list all of them. It is
    also there, for machines of no kind, if nothing else is, so that clients find something.
    """
    parts: dict[str, list[DebComponent]] = {}
    for component in sorted(components, key=lambda each: each.name):
        parts.setdefault(component.distribution, []).append(component)
    known = {release.distribution: release for release in releases}
    found = {
        distribution: _suite(
            known.get(distribution) or DebRelease(distribution=distribution, repoid=""), parts.get(distribution, [])
        )
        for distribution in sorted(known.keys() | parts.keys())
    }
    if default_architectures is not None or not found:
        release = known.get(DEFAULT_DISTRIBUTION) or DebRelease(distribution=DEFAULT_DISTRIBUTION, repoid="")
        found[DEFAULT_DISTRIBUTION] = _default_suite(release, parts.get(DEFAULT_DISTRIBUTION, []), default_architectures or ())
    return found


def pool_paths(debs: Mapping[str, Deb]) -> dict[str, str]:
    """Return where the packages of one name lie, by the ids of their units.

    Where several have one file name, as rebuilds of a version have, each lies in a folder named by its checksum.
    """
    if len(debs) == 1:
        return {uid: _pool_path(deb, is_alone=True) for uid, deb in debs.items()}
    taken = Counter(deb.filename for deb in debs.values())
    return {uid: _pool_path(deb, is_alone=taken[deb.filename] == 1) for uid, deb in debs.items()}


def _pool_path(deb: Deb, *, is_alone: bool) -> str:
    letters = 4 if deb.name.startswith("lib") and len(deb.name) > 3 else 1  # noqa: PLR2004 - as Debian's own pool has it
    folder = f"pool/{deb.name[:letters].lower()}/{deb.name}"
    return f"{folder}/{deb.filename}" if is_alone else f"{folder}/{deb.checksum[:_SHOWN_DIGITS]}/{deb.filename}"


def _suite(release: DebRelease, components: list[DebComponent]) -> Suite:
    base = base_of(release.distribution)
    if release.distribution.endswith("/"):
        packages = frozenset(uid for component in components for uid in component.packages)
        return Suite(release, (), (), (Index(f"{base}Packages", None, packages),))
    machines = {name for component in components for name in component.architectures} | set(release.architectures)
    architectures = (ALL, *sorted(machines - {ALL}))
    listed = {component.name: frozenset(component.packages) for component in components}
    names = tuple(sorted(listed.keys() | set(release.components)))
    indexes = tuple(
        Index(f"{base}{name}/binary-{architecture}/Packages", architecture, listed.get(name, frozenset()))
        for name in names
        for architecture in architectures
    )
    return Suite(release, names, architectures, indexes)


def _default_suite(release: DebRelease, components: list[DebComponent], machines: Iterable[str]) -> Suite:
    """Return the default release, whose default component lists all packages."""
    kept = [component for component in components if component.name != DEFAULT_COMPONENT]
    everything = DebComponent(
        name=DEFAULT_COMPONENT, distribution=DEFAULT_DISTRIBUTION, repoid="", architectures=tuple(machines)
    )
    suite = _suite(release, [*kept, everything])
    folder = f"{suite.base}{DEFAULT_COMPONENT}/binary-"
    indexes = (
        Index(index.path, index.architecture, None) if index.path.startswith(folder) else index for index in suite.indexes
    )
    return Suite(suite.release, suite.components, suite.architectures, tuple(indexes))

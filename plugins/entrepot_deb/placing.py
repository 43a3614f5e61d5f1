"""Components and releases of a destination: what they list once more packages have come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from entrepot_deb.units import Deb, DebComponent, DebRelease

if TYPE_CHECKING:
    from entrepot.plugin import ImportConduit

Place = tuple[str, str]  # distribution and component


class Placing:
    """Gathers which packages go where, and makes the units that say so, in place of those that the repository has."""

    def __init__(self, ctx: ImportConduit) -> None:
        """Read what the repository has."""
        self._repository_id = ctx.repository_id
        self._components = {(each.distribution, each.name): each for each in ctx.units(DebComponent)}
        self._releases = {each.distribution: each for each in ctx.units(DebRelease)}
        self._packages: dict[Place, set[str]] = {}
        self._architectures: dict[Place, set[str]] = {}
        self._come: dict[str, DebRelease] = {}

    @property
    def listed(self) -> set[str]:
        """The ids of all packages that are listed somewhere, before and now."""
        before = (each.packages for each in self._components.values())
        return {uid for packages in (*before, *self._packages.values()) for uid in packages}

    def put(self, distribution: str, component: str, packages: Iterable[str], architectures: Iterable[str]) -> None:
        """List packages, by the ids of their units, in a component; `all` among the architectures does not matter."""
        place = (distribution, component)
        self._packages.setdefault(place, set()).update(packages)
        self._architectures.setdefault(place, set()).update(set(architectures) - {"all"})

    def put_debs(self, distribution: str, component: str, debs: Iterable[Deb]) -> None:
        """List packages in a component."""
        for deb in debs:
            self.put(distribution, component, (deb.uid,), (deb.architecture,))

    def take_release(self, release: DebRelease) -> None:
        """Describe a release as another repository does."""
        self._come[release.distribution] = release

    def units(self) -> Iterator[DebComponent | DebRelease]:
        """Yield the components and releases that are new or list more than before."""
        for (distribution, name), packages in self._packages.items():
            before = self._components.get((distribution, name))
            architectures = self._architectures[distribution, name]
            yield DebComponent(
                name=name,
                distribution=distribution,
                repoid=self._repository_id,
                architectures=tuple(sorted(architectures | set(before.architectures if before else ()))),
                packages=tuple(sorted(packages | set(before.packages if before else ()))),
            )
        for distribution in dict.fromkeys([*self._come, *(place[0] for place in self._packages)]):
            yield self._release(distribution)

    def _release(self, distribution: str) -> DebRelease:
        """Return a release that names all its components; of two that describe it, the one that came tells more."""
        before, come = self._releases.get(distribution), self._come.get(distribution)
        known = come or before or DebRelease(distribution=distribution, repoid=self._repository_id)
        places = [place for place in self._packages if place[0] == distribution]
        architectures = {name for place in places for name in self._architectures[place]}
        components = {place[1] for place in places}
        if before is not None:
            architectures |= set(before.architectures)
            components |= set(before.components)
        values = known.model_dump() | {
            "repoid": self._repository_id,
            "architectures": tuple(sorted(architectures)),
            "components": tuple(sorted(components)),
        }
        return DebRelease(**values)

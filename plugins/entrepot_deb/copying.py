"""A copy: packages come as they are, and the components and releases of the destination are made to list them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from entrepot_deb.dependencies import needed
from entrepot_deb.placing import Placing
from entrepot_deb.units import DEFAULT_COMPONENT, DEFAULT_DISTRIBUTION, Deb, DebComponent, DebRelease

if TYPE_CHECKING:
    from entrepot.plugin import CopyConduit, Unit


class Copying:
    """One copy under way."""

    def __init__(self, ctx: CopyConduit) -> None:
        """Begin it; nothing is read yet."""
        self._ctx = ctx
        self._debs: dict[str, Deb] = {}
        self._components: list[DebComponent] = []
        self._releases: dict[str, DebRelease] = {}

    def copy(self, units: Iterable[Unit]) -> Iterator[Unit]:
        """Yield what comes into the destination: packages first, then what lists them.

        A package that no copied component lists, and none of the destination, goes to the default one.
        """
        for unit in units:
            self._take(unit)
        if self._ctx.config.copy_children:
            self._take_children()
        if self._ctx.config.recursive:
            held, offered = self._ctx.units(Deb), self._ctx.source_units(Deb)
            self._debs.update((deb.uid, deb) for deb in needed(self._debs.values(), held, offered))
        yield from self._debs.values()
        placing = Placing(self._ctx)
        self._place_components(placing)
        listed = placing.listed
        stray = [deb for uid, deb in self._debs.items() if uid not in listed]
        placing.put_debs(DEFAULT_DISTRIBUTION, DEFAULT_COMPONENT, stray)
        yield from placing.units()

    def _take(self, unit: Unit) -> None:
        if isinstance(unit, Deb):
            self._debs[unit.uid] = unit
        elif isinstance(unit, DebComponent):
            self._components.append(unit)
        elif isinstance(unit, DebRelease):
            self._releases[unit.distribution] = unit

    def _take_children(self) -> None:
        """Take the components of each release, and the packages of each component."""
        known = {(each.distribution, each.name) for each in self._components}
        if self._releases:
            for component in self._ctx.source_units(DebComponent):
                if component.distribution in self._releases and (component.distribution, component.name) not in known:
                    self._components.append(component)
        wanted = {uid for component in self._components for uid in component.packages} - self._debs.keys()
        if wanted:
            self._debs.update((uid, deb) for deb in self._ctx.source_units(Deb) if (uid := deb.uid) in wanted)

    def _place_components(self, placing: Placing) -> None:
        """Let the destination's components list what the copied ones do, as far as it comes or is there."""
        if self._components:
            distributions = {component.distribution for component in self._components} - self._releases.keys()
            missing = (each for each in self._ctx.source_units(DebRelease) if each.distribution in distributions)
            for release in (*self._releases.values(), *missing):
                placing.take_release(release)
            there = self._debs.keys() | {deb.uid for deb in self._ctx.units(Deb)}
            for component in self._components:
                packages = there & set(component.packages)
                placing.put(component.distribution, component.name, packages, component.architectures)
        else:
            for release in self._releases.values():
                placing.take_release(release)

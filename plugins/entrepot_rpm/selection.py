"""Which units of the repository a distributor publishes: all of them but for types that are skipped, or those of a time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, TypeVar

from entrepot.plugin import Unit

if TYPE_CHECKING:
    from entrepot.plugin import PublishConduit

UnitT = TypeVar("UnitT", bound=Unit)


class Selection:
    """What the conduit says of units, as far as they are published."""

    def __init__(
        self, pub: PublishConduit, *, skip: Collection[str] = (), wanted: Callable[[Unit], bool] | None = None
    ) -> None:
        """Leave out the unit types (ids) in `skip`, and the units that are not `wanted`."""
        self.pub = pub
        self._skip = frozenset(skip)
        self._wanted = wanted

    def units(
        self,
        unit_type: type[UnitT],
        *,
        names: Collection[str] | None = None,
        by_name: bool = False,
        documents: bool = False,
    ) -> Iterator[UnitT]:
        """Return all units of a type, as `PublishConduit.units` does."""
        if unit_type.type_id in self._skip:
            return iter(())
        return self._chosen(self.pub.units(unit_type, names=names, by_name=by_name, documents=documents))

    def added(self, unit_type: type[UnitT]) -> Iterator[UnitT]:
        """Return the units that came since the previous publication."""
        return iter(()) if unit_type.type_id in self._skip else self._chosen(self.pub.added(unit_type))

    def removed(self, unit_type: type[UnitT]) -> Iterator[UnitT]:
        """Return the units that left since the previous publication."""
        return iter(()) if unit_type.type_id in self._skip else self._chosen(self.pub.removed(unit_type))

    def is_touched(self, *unit_types: type[Unit]) -> bool:
        """Say whether units of these types came or left since the previous publication, or there is none."""
        if not self.pub.incremental:
            return True
        return any(next(units, None) is not None for each in unit_types for units in (self.added(each), self.removed(each)))

    def _chosen(self, units: Iterator[UnitT]) -> Iterator[UnitT]:
        return units if self._wanted is None else filter(self._wanted, units)

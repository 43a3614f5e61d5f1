"""Which versions of a lineage a repository keeps when its importer retains only some old ones.

Units of a lineage, say packages of one name and architecture, are held back until the feed has been read to its end: only
then is it known which are the newest. What is too old is never downloaded, and leaves the repository if it is there. Units
of equal order are one version, say the wheels of a release for several platforms: they stay or leave together.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from entrepot.plugin import Unit


class _Candidate(NamedTuple):
    """A unit that the feed offers, or the row id of one that the repository holds."""

    unit: Unit | None
    row: int | None


class _Lineage:
    """The versions of one lineage, from the oldest to the newest: what they sort by, and their candidates by uid."""

    __slots__ = ("candidates", "orders")

    def __init__(self) -> None:
        self.orders: list[Any] = []  # whatever compares: see Unit.version_order
        self.candidates: list[dict[str, _Candidate]] = []

    def add(self, order: Any, uid: str, candidate: _Candidate) -> None:  # noqa: ANN401 - as above
        place = bisect_left(self.orders, order)
        if place == len(self.orders) or order < self.orders[place]:
            self.orders.insert(place, order)
            self.candidates.insert(place, {})
        self.candidates[place].setdefault(uid, candidate)


class Newest:
    """Takes units, and gives back those of the newest versions of each lineage: of `retain_old_count` and one more."""

    def __init__(self, retain_old_count: int) -> None:
        """Begin with no unit."""
        self._most = retain_old_count + 1
        self._lineages: dict[tuple[object, ...], _Lineage] = {}
        #: Units that the repository holds and is to lose: row id -> type. Complete when `kept` has ended.
        self.leaving: dict[int, str] = {}

    def offer(self, unit: Unit) -> None:
        """Take a unit that the feed offers; of each lineage no more versions stay in memory than will be kept."""
        lineage = self._lineages.setdefault(_key(unit), _Lineage())
        lineage.add(unit.version_order(), unit.uid, _Candidate(unit, None))
        if len(lineage.orders) > self._most:
            del lineage.orders[0], lineage.candidates[0]

    def hold(self, unit: Unit) -> None:
        """Take a unit that the repository holds; after all that are offered, for what is offered is known to be new enough."""
        lineage = self._lineages.setdefault(_key(unit), _Lineage())
        lineage.add(unit.version_order(), unit.uid, _Candidate(None, unit.stored_row))

    def kept(self) -> Iterator[Unit]:
        """Yield the units of the feed that are new enough, and forget them."""
        while self._lineages:
            (unit_type, *_), lineage = self._lineages.popitem()
            for version in lineage.candidates[: -self._most]:
                self.leaving.update((each.row, str(unit_type)) for each in version.values() if each.row is not None)
            for version in reversed(lineage.candidates[-self._most :]):
                for candidate in version.values():
                    if candidate.unit is not None:
                        yield candidate.unit


def _key(unit: Unit) -> tuple[object, ...]:
    return (unit.type_id, *[getattr(unit, name) for name in unit.lineage])

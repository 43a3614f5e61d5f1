"""Which units of a repository a task is to copy or remove, and how its result names them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from entrepot.content.bulk import chunks
from entrepot.criteria import UnitCriteria
from entrepot.criteria.dialects import dialect_named
from entrepot.errors import BrokenPlugin, InvalidValue, MissingResource
from entrepot.repositories import unit_search

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from entrepot.errors import JSON
    from entrepot.models import Repository
    from entrepot.repositories.house import House

#: Units that a result lists at most.
MOST_LISTED = 10_000
#: Units that are read at once.
_PAGE = 2000
#: Bytes of a result that are left for what is not in the list.
_ROOM = 500


@dataclass(frozen=True, slots=True)
class Named:
    """Units as a result shows them: the first of them, and how many there are."""

    listed: list[JSON]
    total: int

    def result(self) -> dict[str, JSON]:
        """Return the result of a task; `truncated` and `units_total` only if not all units are listed."""
        if len(self.listed) == self.total:
            return {"units_successful": self.listed}
        return {"units_successful": self.listed, "truncated": True, "units_total": self.total}


def sent(criteria: UnitCriteria | None) -> dict[str, JSON] | None:
    """Return criteria as a task's arguments hold them; raises `InvalidValue` if they were not parsed from a document."""
    if criteria is None or criteria == UnitCriteria():
        return None
    if criteria.source is None:
        raise InvalidValue("criteria", why="a task can be given criteria that were made by UnitCriteria.parse")
    document: dict[str, JSON] = json.loads(json.dumps(criteria.source))
    return document


def received(document: Mapping[str, JSON] | None) -> UnitCriteria:
    """Return the criteria that a task was given."""
    return UnitCriteria.parse(document or {})


def choose(house: House, repository: Repository, criteria: UnitCriteria) -> dict[int, str]:
    """Return the row ids of the repository's units that `criteria` select, in their order, with their types.

    Raises `InvalidValue`, `SearchTooSlow`.
    """
    return unit_search.find_rows(house, repository, criteria)


def named(house: House, units: Iterable[int]) -> Named:
    """Return these units, by row id, as a result shows them: as many as it has room for, with their types and keys."""
    rows = list(units)
    listed, room = list[Any](), house.settings.max_result_bytes - _ROOM
    keys = KeyFields(house)
    dialect = dialect_named(house.database.dialect)
    for chunk in chunks(rows[:MOST_LISTED], _PAGE):
        among = dialect.one_of("id", chunk)
        query = f"SELECT id, unit_type, data FROM unit WHERE {among.sql}"
        found = {row: (unit_type, data) for row, unit_type, data in house.database.rows(query, among.values)}
        for row in chunk:
            unit_type, data = found[row]
            item = {"type_id": unit_type, "unit_key": keys.of(unit_type, json.loads(data))}
            room -= len(json.dumps(item)) + 1
            if room < 0:
                return Named(listed, len(rows))
            listed.append(item)
    return Named(listed, len(rows))


class KeyFields:
    """Takes the fields of the key out of units' data."""

    def __init__(self, house: House) -> None:
        """Ask the plugins of `house`, each type once."""
        self._house = house
        self._names: dict[str, tuple[str, ...] | None] = {}

    def of(self, unit_type: str, data: Mapping[str, JSON]) -> dict[str, JSON]:
        """Return the fields of the key; all of them if no plugin knows the type any more."""
        if unit_type not in self._names:
            try:
                self._names[unit_type] = self._house.plugins.unit_type(unit_type).unit_key
            except (MissingResource, BrokenPlugin):
                self._names[unit_type] = None
        names = self._names[unit_type]
        return dict(data) if names is None else {name: data.get(name) for name in names}

"""Search for the units of a repository. Source: the Pulp 2 REST contract, 4.6."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.content.bulk import placeholders
from entrepot.criteria import Condition, Document, Field, UnitCriteria, every, formed, select_by
from entrepot.errors import JSON
from entrepot.repositories.unit_fields import DOWNLOADED, UNIT_ID, UNIT_TYPE, USER_METADATA, unit_document, unit_id
from entrepot.repositories.unit_names import found_by_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrepot.models import Database, Repository, Row
    from entrepot.repositories.house import House

#: An association's number: the repository's row before 64 bits, which hold the unit's.
_UNIT_BITS = 64
_CREATED = "COALESCE(association.created_at, unit.created_at)"
_FROM = """
FROM association JOIN unit ON unit.id = association.unit JOIN repository ON repository.id = association.repository
"""
_ROWS = f"SELECT unit.id, unit.unit_type {_FROM}"
_HEAD = f"""
SELECT association.repository, association.unit, repository.repository_id, unit.unit_type, unit.uid, unit.data,
       {_CREATED}, {DOWNLOADED}, {USER_METADATA} {_FROM}
"""


@dataclass(frozen=True, slots=True)
class AssociatedUnit:
    """A unit that a repository holds; `data` are all its fields.

    `association_id` tells this repository's hold on it from any other. `unit_id` is a UUID that the unit has in every
    repository, and in every engine. `downloaded`: the bytes of all its files are in the store.
    """

    association_id: int
    unit_id: str
    unit_type_id: str
    repository_id: str
    created: datetime
    updated: datetime
    data: dict[str, JSON]
    downloaded: bool
    user_metadata: dict[str, JSON]


def search_units(house: House, repository: Repository, criteria: UnitCriteria) -> list[AssociatedUnit]:
    """Return the units of the repository that `criteria` select.

    Their order is that of the association's sort if there is one, else by type, then by the unit's sort, then as they were
    first stored. Raises as `criteria.select`.
    """
    return [_associated(row) for row in _select(house, repository, criteria, _HEAD)]


def read_units(database: Database, repository: int, units: Sequence[int]) -> list[AssociatedUnit]:
    """Return those of the units with these row ids that the repository with that row id holds, in the order of `units`."""
    among = f"association.repository = ? AND association.removed_revision IS NULL AND unit.id IN {placeholders(len(units))}"
    found = {row[1]: row for row in database.rows(f"{_HEAD} WHERE {among}", (repository, *units))} if units else {}
    return [_associated(found[unit]) for unit in units if unit in found]


def find_rows(house: House, repository: Repository, criteria: UnitCriteria) -> dict[int, str]:
    """Return the row ids of what `search_units` returns, with their types, in its order; without reading what is in them."""
    return dict(_select(house, repository, criteria, _ROWS))


def _select(house: House, repository: Repository, criteria: UnitCriteria, head: str) -> list[Row]:
    among = formed("association.repository = ? AND association.removed_revision IS NULL", repository.id)
    if criteria.type_ids is not None:
        among = every(among, _of_types(criteria.type_ids))
    held = repository.content_unit_counts.keys() if criteria.type_ids is None else criteria.type_ids
    by_name = found_by_name(house, frozenset(held), criteria.unit_filters, "association.unit")
    if by_name is not None:
        among = every(among, by_name)
    sorts = [(_ASSOCIATIONS, criteria.association_sort)] if criteria.association_sort else []
    if not sorts:
        sorts = [(_ASSOCIATIONS, (("unit_type_id", False),)), (_UNITS, criteria.unit_sort)]
    return select_by(
        house.database,
        head,
        filters=[(_ASSOCIATIONS, criteria.association_filters), (_UNITS, criteria.unit_filters)],
        sorts=sorts,
        limit=criteria.limit,
        skip=criteria.skip,
        tie="unit.id",
        among=among,
    )


def _of_types(type_ids: tuple[str, ...]) -> Condition:
    if not type_ids:
        return Condition("FALSE")
    return formed(f"unit.unit_type IN ({', '.join('?' * len(type_ids))})", *type_ids)


def _associated(row: Row) -> AssociatedUnit:
    repository, unit, repository_id, unit_type, uid, data, created, downloaded, user_metadata = row
    moment = clock.from_us(created)
    return AssociatedUnit(
        association_id=repository << _UNIT_BITS | unit,
        unit_id=unit_id(uid),
        unit_type_id=unit_type,
        repository_id=repository_id,
        created=moment,
        updated=moment,
        data=json.loads(data),
        downloaded=bool(downloaded),
        user_metadata=json.loads(user_metadata),
    )


_ASSOCIATIONS = Document(
    "repo_content_units",
    {
        "_ns": Field("text", "'repo_content_units'"),
        "repo_id": Field("text", "repository.repository_id"),
        "unit_id": Field("text", UNIT_ID),
        "unit_type_id": UNIT_TYPE,
        "created": Field("moment", _CREATED),
        "updated": Field("moment", _CREATED),
    },
)
_UNITS = unit_document(_CREATED)

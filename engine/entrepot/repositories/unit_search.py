"""Search for the units of a repository. Source: the Pulp 2 REST contract, 4.6."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.criteria import Condition, Document, Field, UnitCriteria, every, formed, select_by
from entrepot.errors import JSON

if TYPE_CHECKING:
    from entrepot.models import Database, Row

#: An association's number: the repository's row before 64 bits, which hold the unit's.
_UNIT_BITS = 64
_DOWNLOADED = "NOT EXISTS (SELECT 1 FROM unit_file WHERE unit_file.unit = unit.id AND unit_file.blob IS NULL)"
_CREATED = "COALESCE(association.created_at, unit.created_at)"
_UNIT_ID = (
    "("
    + " || '-' || ".join(
        f"substr(unit.uid, {start}, {length})" for start, length in ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
    )
    + ")"
)
_HEAD = f"""
SELECT association.repository, association.unit, repository.repository_id, unit.unit_type, unit.uid, unit.data,
       {_CREATED}, {_DOWNLOADED}
FROM association JOIN unit ON unit.id = association.unit JOIN repository ON repository.id = association.repository
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


def search_units(database: Database, repository: int, criteria: UnitCriteria) -> list[AssociatedUnit]:
    """Return the units of the repository (its row id) that `criteria` select.

    Their order is that of the association's sort if there is one, else by type, then by the unit's sort, then as they were
    first stored. Raises as `criteria.select`.
    """
    among = formed("association.repository = ? AND association.removed_revision IS NULL", repository)
    if criteria.type_ids is not None:
        among = every(among, _of_types(criteria.type_ids))
    sorts = [(_ASSOCIATIONS, criteria.association_sort)] if criteria.association_sort else []
    if not sorts:
        sorts = [(_ASSOCIATIONS, (("unit_type_id", False),)), (_UNITS, criteria.unit_sort)]
    rows = select_by(
        database,
        _HEAD,
        filters=[(_ASSOCIATIONS, criteria.association_filters), (_UNITS, criteria.unit_filters)],
        sorts=sorts,
        limit=criteria.limit,
        skip=criteria.skip,
        tie="unit.id",
        among=among,
    )
    return [_associated(row) for row in rows]


def _of_types(type_ids: tuple[str, ...]) -> Condition:
    if not type_ids:
        return Condition("FALSE")
    return formed(f"unit.unit_type IN ({', '.join('?' * len(type_ids))})", *type_ids)


def _associated(row: Row) -> AssociatedUnit:
    repository, unit, repository_id, unit_type, uid, data, created, downloaded = row
    moment = clock.from_us(created)
    return AssociatedUnit(
        association_id=repository << _UNIT_BITS | unit,
        unit_id=str(uuid.UUID(hex=uid[:32])),
        unit_type_id=unit_type,
        repository_id=repository_id,
        created=moment,
        updated=moment,
        data=json.loads(data),
        downloaded=bool(downloaded),
        user_metadata={},
    )


_TYPE = Field("text", "unit.unit_type")
_ASSOCIATIONS = Document(
    "repo_content_units",
    {
        "_ns": Field("text", "'repo_content_units'"),
        "repo_id": Field("text", "repository.repository_id"),
        "unit_id": Field("text", _UNIT_ID),
        "unit_type_id": _TYPE,
        "created": Field("moment", _CREATED),
        "updated": Field("moment", _CREATED),
    },
)
_UNITS = Document(
    "units",
    {
        "_id": Field("text", _UNIT_ID),
        "_ns": Field("text", "('units_' || unit.unit_type)"),
        "_content_type_id": _TYPE,
        "_storage_path": Field("text", "CAST(NULL AS TEXT)"),
        "_last_updated": Field("number", f"({_CREATED} / 1000000)"),
        "downloaded": Field("boolean", f"({_DOWNLOADED})"),
        "pulp_user_metadata": Field("json", "'{}'"),
    },
    rest=Field("json", "unit.data"),
)

"""Content units, whatever repositories hold them: searched, shown, and with what clients keep with them.

Source: the Pulp 2 REST contract, 4.7 and 5.2.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.content.bulk import chunks, placeholders
from entrepot.content.user_metadata import write_user_metadata
from entrepot.criteria import Criteria, formed, select
from entrepot.errors import JSON, MissingResource
from entrepot.repositories import checks
from entrepot.repositories.content_reports import UnitFileReport, UnitReport
from entrepot.repositories.unit_fields import DOWNLOADED, USER_METADATA, unit_document, unit_id
from entrepot.repositories.unit_names import found_by_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entrepot.models import Database, Row
    from entrepot.repositories.house import House

_HEAD = f"""
SELECT unit.id, unit.unit_type, unit.uid, unit.created_at, unit.data, {DOWNLOADED}, {USER_METADATA} FROM unit
"""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UNITS = unit_document("unit.created_at")
#: Stands behind every hexadecimal digit.
_AFTER = "g"


def find_units(
    house: House, unit_type_id: str, criteria: Criteria | None = None, *, include_repositories: bool = False
) -> list[UnitReport]:
    """Return the units of a type that `criteria` select, in their order, else as they were first stored.

    Raises as `criteria.select`.
    """
    asked = criteria or Criteria()
    among = found_by_name(house, {unit_type_id}, asked.filters, "unit.id") or formed("unit.unit_type = ?", unit_type_id)
    found = select(house.database, _HEAD, _UNITS, asked, tie="unit.id", among=among)
    return _reports(house.database, found, include_repositories=include_repositories)


def get_unit(house: House, unit_type_id: str, unit_id: str) -> UnitReport:
    """Return one unit with the repositories that hold it; raises `MissingResource`."""
    row = require_unit(house.database, unit_type_id, unit_id)
    found = house.database.rows(f"{_HEAD} WHERE unit.id = ?", (row,))
    if not found:  # deleted at this moment
        raise MissingResource(content_type=unit_type_id, content_unit=unit_id)
    return _reports(house.database, found, include_repositories=True)[0]


def unit_files(house: House, unit_type_id: str, unit_id: str) -> list[UnitFileReport]:
    """Return the files of one unit, by path; raises `MissingResource`."""
    row = require_unit(house.database, unit_type_id, unit_id)
    query = """
    SELECT unit_file.path, unit_file.size, unit_file.digests, blob.size, blob.sha256,
           (SELECT COUNT(*) FROM remote_file WHERE remote_file.unit = unit_file.unit AND remote_file.path = unit_file.path)
    FROM unit_file LEFT JOIN blob ON blob.id = unit_file.blob WHERE unit_file.unit = ? ORDER BY unit_file.path
    """
    files = []
    for path, size, digests, stored_size, sha256, sources in house.database.rows(query, (row,)):
        known = json.loads(digests) | ({} if sha256 is None else {"sha256": sha256})
        files.append(UnitFileReport(path, size if stored_size is None else stored_size, known, sha256 is not None, sources))
    return files


def set_user_metadata(house: House, unit_type_id: str, unit_id: str, metadata: Mapping[str, JSON]) -> None:
    """Keep `metadata` with a unit, in place of what was kept before; raises `MissingResource`, `InvalidValue`."""
    given = dict(checks.given_object("pulp_user_metadata", metadata))
    database = house.database
    with database.transaction():
        if not write_user_metadata(database, require_unit(database, unit_type_id, unit_id), given):
            raise MissingResource(content_type=unit_type_id, content_unit=unit_id)


def find_unit(database: Database, unit_type_id: str, unit_id: str) -> int | None:
    """Return the row id of a unit, None if there is none such."""
    if not _UUID.fullmatch(unit_id):
        return None
    digits = unit_id.replace("-", "")
    query = "SELECT id FROM unit WHERE uid >= ? AND uid < ? AND unit_type = ?"
    row = database.row(query, (digits, digits + _AFTER, unit_type_id))
    return None if row is None else int(row[0])


def require_unit(database: Database, unit_type_id: str, unit_id: str) -> int:
    """Return the row id of a unit; raises `MissingResource`."""
    row = find_unit(database, unit_type_id, unit_id)
    if row is None:
        raise MissingResource(content_type=unit_type_id, content_unit=unit_id)
    return row


def _reports(database: Database, found: Sequence[Row], *, include_repositories: bool) -> list[UnitReport]:
    holders = _holders(database, [row[0] for row in found]) if include_repositories else None
    reports = []
    for row, unit_type, uid, created, data, downloaded, user_metadata in found:
        moment = clock.from_us(created)
        report = UnitReport(
            unit_id=unit_id(uid),
            unit_type_id=unit_type,
            created=moment,
            updated=moment,
            data=json.loads(data),
            downloaded=bool(downloaded),
            user_metadata=json.loads(user_metadata),
            repository_ids=None if holders is None else tuple(holders.get(row, ())),
        )
        reports.append(report)
    return reports


def _holders(database: Database, units: Sequence[int]) -> dict[int, list[str]]:
    holders: dict[int, list[str]] = {}
    for chunk in chunks(units):
        query = (
            "SELECT association.unit, repository.repository_id FROM association "
            "JOIN repository ON repository.id = association.repository WHERE association.removed_revision IS NULL "
            f"AND association.unit IN {placeholders(len(chunk))}"
        )
        for unit, repository_id in database.rows(query, chunk):
            holders.setdefault(unit, []).append(repository_id)
    return {unit: sorted(found) for unit, found in holders.items()}

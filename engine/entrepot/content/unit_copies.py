"""Units made of others: with other fields, and with the same files and document. Writes the tables of `units` and `catalog`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from entrepot.content.units import UnitRecord, save_units
from entrepot.models import Database


class Renewed(NamedTuple):
    """A unit to save without files, and the row id of the unit whose files and document it gets; None: it has none."""

    record: UnitRecord
    origin: int | None


#: What a unit has beside its own row, by its row id.
_PARTS = (
    (
        "INSERT INTO unit_file (unit, path, blob, size, digests) "
        "SELECT ?, path, blob, size, digests FROM unit_file WHERE unit = ? ON CONFLICT DO NOTHING"
    ),
    "INSERT INTO unit_document (unit, data) SELECT ?, data FROM unit_document WHERE unit = ? ON CONFLICT DO NOTHING",
    (
        "INSERT INTO remote_file (unit, path, importer, url) "
        "SELECT ?, path, importer, url FROM remote_file WHERE unit = ? ON CONFLICT DO NOTHING"
    ),
)


def save_renewed(database: Database, units: Sequence[Renewed]) -> dict[tuple[str, str], int]:
    """Write units, in the caller's transaction, and return their row ids by type and uid; what they lack they get of others.

    The units that it comes from must stay meanwhile: a repository that is reserved holds them.
    """
    saved = save_units(database, [unit.record for unit in units])
    pairs = [(saved[unit.record.unit_type, unit.record.uid], unit.origin) for unit in units if unit.origin is not None]
    for statement in _PARTS:
        database.executemany(statement, pairs)
    return saved

"""Content units and their files as rows. The only writer of the tables `unit` and `unit_file`.

A unit is stored once, whatever number of repositories has it. Everything here runs in the caller's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain
from operator import attrgetter
from types import MappingProxyType
from typing import NamedTuple

from entrepot import clock
from entrepot.content.blobs import find_blobs
from entrepot.content.bulk import chunks, placeholders, value_rows
from entrepot.errors import StorageError
from entrepot.models import Database

#: Keeps units from being deleted until the transaction ends, and is had before their files are, as by who deletes them.
_LOCK = {"sqlite": "", "postgresql": " FOR KEY SHARE"}
_encode = json.JSONEncoder(separators=(",", ":")).encode


class FileRecord(NamedTuple):
    """A file of a unit. `sha256` is None while its bytes are deferred; `digests` are those the feed promised."""

    path: str
    sha256: str | None
    size: int | None
    digests: Mapping[str, str] = MappingProxyType({})


class UnitRecord(NamedTuple):
    """A unit to save: its type, the digest of its key, all its fields as JSON text, its files, and what else it has.

    `repository_key` and `name` are None for a unit that has none; `document` is what its plugin keeps beside it.
    """

    unit_type: str
    uid: str
    data: str
    files: Sequence[FileRecord] = ()
    repository_key: str | None = None
    name: str | None = None
    document: bytes | None = None


class KnownUnit(NamedTuple):
    """A unit that is stored already. `complete`: the bytes of each of its files are in the store."""

    id: int
    complete: bool


def find_units(database: Database, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], KnownUnit]:
    """Return those of `keys` (unit type, uid) that are stored."""
    wanted = set(keys)
    found = {}
    for chunk in chunks(list({uid for _, uid in wanted})):
        rows = database.rows(
            "SELECT unit_type, uid, id, "
            "NOT EXISTS (SELECT 1 FROM unit_file WHERE unit_file.unit = unit.id AND unit_file.blob IS NULL) "
            f"FROM unit WHERE uid IN {placeholders(len(chunk))}",
            chunk,
        )
        for unit_type, uid, unit_id, complete in rows:
            if (unit_type, uid) in wanted:
                found[unit_type, uid] = KnownUnit(unit_id, bool(complete))
    return found


def are_there(database: Database, beginnings: Mapping[int, str]) -> bool:
    """Answer whether the units with these row ids still have uids that begin so; SQLite may give a row id anew."""
    for chunk in chunks(list(beginnings)):
        rows: dict[int, str] = dict(database.rows(f"SELECT id, uid FROM unit WHERE id IN {placeholders(len(chunk))}", chunk))
        if any(not rows.get(row, "").startswith(beginnings[row]) for row in chunk):
            return False
    return True


def save_units(
    database: Database, records: Sequence[UnitRecord], *, blobs: Mapping[str, int] | None = None
) -> dict[tuple[str, str], int]:
    """Write units with their files and documents, and return the units' row ids by unit type and uid.

    A unit that exists stays as it is; its files take the bytes that they lacked, and files it has besides stay. Of two
    records of one unit the later wins; the files of a unit have different paths. `blobs`: row ids that the caller knows
    already, from `record_blobs`. The rows are written in one order everywhere, as there. Raises `StorageError` if a file's
    bytes have no row.
    """
    latest = {(record.unit_type, record.uid): record for record in records}
    ordered = sorted(latest.values(), key=attrgetter("uid"))
    ids = _save_units(database, ordered)
    _save_files(database, ordered, ids, blobs or {})
    _save_documents(database, ordered, ids)
    return ids


def stay(database: Database, units: Sequence[int]) -> None:
    """Keep `units` (row ids) from being deleted until the transaction ends; before anything is written that belongs to them."""
    if database.serialises_writers:
        return
    for chunk in chunks(units):
        database.execute(f"SELECT id FROM unit WHERE id IN {placeholders(len(chunk))}{_LOCK[database.dialect]}", chunk)


def fill_files(database: Database, arrivals: Iterable[tuple[int, str, int]]) -> None:
    """Give files of units their bytes: (row id of the unit, path, row id of the blob); those that have bytes keep them."""
    database.executemany(
        "UPDATE unit_file SET blob = ?, size = (SELECT size FROM blob WHERE id = ?) "
        "WHERE unit = ? AND path = ? AND blob IS NULL",
        ((blob, blob, unit, path) for unit, path, blob in arrivals),
    )


def _save_units(database: Database, records: Sequence[UnitRecord]) -> dict[tuple[str, str], int]:
    ids: dict[tuple[str, str], int] = {}
    moment = clock.now_us()
    for chunk in chunks(records):
        missing: Sequence[UnitRecord] = chunk
        while missing:  # what was there may be deleted as an orphan before it is locked
            database.execute(
                "INSERT INTO unit (unit_type, uid, repository_key, name, data, created_at) "
                f"VALUES {value_rows(len(missing), 6)} ON CONFLICT (uid, unit_type) DO NOTHING",
                [
                    value
                    for record in missing
                    for value in (record.unit_type, record.uid, record.repository_key, record.name, record.data, moment)
                ],
            )
            uids = [record.uid for record in missing]
            query = f"SELECT unit_type, uid, id FROM unit WHERE uid IN {placeholders(len(uids))}{_LOCK[database.dialect]}"
            for unit_type, uid, unit_id in database.rows(query, uids):
                ids[unit_type, uid] = unit_id
            missing = [record for record in missing if (record.unit_type, record.uid) not in ids]
    return ids


def _save_files(
    database: Database, records: Sequence[UnitRecord], ids: Mapping[tuple[str, str], int], blobs: Mapping[str, int]
) -> None:
    wanted = {file.sha256 for record in records for file in record.files if file.sha256}
    missing = wanted.difference(blobs)
    if missing:
        blobs = {**blobs, **find_blobs(database, missing)}
    rows: list[tuple[int, str, int | None, int | None, str]] = []
    for record in records:
        unit_id = ids[record.unit_type, record.uid]
        for file in record.files:
            blob = None
            if file.sha256:
                blob = blobs.get(file.sha256)
                if blob is None:
                    msg = f"The file {file.path!r} of a unit has bytes ({file.sha256}) without a row; record_blobs goes first."
                    raise StorageError(msg, sha256=file.sha256)
            rows.append((unit_id, file.path, blob, file.size, _text(file.digests)))
    rows.sort()  # as `fill_files` takes them: no two transactions wait for each other in a circle
    for chunk in chunks(rows):
        database.execute(
            f"INSERT INTO unit_file (unit, path, blob, size, digests) VALUES {value_rows(len(chunk), 5)} "
            "ON CONFLICT (unit, path) DO UPDATE SET blob = COALESCE(unit_file.blob, excluded.blob), "
            "size = COALESCE(unit_file.size, excluded.size)",
            list(chain.from_iterable(chunk)),
        )


def _save_documents(database: Database, records: Sequence[UnitRecord], ids: Mapping[tuple[str, str], int]) -> None:
    rows = [(ids[record.unit_type, record.uid], record.document) for record in records if record.document is not None]
    for chunk in chunks(rows):
        database.execute(
            f"INSERT INTO unit_document (unit, data) VALUES {value_rows(len(chunk), 2)} ON CONFLICT (unit) DO NOTHING",
            list(chain.from_iterable(chunk)),
        )


def _text(digests: Mapping[str, str]) -> str:
    """Return `digests` as JSON text; the usual ones are letters and digits, which need no encoder and no time."""
    letters = "".join((*digests, *digests.values()))
    if letters.isalnum() and letters.isascii():
        return '{"' + '","'.join([f'{kind}":"{promise}' for kind, promise in digests.items()]) + '"}'
    return _encode(dict(digests))

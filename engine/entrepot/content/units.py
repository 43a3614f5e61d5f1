"""Content units and their files as rows. The only writer of the tables `unit` and `unit_file`.

A unit is stored once, whatever number of repositories has it. Everything here runs in the caller's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import itemgetter

from entrepot import clock
from entrepot.content.blobs import find_blobs
from entrepot.content.bulk import chunks, placeholders, value_rows
from entrepot.errors import StorageError
from entrepot.models import Database

_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file of a unit. `sha256` is None while its bytes are deferred; `digests` are those the feed promised."""

    path: str
    sha256: str | None
    size: int | None
    digests: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UnitRecord:
    """A unit to save: its type, the digest of its key, all its fields as JSON text, its files, its repository key if any."""

    unit_type: str
    uid: str
    data: str
    files: tuple[FileRecord, ...] = ()
    repository_key: str | None = None


@dataclass(frozen=True, slots=True)
class KnownUnit:
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


def save_units(
    database: Database, records: Sequence[UnitRecord], *, blobs: Mapping[str, int] | None = None
) -> dict[tuple[str, str], int]:
    """Write units and their files, and return the units' row ids by unit type and uid.

    A unit that exists takes the new data; its files take the bytes that they lacked, and files it has besides stay. Of two
    records of one unit the later wins; the files of a unit have different paths. `blobs`: row ids that the caller knows
    already, from `record_blobs`. The rows are written in one order everywhere, as there. Raises `StorageError` if a file's
    bytes have no row.
    """
    latest = {(record.unit_type, record.uid): record for record in records}
    ordered = [latest[key] for key in sorted(latest, key=itemgetter(1))]
    ids = _save_units(database, ordered)
    _save_files(database, ordered, ids, blobs or {})
    return ids


def _save_units(database: Database, records: Sequence[UnitRecord]) -> dict[tuple[str, str], int]:
    ids: dict[tuple[str, str], int] = {}
    moment = clock.now_us()
    for chunk in chunks(records):
        database.execute(
            f"INSERT INTO unit (unit_type, uid, repository_key, data, created_at) VALUES {value_rows(len(chunk), 5)} "
            "ON CONFLICT (uid, unit_type) DO UPDATE SET data = excluded.data WHERE unit.data <> excluded.data",
            [value for record in chunk for value in (record.unit_type, record.uid, record.repository_key, record.data, moment)],
        )
        uids = [record.uid for record in chunk]
        for unit_type, uid, unit_id in database.rows(
            f"SELECT unit_type, uid, id FROM unit WHERE uid IN {placeholders(len(uids))}", uids
        ):
            ids[unit_type, uid] = unit_id
    return ids


def _save_files(
    database: Database, records: Sequence[UnitRecord], ids: Mapping[tuple[str, str], int], blobs: Mapping[str, int]
) -> None:
    wanted = {file.sha256 for record in records for file in record.files if file.sha256}
    missing = wanted.difference(blobs)
    if missing:
        blobs = {**blobs, **find_blobs(database, missing)}
    rows: list[tuple[object, ...]] = []
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
    for chunk in chunks(rows):
        database.execute(
            f"INSERT INTO unit_file (unit, path, blob, size, digests) VALUES {value_rows(len(chunk), 5)} "
            "ON CONFLICT (unit, path) DO UPDATE SET blob = COALESCE(excluded.blob, unit_file.blob), "
            "size = COALESCE(excluded.size, unit_file.size), digests = excluded.digests",
            list(chain.from_iterable(chunk)),
        )


def _text(digests: Mapping[str, str]) -> str:
    """Return `digests` as JSON text; the usual ones are letters and digits, which need no encoder and no time."""
    letters = "".join((*digests, *digests.values()))
    if letters.isalnum() and letters.isascii():
        return '{"' + '","'.join([f'{kind}":"{promise}' for kind, promise in digests.items()]) + '"}'
    return _encode(dict(digests))

"""Units and bytes that nobody needs any more leave. Deletes from the tables `unit`, with all that belongs to it, and `blob`.

Whoever keeps something while it is deleted wins: rows that another transaction is about to refer to are passed over, and bytes
go only while nobody keeps any (`BlobStore.removing`), each after its row.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from entrepot import clock
from entrepot.content.blobs import find_blobs
from entrepot.content.bulk import chunks, placeholders
from entrepot.content.storage_faults import storage_error
from entrepot.content.store import BlobStore
from entrepot.models import Database

#: Rows that are deleted in one transaction.
_BATCH = 1000
_SHA256 = re.compile(r"[0-9a-f]{64}")
#: Bytes without a row that are younger stay, microseconds: ten minutes. They may be somebody's who is at work.
_YOUNG_US = 600_000_000


class Removed(NamedTuple):
    """How many blobs went, and how many bytes that were."""

    blobs: int
    size: int


def lock_units(database: Database, units: Sequence[int], condition: str, values: Sequence[object]) -> list[int]:
    """Return those of `units` (row ids) that meet `condition` and that nobody is about to refer to, and lock them."""
    meets = f"id IN {placeholders(len(units))} AND {condition}"
    locked = database.rows(f"SELECT id FROM unit WHERE {meets} ORDER BY id{database.skip_locked}", (*units, *values))
    if database.serialises_writers or not locked:
        return [row for (row,) in locked]
    # What was committed before the lock was had is seen only now.
    ids = [row for (row,) in locked]
    again = f"SELECT id FROM unit WHERE id IN {placeholders(len(ids))} AND {condition}"
    return [row for (row,) in database.rows(again, (*ids, *values))]


def delete_units(database: Database, units: Sequence[int], condition: str, values: Sequence[object]) -> Counter[str]:
    """Delete those of `units` (row ids) that meet `condition`, and return how many of each type there were.

    In the caller's transaction, which has them from `lock_units`. Their files, documents and places in the catalog go too.
    """
    statement = f"DELETE FROM unit WHERE id IN {placeholders(len(units))} AND {condition} RETURNING unit_type"
    return Counter(unit_type for (unit_type,) in database.rows(statement, (*units, *values)))


def delete_blobs(
    database: Database, store: BlobStore, *, before: int, unpublished: str, each: Callable[[Removed], None]
) -> Removed:
    """Delete the blobs, with their bytes, that no unit has, that are `unpublished`, and that were kept before a moment.

    `before`: microseconds since 1970; `unpublished`: a condition on `blob`. `each` is told after each batch how far it is.
    Raises `StorageError`.
    """
    unused = f"NOT EXISTS (SELECT 1 FROM unit_file WHERE unit_file.blob = blob.id) AND {unpublished}"
    page = f"SELECT id FROM blob WHERE id > ? AND created_at < ? AND {unused} ORDER BY id LIMIT {_BATCH}"
    total, last = Removed(0, 0), 0
    while found := [row for (row,) in database.rows(page, (last, before))]:
        last = found[-1]
        with store.removing():
            gone = _delete_rows(database, found, unused)
            for sha256, _ in gone:
                _unlink(store, store.path(sha256))
        total = Removed(total.blobs + len(gone), total.size + sum(size for _, size in gone))
        each(total)
    return total


def sweep_blobs(database: Database, store: BlobStore, *, each: Callable[[], None]) -> int:
    """Remove the files in the store that no row tells of, as a process leaves them that dies at the wrong moment.

    Return how many there were. `each` is called between folders. Raises `StorageError`.
    """
    removed = 0
    for folder in _folders(store):
        each()
        unknown = _unknown(database, list(_old_files(store, folder)))
        if unknown:
            with store.removing():
                for name in _unknown(database, unknown):
                    _unlink(store, folder / name)
                    removed += 1
    return removed


def _delete_rows(database: Database, blobs: Sequence[int], unused: str) -> list[tuple[str, int]]:
    """Delete those of `blobs` (row ids) that are unused, durably, and return their digests and sizes."""
    statement = f"DELETE FROM blob WHERE id IN {placeholders(len(blobs))} AND {unused} RETURNING sha256, size"
    with database.transaction():
        return [(sha256, size) for sha256, size in database.rows(statement, blobs)]


def _unknown(database: Database, names: Sequence[str]) -> list[str]:
    known: set[str] = set()
    for chunk in chunks(names):
        known.update(find_blobs(database, chunk))
    return [name for name in names if name not in known]


def _folders(store: BlobStore) -> list[Path]:
    try:
        return sorted(path for path in (store.root / "blobs").iterdir() if path.is_dir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise storage_error(error, store.root) from error


def _old_files(store: BlobStore, folder: Path) -> Iterator[str]:
    """Yield the names of blobs in a folder that are not of this moment."""
    before = clock.now_us() - _YOUNG_US
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    if _SHA256.fullmatch(entry.name) and entry.stat(follow_symlinks=False).st_mtime_ns // 1000 < before:
                        yield entry.name
    except OSError as error:
        raise storage_error(error, store.root) from error


def _unlink(store: BlobStore, path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise storage_error(error, store.root) from error

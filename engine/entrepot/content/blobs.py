"""Blobs as rows: which bytes the store has. The only writer of the table `blob`.

Step 4 of the walk of a file: the bytes are durable before their row is (`store.BlobStore.keep`). Everything here runs in
the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable

from entrepot import clock
from entrepot.content.bulk import chunks, placeholders, value_rows
from entrepot.models import Database


def record_blobs(database: Database, blobs: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Write a row for each of `blobs` (SHA-256, size in bytes) that has none, and return all their row ids by SHA-256.

    The rows are written in one order everywhere, so that transactions that call this once, before `save_units`, never
    wait for each other in a circle on PostgreSQL.
    """
    sizes = dict(blobs)
    moment = clock.now_us()
    for chunk in chunks(sorted(sizes)):
        database.execute(
            f"INSERT INTO blob (sha256, size, created_at) VALUES {value_rows(len(chunk), 3)} ON CONFLICT (sha256) DO NOTHING",
            [value for sha256 in chunk for value in (sha256, sizes[sha256], moment)],
        )
    # RETURNING would tell of new rows only, and on SQLite costs more than this query.
    return find_blobs(database, sizes)


def find_blobs(database: Database, sha256s: Iterable[str]) -> dict[str, int]:
    """Return the row ids of those blobs that the store has, by SHA-256."""
    ids: dict[str, int] = {}
    for chunk in chunks(list(dict.fromkeys(sha256s))):
        ids.update(database.rows(f"SELECT sha256, id FROM blob WHERE sha256 IN {placeholders(len(chunk))}", chunk))
    return ids


def find_digest(database: Database, blob: int) -> str | None:
    """Return the SHA-256 of the blob with this row id, or None if there is none."""
    row = database.row("SELECT sha256 FROM blob WHERE id = ?", (blob,))
    return None if row is None else str(row[0])

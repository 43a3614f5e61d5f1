"""What the database says of itself, for whoever asks whether it is well: its version, its wholeness, its locks, its clock."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from entrepot import clock

if TYPE_CHECKING:
    from entrepot.models.connection import Database

#: Seconds that the look at the write lock waits for whoever has it.
_LOCK_SECONDS = 5.0
#: A larger file is not read from end to end, bytes.
_LARGEST_READ_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class SqliteState:
    """An SQLite database: `damage` is None if the file was too large to be read, and empty if there is none."""

    version: str
    journal_mode: str
    size_bytes: int
    damage: tuple[str, ...] | None
    is_lockable: bool


@dataclass(frozen=True, slots=True)
class PostgresqlState:
    """A PostgreSQL server: `ahead_seconds` is how far its clock is ahead of ours, and the answer's way at most."""

    version: str
    version_number: int
    connections: int
    most_connections: int
    ahead_seconds: float


def inspect_sqlite(database: Database) -> SqliteState:
    """Look at an SQLite database, its file included; raises `DatabaseError` if it does not answer."""
    mode = database.row("PRAGMA journal_mode")
    path = Path(database.peewee.database)
    size = path.stat().st_size if path.exists() else 0
    damage = None
    if size <= _LARGEST_READ_BYTES:
        damage = tuple(row[0] for row in database.rows("PRAGMA quick_check(5)") if row[0] != "ok")
    return SqliteState(sqlite3.sqlite_version, str(mode[0]) if mode else "", size, damage, _is_lockable(path))


def inspect_postgresql(database: Database) -> PostgresqlState:
    """Look at a PostgreSQL server; raises `DatabaseError` if it does not answer."""
    before = clock.now_us()
    now = database.row("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
    after = clock.now_us()
    row = database.row(
        "SELECT current_setting('server_version'), current_setting('server_version_num')::integer, "
        "(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'), "
        "current_setting('max_connections')::integer"
    )
    assert now is not None  # noqa: S101 - a SELECT without FROM has one row
    assert row is not None  # noqa: S101 - as above
    behind, ahead = before - now[0], now[0] - after
    return PostgresqlState(row[0], row[1], row[2], row[3], max(0, ahead) / 1e6 - max(0, behind) / 1e6)


def last_migration_us(database: Database) -> int | None:
    """Return when the newest migration was applied, microseconds since 1970; None if there is none."""
    row = database.row("SELECT MAX(applied_at) FROM schema_migration")
    return None if row is None or row[0] is None else int(row[0])


def _is_lockable(path: Path) -> bool:
    """Return True if the write lock can be had within `_LOCK_SECONDS`; by a connection of its own, which waits no longer."""
    connection = sqlite3.connect(path, timeout=_LOCK_SECONDS, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
    return True

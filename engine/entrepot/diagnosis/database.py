"""Checks of the database and the broker."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from entrepot.diagnosis.finding import Verdict, failed, ok, skipped, warning
from entrepot.errors import DatabaseOutdated, DatabaseTooNew, EntrepotError
from entrepot.models.inspection import inspect_postgresql, inspect_sqlite
from entrepot.server_address import masked

if TYPE_CHECKING:
    from entrepot.engine import Engine

#: RETURNING, by which tasks are claimed, came with this one.
_OLDEST_SQLITE = (3, 35, 0)
#: The oldest one that its makers still looked after when this version was written.
_OLDEST_POSTGRESQL = 130000
#: Share of the connections that a server has room for from which on somebody should look.
_MANY_CONNECTIONS = 0.9
#: Clocks that differ by more make schedules fire at the wrong time, seconds.
_FAR_SECONDS = 2.0
_INIT = "Run: entrepot init    (or name the right folder in ENTREPOT_DATA_DIR)"
_START = "Start the database, or mend ENTREPOT_DATABASE_URL."


def check_schema(engine: Engine) -> Verdict:
    """Say whether the database answers and has this version's tables."""
    url = masked(engine.settings.effective_database_url)
    database = engine.database
    if database.is_embedded and not Path(database.peewee.database).exists():  # to connect would make an empty one
        return failed(f"There is no database yet: {url}.", _INIT)
    try:
        engine.check()
    except DatabaseOutdated as error:
        return failed(error.message, "Run: entrepot db migrate")
    except DatabaseTooNew as error:
        return failed(error.message, "Install that version of entrepot, or a later one.")
    except EntrepotError as error:  # the storage's, too: an SQLite database is a file
        return failed(error.message, _START)
    return ok(f"{url} answers, and has the tables of this version.")


def check_database(engine: Engine) -> Verdict:
    """Say whether the database is whole, can be written, and has room for more connections; reads all of an SQLite file."""
    return _sqlite(engine) if engine.database.is_embedded else _postgresql(engine)


def check_broker(engine: Engine) -> Verdict:
    """Say whether the broker that wakes the workers answers."""
    settings = engine.settings
    if not settings.uses_redis:
        return ok("The embedded transport needs no server.")
    if engine.doorbell.is_connected():
        return ok(f"Redis at {masked(settings.broker_url)} answers.")
    return failed(
        f"Redis at {masked(settings.broker_url)} does not answer. No task is lost, but workers find new ones late.",
        "Start Redis, or mend ENTREPOT_BROKER_URL.",
    )


def _sqlite(engine: Engine) -> Verdict:
    state = inspect_sqlite(engine.database)
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        least = ".".join(map(str, _OLDEST_SQLITE))
        return failed(f"SQLite {state.version} is too old: {least} is the least.", "Install a Python with a newer SQLite.")
    if state.damage:
        return failed(
            f"The database file is damaged: {'; '.join(state.damage)}",
            "Stop entrepot, keep a copy of the file, and restore the last backup.",
        )
    if state.journal_mode != "wal":
        return failed(
            f"The journal mode is {state.journal_mode!r} and not WAL: readers and writers block each other.",
            "Move the data folder to a local disk: file systems of a network cannot share memory.",
        )
    if not state.is_lockable:
        return failed("Somebody has held the write lock for seconds.", "Look for a program that has the database file open.")
    size = f"{state.size_bytes / 1e6:.0f} MB"
    if state.damage is None:
        return ok(f"SQLite {state.version}, WAL, {size}: too large to be read from end to end here.")
    return ok(f"SQLite {state.version}, WAL, {size}, whole.")


def _postgresql(engine: Engine) -> Verdict:
    state = inspect_postgresql(engine.database)
    if state.version_number < _OLDEST_POSTGRESQL:
        return failed(f"PostgreSQL {state.version} is too old: {_OLDEST_POSTGRESQL // 10000} is the least.", "Upgrade it.")
    used = f"{state.connections} of {state.most_connections} connections are in use"
    if state.connections > _MANY_CONNECTIONS * state.most_connections:
        return warning(
            f"PostgreSQL {state.version}: {used}.", "Raise max_connections, or run fewer worker processes and threads."
        )
    return ok(f"PostgreSQL {state.version}: {used}.")


def check_database_clock(engine: Engine) -> Verdict:
    """Say whether the database's clock and ours agree."""
    if engine.database.is_embedded:
        return skipped("The database runs on this machine's clock.")
    ahead = inspect_postgresql(engine.database).ahead_seconds
    if abs(ahead) > _FAR_SECONDS:
        side = "ahead of" if ahead > 0 else "behind"
        return warning(
            f"The database's clock is {abs(ahead):.1f} s {side} this machine's.",
            "Let both keep time by NTP (chrony, systemd-timesyncd).",
        )
    return ok("The database's clock and this machine's agree.")

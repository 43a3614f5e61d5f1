"""A limit on how long a statement may read, on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from entrepot import clock

if TYPE_CHECKING:
    from entrepot.models.connection import Database

#: Steps of SQLite's machine between two looks at the clock: less than a millisecond.
_STEPS = 10_000


@contextmanager
def limited(database: Database, seconds: float) -> Iterator[None]:
    """Give up a statement of the block that runs for longer than so many seconds; it raises `SearchTooSlow`.

    The block only reads. Within a transaction of the caller PostgreSQL keeps the limit until that ends.
    """
    if database.dialect == "sqlite":
        with _limited_on_sqlite(database, seconds):
            yield
        return
    with database.transaction(durable=False):
        database.execute(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")
        yield


@contextmanager
def _limited_on_sqlite(database: Database, seconds: float) -> Iterator[None]:
    database.execute("SELECT 1")  # opens the connection
    connection, end = database.peewee.connection(), clock.monotonic() + seconds
    connection.set_progress_handler(lambda: clock.monotonic() > end, _STEPS)
    try:
        yield
    finally:
        connection.set_progress_handler(None, _STEPS)

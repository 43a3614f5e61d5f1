"""Peewee's databases with this project's errors and pragmas, and what the drivers want to be given; `connection` opens them."""

from __future__ import annotations

import sqlite3
from functools import lru_cache
from pathlib import Path
from typing import Any

import peewee

from entrepot import clock
from entrepot.errors import InvalidSettings
from entrepot.models.database_faults import translated
from entrepot.models.sql_functions import add_functions
from entrepot.server_address import masked

#: The clock of leases, as SQL: see `lease_now_us`. SQLite gets a function of that name by every connection.
LEASE_CLOCK = {
    "sqlite": "lease_now_us()",
    "postgresql": "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
}


class _Translating:
    """Gives peewee's own queries the errors of this project."""

    def __init__(self, *arguments: Any, url: str, **options: Any) -> None:  # noqa: ANN401 - peewee's arguments
        self._url = url
        super().__init__(*arguments, **options)

    def execute_sql(self, sql: str, params: Any = None) -> Any:  # noqa: ANN401 - peewee's signature
        try:
            return super().execute_sql(sql, params)  # type: ignore[misc]  # a mixin of peewee.Database
        except (peewee.PeeweeException, UnicodeError, OverflowError) as error:
            raise translated(error, self._url) from error

    def connect(self, reuse_if_open: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - peewee's signature
        try:
            return super().connect(reuse_if_open)  # type: ignore[misc]  # a mixin of peewee.Database
        except peewee.PeeweeException as error:
            raise translated(error, self._url) from error


class SqliteDriver(_Translating, peewee.SqliteDatabase):
    """SQLite with this project's pragmas."""

    returning_clause = True

    def _initialize_connection(self, conn: sqlite3.Connection) -> None:
        conn.execute("PRAGMA journal_mode=WAL")
        conn.execute("PRAGMA foreign_keys=ON")
        conn.execute("PRAGMA synchronous=FULL")
        conn.execute("PRAGMA cache_size=-16000")  # 16 MB a connection
        conn.execute("PRAGMA temp_store=MEMORY")
        conn.create_function("lease_now_us", 0, clock.monotonic_us)
        add_functions(conn)


class PostgresqlDriver(_Translating, peewee.PostgresqlDatabase):
    """PostgreSQL through psycopg 3."""

    def _initialize_connection(self, conn: Any) -> None:  # noqa: ANN401 - psycopg is an extra
        # A large search would be compiled for minutes, which no time limit interrupts, to be run in milliseconds.
        conn.execute("SET jit = off")


def sqlite_path(url: str) -> str:
    """Return the absolute path of the file that `sqlite:///…` names; raises `InvalidSettings` if it names none."""
    path = url.removeprefix("sqlite:///")
    if not path or path == url:
        raise InvalidSettings(
            {"database_url": f"{masked(url)!r} names no file; write sqlite:////absolute/path or sqlite:///relative/path"}
        )
    return str(Path(path).absolute())


@lru_cache(maxsize=1024)
def percent(sql: str) -> str:
    """Return a statement with psycopg's marks for values in place of `?`."""
    return sql.replace("%", "%%").replace("?", "%s")

"""One PostgreSQL database for one test after the other, made as new in between: creating one takes a quarter of a second.

Each test gets it under another name, so that whatever an earlier test left running does not find it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from typing import Any, LiteralString, cast
from urllib.parse import urlsplit

import psycopg

#: Seconds in which sessions that were told to end do so.
_PATIENCE = 30.0

#: Bytes of a table after which a new copy is made: the pages of what was deleted stay.
_MOST_BYTES = 500_000

#: The tables and their bytes: none if nothing was ever written to it.
_TABLES = """
SELECT oid::regclass::text, pg_relation_size(oid) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""
_SEQUENCES = "SELECT format('%I.%I', schemaname, sequencename), last_value, start_value FROM pg_sequences ORDER BY 1"
#: The first id of what is not PostgreSQL's own.
_FIRST = 16_384
#: Changed by each statement that changes the schema, and is not undone: the number of rows in the catalogues, and the
#: transaction that wrote the last of them.
_SCHEMA = " UNION ALL ".join(
    f"SELECT '{catalogue}', count(*), max(xmin::text::bigint) FROM {catalogue} WHERE {key} >= {_FIRST}"
    for catalogue, key in {
        "pg_attribute": "attrelid",
        "pg_constraint": "oid",
        "pg_index": "indexrelid",
        "pg_proc": "oid",
        "pg_trigger": "oid",
        "pg_type": "oid",
        "pg_db_role_setting": "setdatabase",
    }.items()
)
_STATISTICS = "DELETE FROM pg_statistic USING pg_class WHERE pg_class.oid = starelid AND relnamespace = 'public'::regnamespace"


class ReusedDatabase:
    """A copy of `template` on `server`, whose address is that of a superuser; made when it is first asked for."""

    def __init__(self, server: str, template: str) -> None:
        """Connect to the server."""
        self._server = server
        self._template = template
        self._connection = psycopg.connect(server, autocommit=True)
        self._name: str | None = None
        self._tables: set[str] = set()
        self._schema: list[Any] = []
        self._sequences: list[Any] = []
        self._seeds: dict[str, bytes] = {}

    def as_new(self) -> str:
        """Return the address of the database, in which everything is as in the template."""
        name = f"entrepot_test_{secrets.token_hex(6)}"
        if self._name is not None:
            self._end_sessions()
            self._run(f'ALTER DATABASE "{self._name}" RENAME TO "{name}"')
            self._name = name
            if self._reset():
                return self._url(name)
            self.drop()
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{self._template}"')
        self._name = name
        self._remember()
        return self._url(name)

    def drop(self) -> None:
        """Leave no database behind."""
        if self._name is not None:
            self._run(f'DROP DATABASE "{self._name}" WITH (FORCE)')
            self._name = None

    def close(self) -> None:
        """Leave nothing behind."""
        self.drop()
        self._connection.close()

    def _remember(self) -> None:
        """Keep what a copy of the template has: its rows, which are few, the state of its sequences and its schema."""
        with self._connect() as connection:
            tables = _rows(connection, _TABLES)
            self._tables = {table for table, _ in tables}
            self._seeds = {table: _read(connection, table) for table, size in tables if size}
            self._sequences = _rows(connection, _SEQUENCES)
            self._schema = _rows(connection, _SCHEMA)

    def _reset(self) -> bool:
        """Undo what a test wrote; return False if that was so much, or changed what was there, that a new copy is better."""
        with self._connect() as connection:
            sizes = dict(_rows(connection, _TABLES))
            for table in sizes.keys() - self._tables:
                connection.execute(cast("LiteralString", f"DROP TABLE {table} CASCADE"))
            if max(sizes.values(), default=0) > _MOST_BYTES or _rows(connection, _SCHEMA) != self._schema:
                return False
            reseeded = [table for table, rows in self._seeds.items() if _read(connection, table) != rows]
            written = [table for table in self._tables - self._seeds.keys() if sizes[table]]
            connection.execute("SET session_replication_role = replica")  # no look at foreign keys
            deletions = [f"DELETE FROM {table}" for table in written + reseeded]
            connection.execute(cast("LiteralString", ";".join([_STATISTICS, *deletions])))
            for table in reseeded:
                with connection.cursor().copy(cast("LiteralString", f"COPY {table} FROM STDIN")) as copy:
                    copy.write(self._seeds[table])
            for sequence, last, start in set(self._sequences) - set(_rows(connection, _SEQUENCES)):
                connection.execute("SELECT setval(%s, %s, %s)", (sequence, start if last is None else last, last is not None))
        return True

    def _end_sessions(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        while self._connection.execute(query, (self._name,)).fetchall():
            assert time.monotonic() < deadline, "a session of an earlier test does not end"
            time.sleep(0.001)

    def _run(self, statement: str) -> None:
        self._connection.execute(cast("LiteralString", statement))

    def _connect(self) -> psycopg.Connection[Any]:
        assert self._name is not None
        return psycopg.connect(self._url(self._name))

    def _url(self, name: str) -> str:
        return urlsplit(self._server)._replace(path=f"/{name}").geturl()


def _rows(connection: psycopg.Connection[Any], query: str) -> list[Any]:
    return connection.execute(cast("LiteralString", query)).fetchall()


def _read(connection: psycopg.Connection[Any], table: str) -> bytes:
    with connection.cursor().copy(cast("LiteralString", f"COPY {table} TO STDOUT")) as copy:
        return b"".join(bytes(part) for part in cast("Iterable[bytes]", copy))

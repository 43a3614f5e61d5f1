"""The database of one engine, and everything that differs between SQLite and PostgreSQL.

Statements are written once, with `?` for values; `Database` runs them on this thread's connection. A thread opens its
connection by its first statement; who opened it closes it (`Engine.visit()`).

* SQLite: WAL, foreign keys on, `BEGIN IMMEDIATE` for every transaction. Waiting for the write lock is done here in
  short, jittered steps: SQLite's own busy handler backs off so far that an unlucky process waits for seconds.
* PostgreSQL: psycopg 3, READ COMMITTED; writers run side by side, so `lock_resources` orders those that must be.
"""

from __future__ import annotations

import contextlib
import logging
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import peewee

from entrepot import clock
from entrepot.errors import DatabaseError, DatabaseUnavailable, InvalidSettings
from entrepot.models.database_faults import translated

#: Seconds a writer waits for SQLite's write lock before it gives up.
WRITE_LOCK_SECONDS = 60.0
#: Milliseconds SQLite itself waits on its rare other locks (opening, recovery, checkpoint).
_BUSY_MILLISECONDS = 10_000
#: Seconds between two looks at PostgreSQL for news, where no cheap change counter exists.
_POSTGRESQL_LOOK_SECONDS = 0.05

Row = tuple[Any, ...]

log = logging.getLogger(__name__)


class _ThreadState(threading.local):
    """What one thread has under way."""

    def __init__(self) -> None:
        self.depth = 0
        self.doomed = False
        self.after_commit: list[Callable[[], object]] = []
        self.durable: bool | None = None


class Database:
    """One database, shared between threads, each of which has its own connection."""

    def __init__(self, url: str) -> None:
        """Prepare the database at `url` (`sqlite:///path`, `postgresql://…`) without connecting.

        Raises `InvalidSettings` for any other scheme.
        """
        self.url = url
        scheme = urlsplit(url).scheme
        if scheme == "sqlite":
            self.dialect = "sqlite"
            self.peewee: peewee.Database = _Sqlite(_sqlite_path(url), timeout=_BUSY_MILLISECONDS / 1000, url=url)
        elif scheme in ("postgresql", "postgres"):
            self.dialect = "postgresql"
            self.peewee = _Postgresql(url, prefer_psycopg3=True, url=url)
        else:
            raise InvalidSettings({"database_url": f"{url!r} is neither sqlite:///path nor postgresql://…"})
        self._is_sqlite = self.dialect == "sqlite"
        self._local = _ThreadState()

    @property
    def serialises_writers(self) -> bool:
        """True if no writing transaction runs beside another, so that each sees all that was committed before."""
        return self._is_sqlite

    @property
    def skip_locked(self) -> str:
        """The clause that lets several claimers take different rows."""
        return "" if self._is_sqlite else " FOR UPDATE SKIP LOCKED"

    @property
    def for_update(self) -> str:
        """The clause that keeps a row as it is until this transaction ends."""
        return "" if self._is_sqlite else " FOR UPDATE"

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> Any:  # noqa: ANN401 - a DB-API cursor
        """Run one statement and return its cursor.

        Raises `peewee.IntegrityError` when a constraint refuses it, else an error of `entrepot.errors`.
        """
        try:
            connection = self.peewee.connection()
            return connection.execute(sql if self._is_sqlite else _percent(sql), parameters)
        except Exception as error:
            self._after_failure()
            raise translated(error, self.url) from error

    def executemany(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run one statement for each of `rows`."""
        try:
            connection = self.peewee.connection()
            if self._is_sqlite:
                connection.executemany(sql, rows)
            else:
                with connection.cursor() as cursor:
                    cursor.executemany(_percent(sql), rows)
        except Exception as error:
            self._after_failure()
            raise translated(error, self.url) from error

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Run a query and return all its rows."""
        rows: list[Row] = self.execute(sql, parameters).fetchall()
        return rows

    def row(self, sql: str, parameters: Sequence[object] = ()) -> Row | None:
        """Run a query and return its first row, or None."""
        row: Row | None = self.execute(sql, parameters).fetchone()
        return row

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[Database]:
        """Run the block in one transaction; within another it joins that one.

        `durable=True` returns only when the commit would survive a power cut; `durable=False` is for writes whose loss
        only repeats work (claims, completions). Callables given to `after_commit` run when it has committed.
        """
        local = self._local
        if local.depth:
            local.depth += 1
            try:
                yield self
            except BaseException:
                local.doomed = True
                raise
            finally:
                local.depth -= 1
            return
        self._begin(durable=durable)
        local.depth, local.doomed, local.after_commit = 1, False, []
        try:
            yield self
            if local.doomed:
                msg = "An error inside this transaction was swallowed; nothing of it is kept."
                raise DatabaseError(msg)
            self._commit()
        except BaseException:
            local.depth = 0
            self._rollback()
            raise
        local.depth = 0
        hooks, local.after_commit = local.after_commit, []
        for hook in hooks:
            self._call(hook)

    @property
    def in_transaction(self) -> bool:
        """True while this thread is inside `transaction()`."""
        return self._local.depth > 0

    def after_commit(self, hook: Callable[[], object]) -> None:
        """Call `hook` after the present transaction has committed, or now if there is none."""
        if self._local.depth:
            self._local.after_commit.append(hook)
        else:
            hook()

    def lock_resources(self, names: Iterable[str]) -> None:
        """Make transactions that name the same resource commit one after the other; SQLite's writers always do.

        On PostgreSQL ids are given before commits; without this lock two exclusive tasks could both become ready.
        """
        if self._is_sqlite:
            return
        self.execute(
            "SELECT pg_advisory_xact_lock(key) FROM "
            "(SELECT DISTINCT hashtextextended(name, 0) AS key FROM unnest(?::text[]) AS name ORDER BY 1) AS keys",
            (list(names),),
        )

    def lease_now_us(self) -> int:
        """Return the clock that leases are measured by, in microseconds.

        PostgreSQL: the server's clock, one for all hosts. SQLite is one host: a clock that nobody can set, and that stands
        still while the machine sleeps, as its workers do.
        """
        if self._is_sqlite:
            return clock.monotonic_us()
        row = self.row("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
        assert row is not None  # noqa: S101 - a SELECT without FROM has one row
        return int(row[0])

    def watch(self) -> ChangeWatch:
        """Return a watch for changes that others commit; it belongs to the calling thread."""
        return ChangeWatch(self)

    @property
    def is_open(self) -> bool:
        """True while this thread has a connection."""
        return not self.peewee.is_closed()

    def close(self) -> None:
        """Close this thread's connection; an open transaction is rolled back."""
        local = self._local
        local.depth, local.durable = 0, None
        if not self.peewee.is_closed():
            self._rollback()
            self.peewee.close()
        local.durable = None

    def _begin(self, *, durable: bool) -> None:
        if not self._is_sqlite:
            self._begin_on_postgresql(durable=durable)
            return
        connection = self.peewee.connection()
        if connection.in_transaction:  # an interruption hit between its beginning and the note of it
            connection.execute("ROLLBACK")
        if self._local.durable is not durable:
            self._set_durability(durable=durable)
        deadline = 0.0
        while True:
            try:
                connection.execute("PRAGMA busy_timeout=0")
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise translated(error, self.url) from error
                deadline = deadline or time.monotonic() + WRITE_LOCK_SECONDS
                if time.monotonic() > deadline:
                    raise translated(error, self.url) from error
                time.sleep(random.uniform(0.0002, 0.002))  # noqa: S311 - jitter
            else:
                return
            finally:
                connection.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")

    def _begin_on_postgresql(self, *, durable: bool) -> None:
        """Begin; a connection that was lost since its last use, say by a restart of the server, is replaced once."""
        for may_repeat in (True, False):
            try:
                if self._local.durable is not durable or self.peewee.is_closed():
                    self._set_durability(durable=durable)
                self.execute("BEGIN")
            except DatabaseUnavailable:
                if not may_repeat or not self.peewee.is_closed():
                    raise
            else:
                return

    def _commit(self) -> None:
        cursor = self.execute("COMMIT")
        if not self._is_sqlite and cursor.statusmessage != "COMMIT":
            msg = "A statement inside this transaction failed and its error was swallowed; nothing of it is kept."
            raise DatabaseError(msg)

    def _call(self, hook: Callable[[], object]) -> None:
        """Call an after-commit hook; the commit has happened, so a failure of the database is no failure of it."""
        try:
            hook()
        except DatabaseError as error:
            log.warning("After a commit: %s", error)

    def _after_failure(self) -> None:
        """Let go of a connection to PostgreSQL that is dead, so that the next statement opens another."""
        if not self._is_sqlite and not self.peewee.is_closed() and self.peewee.connection().closed:
            self._drop_connection()

    def _drop_connection(self) -> None:
        """Forget this thread's connection, whatever state it is in."""
        connection = self.peewee.connection()
        self.peewee.dispose()
        self._local.durable = None
        with contextlib.suppress(sqlite3.Error):
            connection.close()

    def _set_durability(self, *, durable: bool) -> None:
        if self._is_sqlite:
            self.execute("PRAGMA synchronous=FULL" if durable else "PRAGMA synchronous=NORMAL")
        else:
            self.execute("SET synchronous_commit = on" if durable else "SET synchronous_commit = off")
        self._local.durable = durable

    def _rollback(self) -> None:
        try:
            if self.peewee.is_closed():
                pass
            elif self._is_sqlite:
                connection = self.peewee.connection()
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            else:
                self.peewee.connection().execute("ROLLBACK")
        except Exception:  # noqa: BLE001 - a connection that cannot roll back is of no use: a new one is opened
            self._drop_connection()
        self._local.after_commit = []


class ChangeWatch:
    """Tells cheaply whether another connection has committed something; for one thread."""

    def __init__(self, database: Database) -> None:
        """Remember the present state of `database`."""
        self._database = database
        self._seen: object = None
        self._next_look = 0.0
        self.changed()

    def changed(self) -> bool:
        """Return True if something was committed since the last call; on PostgreSQL: if it is time to look again."""
        if self._database.dialect == "sqlite":
            row = self._database.row("PRAGMA data_version")
            seen, self._seen = self._seen, row
            return seen != row
        now = time.monotonic()
        if now < self._next_look:
            return False
        self._next_look = now + _POSTGRESQL_LOOK_SECONDS
        return True


class _Translating:
    """Gives peewee's own queries the errors of this project."""

    def __init__(self, *arguments: Any, url: str, **options: Any) -> None:  # noqa: ANN401 - peewee's arguments
        self._url = url
        super().__init__(*arguments, **options)

    def execute_sql(self, sql: str, params: Any = None) -> Any:  # noqa: ANN401 - peewee's signature
        try:
            return super().execute_sql(sql, params)  # type: ignore[misc]  # a mixin of peewee.Database
        except peewee.PeeweeException as error:
            raise translated(error, self._url) from error

    def connect(self, reuse_if_open: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - peewee's signature
        try:
            return super().connect(reuse_if_open)  # type: ignore[misc]  # a mixin of peewee.Database
        except peewee.PeeweeException as error:
            raise translated(error, self._url) from error


class _Sqlite(_Translating, peewee.SqliteDatabase):
    """SQLite with this project's pragmas."""

    returning_clause = True

    def _initialize_connection(self, conn: sqlite3.Connection) -> None:
        conn.execute("PRAGMA journal_mode=WAL")
        conn.execute("PRAGMA foreign_keys=ON")
        conn.execute("PRAGMA synchronous=FULL")
        conn.execute("PRAGMA cache_size=-16000")  # 16 MB a connection
        conn.execute("PRAGMA temp_store=MEMORY")


class _Postgresql(_Translating, peewee.PostgresqlDatabase):
    """PostgreSQL through psycopg 3."""


@lru_cache(maxsize=1024)
def _percent(sql: str) -> str:
    return sql.replace("%", "%%").replace("?", "%s")


def _sqlite_path(url: str) -> str:
    path = url.removeprefix("sqlite:///")
    if not path or path == url:
        raise InvalidSettings(
            {"database_url": f"{url!r} names no file; write sqlite:////absolute/path or sqlite:///relative/path"}
        )
    return str(Path(path).absolute())

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
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import peewee

from entrepot import clock
from entrepot.errors import DatabaseError, DatabaseUnavailable, EntrepotError, InvalidSettings
from entrepot.models import advisory_locks
from entrepot.models.announcement import CHANNEL, Announcement
from entrepot.models.change_watch import ChangeWatch, SqliteWatch
from entrepot.models.database_faults import translated
from entrepot.models.drivers import LEASE_CLOCK, PostgresqlDriver, SqliteDriver, percent, sqlite_path
from entrepot.models.thread_state import ThreadState
from entrepot.models.witness import Witness, Write
from entrepot.server_address import masked, postgresql_faults

#: Seconds a writer waits for SQLite's write lock before it gives up.
WRITE_LOCK_SECONDS = 60.0
#: Milliseconds SQLite itself waits on its rare other locks (opening, recovery, checkpoint).
_BUSY_MILLISECONDS = 10_000

Row = tuple[Any, ...]

log = logging.getLogger(__name__)


class Database:
    """One database, shared between threads, each of which has its own connection."""

    def __init__(self, url: str) -> None:
        """Prepare the database at `url` (`sqlite:///path`, `postgresql://…`) without connecting.

        Raises `InvalidSettings` for any other scheme, and for an address that the driver would not understand.
        """
        self.url = url
        scheme = url.partition(":")[0].lower()
        if scheme == "sqlite":
            self.dialect = "sqlite"
            self.peewee: peewee.Database = SqliteDriver(sqlite_path(url), timeout=_BUSY_MILLISECONDS / 1000, url=url)
        elif scheme in ("postgresql", "postgres"):
            if fault := postgresql_faults(url):
                raise InvalidSettings({"database_url": fault})
            self.dialect = "postgresql"
            self.peewee = PostgresqlDriver(url, prefer_psycopg3=True, url=url)
        else:
            raise InvalidSettings({"database_url": f"{masked(url)!r} is neither sqlite:///path nor postgresql://…"})
        #: True if statements run in this process, so that to look up a row waits for nobody.
        self.is_embedded = self._is_sqlite = self.dialect == "sqlite"
        self._local = ThreadState()
        self._announcement = Announcement(self._announce, self._announce_apart)

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

    def one_of(self, query: str) -> str:
        """Return the condition that a column is among the results of `query`, to stand behind that column.

        PostgreSQL gets an array: whatever it believes of a table that was empty a moment ago, it then looks up each.
        """
        return f"IN ({query})" if self._is_sqlite else f"= ANY(ARRAY({query}))"

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> Any:  # noqa: ANN401 - a DB-API cursor
        """Run one statement and return its cursor.

        Raises `peewee.IntegrityError` when a constraint refuses it, else an error of `entrepot.errors`.
        """
        try:
            connection = self.peewee.connection()
            return connection.execute(sql if self._is_sqlite else percent(sql), parameters)
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
                    cursor.executemany(percent(sql), rows)
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

    def look(self, sql: str, parameters: Sequence[object] = ()) -> Row | None:
        """Return the first row of a query that only reads; a connection that was lost since its last use is replaced once."""
        was_open = self.is_open
        try:
            return self.row(sql, parameters)
        except DatabaseUnavailable:
            if not was_open or self.is_open or self.in_transaction:
                raise
            return self.row(sql, parameters)

    def transaction(self, *, durable: bool = True, is_single: bool = False) -> AbstractContextManager[Database]:
        """Run the block in one transaction; within another it joins that one.

        `durable=True` returns only when the commit would survive a power cut; `durable=False` is for writes whose loss
        only repeats work (claims, completions). Callables given to `after_commit` run when it has committed. `is_single`
        says that the block writes by one statement, which PostgreSQL then runs without the two round trips around it.
        """
        return self._inner() if self._local.depth else self._outermost(durable=durable, is_single=is_single)

    @contextmanager
    def _inner(self) -> Iterator[Database]:
        local = self._local
        local.depth += 1
        try:
            yield self
            if local.witness is not None and local.witness is not local.present:  # it came after the outermost began
                local.witness.tell(self._changes)
        except BaseException:
            local.doomed = True
            raise
        finally:
            local.depth -= 1

    @contextmanager
    def _outermost(self, *, durable: bool, is_single: bool) -> Iterator[Database]:
        local = self._local
        local.present = witness = local.witness
        is_single = is_single and not self._is_sqlite and witness is None
        self._begin(durable=durable, is_single=is_single)
        local.depth, local.doomed, local.after_commit = 1, False, []
        try:
            if witness is not None:
                witness.begin(self._changes)
            yield self
            if local.doomed:
                msg = "An error inside this transaction was swallowed; nothing of it is kept."
                raise DatabaseError(msg)
            if witness is not None:
                witness.tell(self._changes)
            if not is_single:
                self._commit()
        except BaseException:
            local.depth = 0
            self._rollback()
            raise
        local.depth, local.present = 0, None
        hooks, local.after_commit = local.after_commit, []
        announces, local.announces = local.announces, False
        for hook in hooks:
            self._call(hook)
        if announces:
            self._announcement.make()

    @contextmanager
    def witnessed(self, write: Write) -> Iterator[None]:
        """Call `write` once, in the first transaction of this thread within the block that changes something. See `witness`.

        A block within another is a part of that one: its `write` is not called.
        """
        local = self._local
        around = local.witness
        local.witness = around or Witness(write, self._changes if local.depth else 0)
        try:
            yield
        finally:
            local.witness = around

    @property
    def is_witnessed(self) -> bool:
        """True while this thread is inside `witnessed()`."""
        return self._local.witness is not None

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
        if not self._is_sqlite:
            self.execute(advisory_locks.LOCK, (list(names),))

    def try_lock_resources(self, names: Iterable[str]) -> set[str]:
        """Lock as `lock_resources` does, without waiting, those of `names` that no other transaction has; return them."""
        wanted = set(names)
        if self._is_sqlite or not wanted:
            return wanted
        return {name for (name,) in self.rows(advisory_locks.TRY_TO_LOCK, (sorted(wanted),))}

    def next_ids(self, table: str, count: int) -> list[int]:
        """Return `count` row ids for `table` that nobody else gets, in order; within a transaction that inserts them."""
        if self._is_sqlite:
            row = self.row(f"SELECT COALESCE(MAX(id), 0) FROM {table}")
            assert row is not None  # noqa: S101 - an aggregate has one row
            return list(range(row[0] + 1, row[0] + 1 + count))
        query = "SELECT nextval(pg_get_serial_sequence(?, 'id')) FROM generate_series(1, ?)"
        return sorted(id_ for (id_,) in self.rows(query, (table, count)))

    def lease_now_us(self) -> int:
        """Return the clock that leases are measured by, in microseconds.

        PostgreSQL: the server's clock, one for all hosts. SQLite is one host: a clock that nobody can set, and that stands
        still while the machine sleeps, as its workers do.
        """
        if self._is_sqlite:
            return clock.monotonic_us()
        row = self.row(f"SELECT {self.lease_clock_sql}")
        assert row is not None  # noqa: S101 - a SELECT without FROM has one row
        return int(row[0])

    @property
    def lease_clock_sql(self) -> str:
        """The present moment of `lease_now_us` as an expression, for a statement that needs no other for it."""
        return LEASE_CLOCK[self.dialect]

    def watch(self) -> ChangeWatch:
        """Return a watch for changes that others commit; it belongs to the calling thread, which closes it."""
        if self._is_sqlite:
            return SqliteWatch(self)
        from entrepot.models.postgresql_watch import PostgresqlWatch  # its driver is an extra

        return PostgresqlWatch(self)

    def announce(self) -> None:
        """Tell watchers that something was committed, or will be by the present transaction; never fails, and never waits.

        Many in a short time become one: see `Announcement`. SQLite's change counter tells by itself.
        """
        if self._is_sqlite:
            return
        if self._local.depth:
            self._local.announces = True
        else:
            self._announcement.make()

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

    def _begin(self, *, durable: bool, is_single: bool) -> None:
        if not self._is_sqlite:
            self._begin_on_postgresql(durable=durable, is_single=is_single)
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
                time.sleep(random.uniform(0.00005, 0.0005))  # noqa: S311 - jitter; a short transaction takes 0.1 ms
            else:
                return
            finally:
                connection.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")

    def _begin_on_postgresql(self, *, durable: bool, is_single: bool) -> None:
        """Begin; a connection that was lost since its last use, say by a restart of the server, is replaced once."""
        for may_repeat in (True, False):
            try:
                if self._local.durable is not durable or self.peewee.is_closed():
                    self._set_durability(durable=durable)
                if not is_single:
                    self.execute("BEGIN")
            except DatabaseUnavailable:
                if not may_repeat or not self.peewee.is_closed():
                    raise
            else:
                return

    @property
    def _changes(self) -> int | None:
        """How many rows this thread's connection has changed; None where it does not count them."""
        return self.peewee.connection().total_changes if self._is_sqlite else None

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
        local = self._local
        undone, local.present, local.after_commit, local.announces = local.present, None, [], False
        if undone is not None:
            undone.take_back()

    def _announce(self) -> None:
        try:
            self.execute(f"SELECT pg_notify('{CHANNEL}', '')")
        except EntrepotError as error:  # watchers look anyway before long
            log.debug("Cannot announce a change: %s", error)

    def _announce_apart(self) -> None:
        self._announce()
        self.close()

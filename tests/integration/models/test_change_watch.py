"""A watch tells what others commit, soon and for little, and closes what it has opened."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psycopg
import pytest

from entrepot.errors import DatabaseUnavailable
from entrepot.models import Database, change_watch, postgresql_watch
from entrepot.models.announcement import CHANNEL
from entrepot.models.write_signal import WriteSignal

TASK_GROUP = "INSERT INTO task_group (group_id, created_at) VALUES (?, ?)"
PATIENCE_SECONDS = 20


@pytest.fixture
def never_anyway(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep watches of PostgreSQL from looking although nothing was announced, as they do once a second otherwise."""
    monkeypatch.setattr(postgresql_watch, "_LOOK_ANYWAY_SECONDS", 10 * PATIENCE_SECONDS)


@pytest.fixture
def other(database_url: str) -> Iterator[Database]:
    """The same database, for somebody else, in whatever thread."""
    made = Database(database_url)
    yield made
    made.close()


def commit(database: Database, name: str) -> None:
    with database.transaction():
        database.execute(TASK_GROUP, (name, 1))
        database.announce()


def in_a_thread(database: Database, work: Callable[[], object]) -> threading.Thread:
    def run() -> None:
        work()
        database.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.usefixtures("never_anyway")
def test_a_commit_of_another_connection_is_told_and_told_once(database: Database, other: Database) -> None:
    with database.watch() as watch:
        watch.changed()
        assert not watch.changed()
        commit(other, "zoo")

        assert watch.wait(PATIENCE_SECONDS)
        assert not watch.wait(0.05)
        assert not watch.changed()


@pytest.mark.usefixtures("never_anyway")
def test_the_first_answer_is_to_look_for_what_was_committed_before(database: Database) -> None:
    with database.watch() as watch:
        assert watch.wait(PATIENCE_SECONDS)
        assert not watch.changed()


@pytest.mark.usefixtures("never_anyway")
def test_who_waits_is_woken_by_a_commit(database: Database, other: Database) -> None:
    with database.watch() as watch:
        watch.changed()
        began = time.monotonic()
        thread = in_a_thread(other, lambda: commit(other, "zoo"))

        assert watch.wait(PATIENCE_SECONDS)

    assert time.monotonic() - began < PATIENCE_SECONDS / 2
    thread.join()


@pytest.mark.usefixtures("never_anyway")
def test_nothing_is_told_where_nothing_is_committed(database: Database, other: Database) -> None:
    with database.watch() as watch:
        watch.changed()
        with pytest.raises(ValueError, match="no"), other.transaction():
            other.execute(TASK_GROUP, ("zoo", 1))
            other.announce()
            raise ValueError("no")

        assert not watch.wait(0.1)


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_without_a_signal_of_writes_the_change_counter_is_asked(
    database: Database, other: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WriteSignal, "open", lambda _path: None)

    with database.watch() as watch:
        watch.changed()
        thread = in_a_thread(other, lambda: commit(other, "zoo"))

        assert watch.wait(PATIENCE_SECONDS)

    thread.join()


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_commit_that_no_signal_told_of_is_found_anyway(
    database: Database, other: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_watch, "_LOOK_ANYWAY_SECONDS", 0.05)
    monkeypatch.setattr(WriteSignal, "open", lambda _path: SilentSignal())

    with database.watch() as watch:
        watch.changed()
        thread = in_a_thread(other, lambda: commit(other, "zoo"))

        assert watch.wait(PATIENCE_SECONDS)

    thread.join()


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_watch_goes_on_with_the_next_connection_of_its_thread(database: Database, other: Database) -> None:
    with database.watch() as watch:
        watch.changed()
        assert not watch.wait(0.0)
        database.close()
        other.close()

        assert watch.wait(PATIENCE_SECONDS)  # nobody knows what was committed meanwhile
        commit(other, "zoo")
        assert watch.wait(PATIENCE_SECONDS)


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_it_is_time_to_look_once_a_second_although_nothing_is_announced(database: Database) -> None:
    with database.watch() as watch:
        watch.changed()
        began = time.monotonic()

        assert watch.wait(PATIENCE_SECONDS)

        assert 0.9 < time.monotonic() - began < PATIENCE_SECONDS / 2


@pytest.mark.usefixtures("never_anyway")
@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_a_watch_whose_connection_is_killed_says_look_and_listens_anew(database: Database, other: Database) -> None:
    with database.watch() as watch:
        watch.changed()
        kill_watches(other)

        assert watch.wait(PATIENCE_SECONDS)  # the connection is lost
        assert watch.wait(PATIENCE_SECONDS)  # there is another
        assert not watch.changed()
        commit(other, "zoo")
        assert watch.wait(PATIENCE_SECONDS)


def test_a_watch_of_a_server_that_is_away_waits_and_leaves_the_complaint_to_who_looks() -> None:
    database = Database("postgresql://entrepot@127.0.0.1:1/entrepot")

    with database.watch() as watch:
        watch.changed()
        assert not watch.wait(0.05)
        assert watch.wait(PATIENCE_SECONDS)
        with pytest.raises(DatabaseUnavailable):
            database.row("SELECT 1")


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_a_closed_watch_leaves_no_connection(database: Database) -> None:
    watch = database.watch()
    assert count_watches(database) == 1

    watch.close()
    watch.close()

    gone = threading.Event()
    assert any(count_watches(database) == 0 or gone.wait(0.01) for _ in range(1000))


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_an_announcement_is_heard_after_the_commit_and_not_before(
    database: Database, database_url: str, other: Database
) -> None:
    with psycopg.connect(database_url, autocommit=True) as listener:
        listener.execute(f"LISTEN {CHANNEL}")
        with other.transaction():
            other.announce()
            other.announce()
            assert list(listener.notifies(timeout=0.05)) == []
        heard = list(listener.notifies(timeout=PATIENCE_SECONDS, stop_after=1))

        assert [notification.channel for notification in heard] == [CHANNEL]


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_an_announcement_that_fails_harms_nobody(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = []
    execute = database.execute

    def refuse_to_announce(sql: str, parameters: Sequence[object] = ()) -> object:
        if "pg_notify" in sql:
            refused.append(sql)
            raise DatabaseUnavailable("The database is away.")
        return execute(sql, parameters)

    monkeypatch.setattr(database, "execute", refuse_to_announce)
    commit(database, "zoo")

    assert len(refused) == 1
    assert database.row("SELECT group_id FROM task_group") == ("zoo",)


def test_a_signal_tells_of_writes_until_it_is_cleared(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"")
    signal = WriteSignal.open(str(path))
    assert signal is not None

    path.write_bytes(b"written")

    assert is_readable(signal)
    signal.clear()
    assert not is_readable(signal)
    signal.close()


def test_there_is_no_signal_for_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert WriteSignal.open(str(tmp_path / "absent")) is None


class SilentSignal:
    """A signal that never tells of anything."""

    def __init__(self) -> None:
        self._ends = socket.socketpair()

    def fileno(self) -> int:
        return self._ends[0].fileno()

    def close(self) -> None:
        for end in self._ends:
            end.close()


def is_readable(signal: WriteSignal) -> bool:
    return bool(select.select([signal], [], [], 0)[0])


HERE = "application_name = 'entrepot watch' AND datname = current_database()"


def kill_watches(database: Database) -> None:
    killed = database.rows(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {HERE}")
    assert killed == [(True,)]


def count_watches(database: Database) -> int:
    row = database.row(f"SELECT count(*) FROM pg_stat_activity WHERE {HERE}")
    assert row is not None
    return int(row[0])

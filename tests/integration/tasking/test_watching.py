"""Who watches or waits is told soon, asks seldom, and leaves nothing open."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

import entrepot
from entrepot.engine import Engine
from entrepot.errors import MissingResource, TaskCanceled, WaitTimeout
from entrepot.models import ChangeWatch, Database, postgresql_watch

from .conftest import GATES, Gate, eventually, hold, take

PATIENCE_SECONDS = 20
WATCHES = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'entrepot watch' AND datname = current_database()"


@entrepot.task
def advance(name: str) -> None:
    """Report progress, and wait for the gate."""
    entrepot.current_task().progress({"step": 1})
    GATES[name].open.wait(PATIENCE_SECONDS)


@pytest.fixture
def never_anyway(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep watches of PostgreSQL from looking although nothing was announced, as they do once a second otherwise."""
    monkeypatch.setattr(postgresql_watch, "_LOOK_ANYWAY_SECONDS", 10 * PATIENCE_SECONDS)


@pytest.fixture
def other(engine: Engine) -> Iterator[Engine]:
    """The same engine for somebody else, in whatever thread."""
    with Engine(settings=engine.settings) as made:
        yield made


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that are run from now on, those that ask or tell whether something has changed left out."""
    seen: list[str] = []
    execute = Database.execute

    def note(database: Database, sql: str, parameters: Sequence[object] = ()) -> object:
        if "data_version" not in sql and "pg_notify" not in sql:
            seen.append(sql)
        return execute(database, sql, parameters)

    monkeypatch.setattr(Database, "execute", note)
    return seen


def in_a_thread(engine: Engine, work: Callable[[], object]) -> threading.Thread:
    def run() -> None:
        work()
        engine.database.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.usefixtures("never_anyway", "worker")
def test_progress_and_the_end_are_seen_when_they_happen(engine: Engine, gate: Gate) -> None:
    began = time.monotonic()
    seen = []

    for report in engine.enqueue(advance, "gate").watch(PATIENCE_SECONDS):
        seen.append((report.state, report.progress))
        if report.progress:
            gate.open.set()

    assert ("running", {"step": 1}) in seen
    assert seen[-1] == ("finished", {"step": 1})
    assert time.monotonic() - began < PATIENCE_SECONDS / 2


@pytest.mark.usefixtures("never_anyway")
def test_a_cancel_is_seen_when_it_happens(engine: Engine, other: Engine) -> None:
    handle = engine.enqueue(hold, "a")
    began = time.monotonic()
    thread = in_a_thread(other, other.tasks.handle(handle.task_id).cancel)

    with pytest.raises(TaskCanceled):
        handle.wait(PATIENCE_SECONDS)

    assert time.monotonic() - began < PATIENCE_SECONDS / 2
    thread.join()


@pytest.mark.usefixtures("never_anyway")
def test_a_group_is_waited_for_until_its_last_task_has_ended(engine: Engine, other: Engine) -> None:
    group = engine.group()
    handles = [engine.enqueue(hold, str(number), group=group) for number in range(3)]
    began = time.monotonic()

    def cancel_the_newest_first() -> None:
        for handle in reversed(handles):
            other.tasks.cancel(handle.task_id)

    thread = in_a_thread(other, cancel_the_newest_first)

    assert group.wait(PATIENCE_SECONDS)["canceled"] == 3
    assert time.monotonic() - began < PATIENCE_SECONDS / 2
    thread.join()


def test_a_task_that_joins_a_group_meanwhile_is_waited_for_as_well(engine: Engine, other: Engine) -> None:
    group = engine.group()
    late, early = engine.enqueue(hold, "late"), engine.enqueue(hold, "early", group=group)

    def join_and_end() -> None:
        other.tasks.get_group(group.group_id).add(other.tasks.handle(late.task_id))
        other.tasks.cancel(early.task_id)
        other.tasks.cancel(late.task_id)

    thread = in_a_thread(other, join_and_end)

    assert group.wait(PATIENCE_SECONDS)["canceled"] == 2
    thread.join()


def test_waiting_for_a_group_gives_up_after_its_timeout(engine: Engine) -> None:
    group = engine.group()
    engine.enqueue(hold, "a", group=group)

    with pytest.raises(WaitTimeout, match="they go on") as caught:
        group.wait(0.05)

    assert caught.value.data["task_group"] == group.group_id
    assert caught.value.data["waiting"] == 1


def test_a_group_without_tasks_is_not_waited_for(engine: Engine) -> None:
    assert engine.group().wait()["total"] == 0


def test_a_watcher_asks_seldom_while_nothing_happens(engine: Engine, statements: list[str]) -> None:
    handle = engine.enqueue(hold, "a")
    take(engine.database)
    reports = handle.watch(1.0)
    next(reports)
    statements.clear()

    with pytest.raises(WaitTimeout):
        next(reports)

    assert 1 <= len(statements) <= 3


def test_a_large_group_is_waited_for_by_few_statements(
    engine: Engine, statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    group = engine.group()
    for number in range(20):
        engine.enqueue(hold, str(number), group=group)
    watches: list[ChangeWatch] = []
    watch = Database.watch
    monkeypatch.setattr(Database, "watch", lambda database: watches.append(watch(database)) or watches[-1])
    statements.clear()

    with pytest.raises(WaitTimeout):
        group.wait(0.2)

    assert len(watches) == 1
    assert len(statements) <= 6


def test_a_task_that_has_ended_is_not_watched(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    handle = engine.enqueue(hold, "a")
    handle.cancel()
    monkeypatch.delattr(Database, "watch")

    assert [report.state for report in handle.watch()] == ["canceled"]


def test_a_task_that_is_removed_meanwhile_ends_the_watch(engine: Engine, other: Engine) -> None:
    handle = engine.enqueue(hold, "a")
    reports = handle.watch(PATIENCE_SECONDS)
    next(reports)

    with other.transaction() as database:
        database.execute("DELETE FROM task")
        database.announce()

    with pytest.raises(MissingResource):
        next(reports)


@pytest.mark.parametrize("database_kind", ["postgresql"])
@pytest.mark.parametrize("is_closed", [True, False])
def test_a_watch_that_is_abandoned_leaves_no_connection(engine: Engine, is_closed: bool) -> None:
    reports = engine.enqueue(hold, "a").watch(PATIENCE_SECONDS)
    assert next(reports).state == "waiting"
    take(engine.database)
    assert next(reports).state == "running"
    assert engine.database.row(WATCHES) == (1,)

    if is_closed:
        reports.close()
    else:
        del reports

    eventually(lambda: engine.database.row(WATCHES) == (0,))


@pytest.mark.usefixtures("never_anyway")
@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_a_watcher_outlives_its_connections(engine: Engine, other: Engine) -> None:
    handle = engine.enqueue(hold, "a")
    task_id = handle.task_id

    def kill_and_cancel() -> None:
        eventually(lambda: other.database.row(WATCHES) == (1,))
        other.database.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        eventually(lambda: other.database.row(WATCHES) == (1,))
        other.tasks.cancel(task_id)

    thread = in_a_thread(other, kill_and_cancel)

    with pytest.raises(TaskCanceled):
        handle.wait(PATIENCE_SECONDS)
    thread.join()

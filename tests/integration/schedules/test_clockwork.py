"""What is due runs, once; and what becomes of runs that were missed, overlap, fail or are canceled."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import entrepot
from entrepot.engine import Engine
from entrepot.errors import InvalidValue, MissingResource, UnknownTaskType
from entrepot.repositories import Repository
from entrepot.settings import Settings
from tests.integration.schedules.conftest import Clock, create_repository, go_round, schedule_sync, tasks_of

HOUR = timedelta(hours=1)


def test_a_schedule_that_is_due_runs_once_and_then_on_its_grid(engine: Engine, zoo: Repository, time: Clock) -> None:
    made = schedule_sync(engine, "PT1H")
    begun = time.now

    rounds = [go_round(engine), go_round(engine)]
    time.move(minutes=59)
    rounds.append(go_round(engine))
    time.move(minutes=3)
    rounds += [go_round(engine), go_round(engine)]

    after = engine.schedules.get(made.schedule_id)
    assert rounds == [1, 0, 0, 1, 0]
    assert [task.state for task in tasks_of(engine)] == ["finished", "finished"]
    assert (after.total_run_count, after.last_run_at) == (2, begun + timedelta(minutes=62))
    assert after.next_run == begun + 2 * HOUR  # the grid does not follow the runs
    assert after.last_updated == begun


def test_a_sync_runs_as_it_was_asked_for_and_says_which_schedule_it_belongs_to(
    engine: Engine, zoo: Repository, time: Clock
) -> None:
    made = schedule_sync(engine, "PT1H", override_config={"remove_missing": True})

    go_round(engine)

    (task,) = tasks_of(engine)
    assert task.task_type == "pulp.server.managers.repo.sync.sync"
    assert {"pulp:repository:zoo", "pulp:action:sync"} <= set(task.tags)
    row = engine.database.row("SELECT arguments, idempotency_key FROM task")
    assert row == ('[["zoo",{"remove_missing":true}],{}]', f"schedule:{made.schedule_id}:1:2026-11-22T10:00:00Z")


def test_a_publish_runs_by_its_distributor(engine: Engine, zoo: Repository, time: Clock) -> None:
    engine.schedules.create_publish("zoo", "web", "PT1H")

    go_round(engine)

    (task,) = tasks_of(engine)
    assert (task.task_type, task.state) == ("pulp.server.managers.repo.publish.publish", "finished")
    assert task.result["distributor_id"] == "web"


@pytest.mark.parametrize("text", ["PT1S", "PT1H", "P1D", "P1M/2026-01-31T00:00:00Z", "*/5 * * * *", "10:00Z/P1D"])
def test_missed_runs_become_one(text: str, engine: Engine, zoo: Repository, time: Clock) -> None:
    made = schedule_sync(engine, text)
    go_round(engine)
    before = engine.schedules.get(made.schedule_id).total_run_count
    time.move(days=3_650)

    rounds = [go_round(engine), go_round(engine)]

    after = engine.schedules.get(made.schedule_id)
    assert rounds == [1, 0]
    assert after.total_run_count == before + 1
    assert after.next_run > time.now


def test_a_schedule_that_was_disabled_catches_up_once(engine: Engine, zoo: Repository, time: Clock) -> None:
    made = schedule_sync(engine, "PT1H")
    go_round(engine)
    engine.schedules.update(made.schedule_id, {"enabled": False})
    time.move(hours=5, minutes=1)

    disabled = go_round(engine)
    engine.schedules.update(made.schedule_id, {"enabled": True})

    assert (disabled, go_round(engine), go_round(engine)) == (0, 1, 0)


def test_a_schedule_that_missed_nothing_while_disabled_waits_for_its_grid(engine: Engine, zoo: Repository, time: Clock) -> None:
    made = schedule_sync(engine, "PT1H")
    go_round(engine)

    engine.schedules.update(made.schedule_id, {"enabled": False})
    time.move(minutes=10)
    engine.schedules.update(made.schedule_id, {"enabled": True})

    assert go_round(engine) == 0


def test_a_clock_that_steps_back_runs_no_instant_twice(engine: Engine, zoo: Repository, time: Clock) -> None:
    schedule_sync(engine, "2026-01-01T00:00:00Z/PT1H")
    time.move(minutes=30)
    assert go_round(engine) == 1
    time.move(minutes=30)
    assert go_round(engine) == 1

    time.move(hours=-1)
    rounds = []
    for _ in range(13):  # 10:00 to 11:00 once more, and the first minutes after
        rounds.append(go_round(engine))
        time.move(minutes=5)
    time.move(hours=1)

    assert sum(rounds) == 0
    assert go_round(engine) == 1


def test_a_clock_that_was_years_ahead_for_a_while_does_not_stop_a_schedule(
    engine: Engine, zoo: Repository, time: Clock
) -> None:
    made = schedule_sync(engine, "R9/PT1H")
    time.move(days=3_650)
    assert go_round(engine) == 1
    time.move(days=-3_650, minutes=1)

    counts = [engine.schedules.return_to_grid(), engine.schedules.return_to_grid()]

    mended = engine.schedules.get(made.schedule_id)
    assert counts == [1, 0]
    assert (mended.next_run, mended.last_run_at) == (made.first_run + HOUR, time.now)
    assert (mended.total_run_count, mended.remaining_runs) == (1, 8)
    time.move(hours=1)
    assert go_round(engine) == 1


def test_a_clock_that_steps_back_a_little_moves_no_schedule(engine: Engine, zoo: Repository, time: Clock) -> None:
    made = schedule_sync(engine, "PT1H")
    go_round(engine)
    before = engine.schedules.get(made.schedule_id)
    time.move(hours=-23)

    assert engine.schedules.return_to_grid() == 0
    assert engine.schedules.get(made.schedule_id) == before


def test_counted_runs_end(engine: Engine, zoo: Repository, time: Clock) -> None:
    made = schedule_sync(engine, "R2/PT1H")

    go_round(engine)
    first = engine.schedules.get(made.schedule_id)
    time.move(hours=1)
    go_round(engine)
    last = engine.schedules.get(made.schedule_id)
    engine.schedules.update(made.schedule_id, {"enabled": True})
    time.move(hours=100)

    assert (first.remaining_runs, first.enabled, first.next_run) == (1, True, first.first_run + HOUR)
    assert (last.remaining_runs, last.enabled, last.next_run, last.total_run_count) == (0, False, None, 2)
    assert go_round(engine) == 0


def test_a_run_that_was_missed_is_not_used_up(engine: Engine, zoo: Repository, time: Clock) -> None:
    made = schedule_sync(engine, "R3/PT1H")
    go_round(engine)
    time.move(hours=50)

    go_round(engine)

    assert engine.schedules.get(made.schedule_id).remaining_runs == 1


def test_a_run_that_is_due_while_the_last_is_unfinished_is_left_out(engine: Engine, zoo: Repository, time: Clock) -> None:
    made = schedule_sync(engine, "R5/PT1H")
    begun = time.now
    rounds = []

    for _ in range(3):
        rounds.append(go_round(engine, run=False))
        time.move(hours=1)
    between = engine.schedules.get(made.schedule_id)
    go_round(engine)  # the worker is back
    time.move(hours=1)

    assert rounds == [1, 0, 0]
    assert (between.total_run_count, between.remaining_runs, between.last_run_at) == (1, 4, begun)
    assert between.next_run == begun + 3 * HOUR
    assert go_round(engine) == 1
    assert [task.state for task in tasks_of(engine)] == ["finished"] * 2


def test_with_overlap_queue_every_run_stands_in_line(engine: Engine, zoo: Repository, time: Clock) -> None:
    made = schedule_sync(engine, "PT1H", overlap="queue")

    rounds = []
    for _ in range(3):
        rounds.append(go_round(engine, run=False))
        time.move(minutes=60)
    waiting = [task.state for task in tasks_of(engine)]
    go_round(engine)

    assert rounds == [1, 1, 1]
    assert waiting == ["waiting"] * 3
    assert engine.schedules.get(made.schedule_id).total_run_count == 4
    assert engine.database.row("SELECT COUNT(*) FROM scheduled_run") == (0,)


def test_too_many_failures_in_a_row_disable_a_schedule(engine: Engine, zoo: Repository, time: Clock, feed: Path) -> None:
    (feed / "PULP_MANIFEST").unlink()
    made = schedule_sync(engine, "PT1H", failure_threshold=2)

    go_round(engine)
    once = engine.schedules.get(made.schedule_id)
    time.move(hours=1)
    go_round(engine)
    twice = engine.schedules.get(made.schedule_id)
    time.move(hours=1)

    assert (once.consecutive_failures, once.enabled, once.last_updated) == (1, True, made.last_updated)
    assert (twice.consecutive_failures, twice.enabled, twice.last_updated) == (2, False, made.created + HOUR)
    assert go_round(engine) == 0


def test_a_success_sets_the_failures_back(engine: Engine, zoo: Repository, time: Clock, feed: Path) -> None:
    made = schedule_sync(engine, "PT1H", failure_threshold=2)

    counts = []
    for is_broken in (True, False, True, False):
        (feed / "PULP_MANIFEST").unlink() if is_broken else (feed / "PULP_MANIFEST").write_text("")
        go_round(engine)
        counts.append(engine.schedules.get(made.schedule_id).consecutive_failures)
        time.move(hours=1)

    assert counts == [1, 0, 1, 0]
    assert engine.schedules.get(made.schedule_id).enabled


def test_without_a_threshold_failures_are_counted_and_nothing_else(
    engine: Engine, zoo: Repository, time: Clock, feed: Path
) -> None:
    (feed / "PULP_MANIFEST").unlink()
    made = schedule_sync(engine, "PT1H")

    for _ in range(3):
        go_round(engine)
        time.move(hours=1)

    after = engine.schedules.get(made.schedule_id)
    assert (after.consecutive_failures, after.enabled) == (3, True)


def test_a_schedule_that_failed_and_was_enabled_again_is_disabled_by_the_next_failure(
    engine: Engine, zoo: Repository, time: Clock, feed: Path
) -> None:
    (feed / "PULP_MANIFEST").unlink()
    made = schedule_sync(engine, "PT1H", failure_threshold=1)
    go_round(engine)

    again = engine.schedules.update(made.schedule_id, {"enabled": True})
    time.move(hours=1)
    go_round(engine)

    after = engine.schedules.get(made.schedule_id)
    assert (again.consecutive_failures, again.enabled) == (1, True)
    assert (after.consecutive_failures, after.enabled) == (2, False)


def test_a_run_that_was_canceled_is_neither_a_success_nor_a_failure(
    engine: Engine, zoo: Repository, time: Clock, feed: Path
) -> None:
    (feed / "PULP_MANIFEST").unlink()
    made = schedule_sync(engine, "R9/PT1H", failure_threshold=2)
    go_round(engine)
    time.move(hours=1)
    go_round(engine, run=False)

    engine.tasks.cancel(tasks_of(engine)[-1].task_id)
    go_round(engine)

    after = engine.schedules.get(made.schedule_id)
    assert (after.consecutive_failures, after.enabled, after.remaining_runs) == (1, True, 7)
    time.move(hours=1)
    assert go_round(engine) == 1


def test_a_run_whose_task_was_removed_keeps_nobody_waiting(engine: Engine, zoo: Repository, time: Clock) -> None:
    made = schedule_sync(engine, "PT1H")
    go_round(engine, run=False)
    engine.database.execute("DELETE FROM task")
    engine.database.execute("DELETE FROM reservation")
    time.move(hours=1)

    assert go_round(engine, run=False) == 1
    assert engine.schedules.get(made.schedule_id).consecutive_failures == 0


def test_one_schedule_that_cannot_be_enqueued_keeps_no_other_from_it(
    engine: Engine, zoo: Repository, time: Clock, feed: Path, caplog
) -> None:
    create_repository(engine, "ark", feed)
    broken = schedule_sync(engine, "PT1H")
    schedule_sync(engine, "PT1H", "ark")
    engine.database.execute(
        "UPDATE schedule SET kind = 'task', task_type = 'unknown', arguments = '[[],{}]' WHERE schedule_id = ?",
        (broken.schedule_id,),
    )

    counts = [go_round(engine), go_round(engine)]

    assert counts == [1, 0]
    assert [task.tags[0] for task in tasks_of(engine)] == ["pulp:repository:ark"]
    assert "cannot be enqueued" in caplog.text
    assert engine.schedules.get(broken.schedule_id).next_run == time.now  # it is still due


def test_a_schedule_that_this_version_cannot_read_runs_no_more(engine: Engine, zoo: Repository, time: Clock, caplog) -> None:
    made = schedule_sync(engine, "PT1H")
    engine.database.execute("UPDATE schedule SET schedule = 'whenever'")

    counts = [go_round(engine), go_round(engine)]

    assert counts == [1, 0]
    shown = engine.schedules.get(made.schedule_id)
    assert (shown.schedule, shown.next_run, shown.sentence) == ("whenever", None, "whenever")
    assert "has no further run" in caplog.text


@pytest.mark.parametrize("database_kind", ["postgresql"])  # on SQLite no writer runs beside another
def test_a_schedule_whose_repository_another_transaction_enqueues_for_is_left_to_the_next_round(
    engine: Engine, zoo: Repository, feed: Path
) -> None:
    create_repository(engine, "ark", feed)
    schedule_sync(engine, "PT1H")
    schedule_sync(engine, "PT1H", "ark")
    begun, may_end = threading.Event(), threading.Event()

    def client() -> None:
        with engine.visit(), engine.transaction():
            zoo.sync()
            begun.set()
            may_end.wait(20)

    thread = threading.Thread(target=client)
    thread.start()
    begun.wait(20)
    meanwhile = engine.schedules.go_round()
    may_end.set()
    thread.join()

    assert meanwhile == 1
    assert engine.schedules.go_round() == 1


def test_a_change_at_the_moment_of_a_run_is_not_lost(engine: Engine, zoo: Repository, time: Clock) -> None:
    made = schedule_sync(engine, "R9/PT1H")
    changing, counted = threading.Event(), threading.Event()

    def change() -> None:
        with engine.visit():
            changing.set()
            counted.wait(20)
            engine.schedules.update(made.schedule_id, {"failure_threshold": 7})

    thread = threading.Thread(target=change)
    thread.start()
    changing.wait(20)
    with engine.database.transaction():
        engine.schedules.go_round()
        counted.set()
    thread.join()

    after = engine.schedules.get(made.schedule_id)
    assert (after.failure_threshold, after.total_run_count, after.remaining_runs) == (7, 1, 8)


def test_an_idle_round_asks_twice_and_writes_nothing(engine: Engine, zoo: Repository, time: Clock, monkeypatch) -> None:
    for _ in range(5):
        schedule_sync(engine, "2027-01-01T00:00:00Z/PT1H")
    statements = []
    execute = engine.database.execute
    monkeypatch.setattr(engine.database, "execute", lambda sql, values=(): statements.append(sql) or execute(sql, values))

    assert engine.schedules.go_round() == 0
    assert [sql.split()[0] for sql in statements] == ["SELECT", "SELECT"]


def test_many_schedules_are_due_at_once(engine: Engine, time: Clock, feed: Path) -> None:
    for number in range(3):
        create_repository(engine, f"zoo{number}", feed)
        for _ in range(70):
            schedule_sync(engine, "PT1H", f"zoo{number}")

    count = engine.schedules.go_round()

    assert count == 210
    assert engine.database.row("SELECT COUNT(*), COUNT(DISTINCT idempotency_key) FROM task") == (210, 210)
    assert engine.database.row("SELECT COUNT(*) FROM task WHERE ready_at IS NOT NULL") == (3,)


def test_a_run_at_the_end_of_the_calendar_is_the_last(engine: Engine, zoo: Repository, time: Clock) -> None:
    time.now = datetime(2026, 11, 22, tzinfo=UTC)
    made = schedule_sync(engine, "9990-01-01T00:00:00Z/P10Y")
    time.now = datetime(9990, 1, 1, tzinfo=UTC)

    assert go_round(engine, run=False) == 1
    assert engine.schedules.get(made.schedule_id).next_run is None


def test_a_program_schedules_tasks_of_its_own(engine: Engine, time: Clock) -> None:
    made = engine.schedules.create_task("R2/PT1H", greet, ["ann"], {"loud": True}, failure_threshold=1)

    counts = [go_round(engine), go_round(engine)]

    shown = engine.schedules.get(made.schedule_id)
    (task,) = tasks_of(engine)
    assert counts == [1, 0]
    assert (task.state, task.result) == ("finished", "HELLO ANN")
    assert (shown.kind, shown.resource, shown.repository_id) == ("task", None, None)
    assert (shown.task_type, shown.args, shown.kwargs) == ("greet", ("ann",), {"loud": True})
    assert (shown.total_run_count, shown.remaining_runs) == (1, 1)


def test_a_scheduler_loads_the_modules_of_tasks_when_it_needs_one(
    engine: Engine, settings: Settings, time: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bakery.py").write_text("import entrepot\n@entrepot.task(name='bake')\ndef bake():\n    return 'bread'\n")
    monkeypatch.syspath_prepend(tmp_path)
    import bakery

    engine.schedules.create_task("PT1H", bakery.bake)
    ignorant = Engine(settings=settings)
    informed = Engine(settings=settings.model_copy(update={"task_modules": ["bakery"]}))

    with ignorant, informed:
        assert ignorant.schedules.go_round() == 0
        assert informed.schedules.go_round() == 1


def test_what_is_no_task_cannot_be_scheduled(engine: Engine) -> None:
    with pytest.raises(UnknownTaskType):
        engine.schedules.create_task("PT1H", len)
    with pytest.raises(InvalidValue, match="arguments"):
        engine.schedules.create_task("PT1H", greet, [object()])

    assert engine.schedules.list() == []


def test_a_run_out_of_turn_moves_no_run_of_the_calendar(engine: Engine, zoo: Repository, time: Clock, feed: Path) -> None:
    made = schedule_sync(engine, "R5/2026-11-23T00:00:00Z/PT1H", enabled=False, failure_threshold=5)
    (feed / "PULP_MANIFEST").unlink()

    handle = engine.schedules.run_now(made.schedule_id)
    go_round(engine)

    after = engine.schedules.get(made.schedule_id)
    assert handle.state == "error"
    assert after.consecutive_failures == 1
    assert (after.remaining_runs, after.total_run_count, after.next_run) == (5, 0, made.next_run)
    with pytest.raises(MissingResource):
        engine.schedules.run_now("0" * 24)


@entrepot.task(name="greet")
def greet(name: str, *, loud: bool = False) -> str:
    """Say hello."""
    text = f"hello {name}"
    return text.upper() if loud else text

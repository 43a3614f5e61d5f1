"""Tasks are counted by the hour: every one once, whatever becomes of it and however long nobody counts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from entrepot import clock
from entrepot.engine import Engine
from entrepot.models import Database
from entrepot.tasking import hourly, retention

_HOUR_US = 3_600_000_000
_SECOND_US = 1_000_000
#: An hour that began when this says, since 1970.
NOON = 495_000


class Clockwork:
    """A clock that the test sets, and tasks that end when it says."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now_us = NOON * _HOUR_US
        self._made = 0

    def at(self, hour: int, minute: int) -> None:
        self.now_us = (NOON + hour) * _HOUR_US + minute * 60 * _SECOND_US

    def end(self, count: int, state: str = "finished", task_type: str = "bake", *, seconds: int = 2) -> None:
        """Let so many tasks end now, each of which waited for a second and ran for so many."""
        for _ in range(count):
            self._made += 1
            started = self.now_us - seconds * _SECOND_US
            self.database.execute(
                "INSERT INTO task (task_id, task_type, state, arguments, tags, idempotent, created_at, started_at, "
                "finished_at) VALUES (?, ?, ?, '[]', '[]', FALSE, ?, ?, ?)",
                (f"task-{self._made}", task_type, state, started - _SECOND_US, started, self.now_us),
            )

    def counts(self) -> dict[int, int]:
        """How many tasks are counted, by the hour since noon."""
        found: dict[int, int] = {}
        for hour in hourly.list_hours(self.database, since=timedelta(days=3)):
            number = clock.to_us(hour.hour) // _HOUR_US - NOON
            found[number] = found.get(number, 0) + hour.tasks
        return found

    def total(self) -> int:
        return sum(total.tasks for total in hourly.totals(self.database))


@pytest.fixture
def work(database: Database, monkeypatch: pytest.MonkeyPatch) -> Clockwork:
    made = Clockwork(database)
    monkeypatch.setattr(clock, "now_us", lambda: made.now_us)
    return made


def test_tasks_are_counted_by_type_and_state_with_the_time_they_took(work: Clockwork) -> None:
    work.at(0, 10)
    work.end(3, seconds=5)
    work.end(1, "error", "fry")
    work.end(2, "canceled")

    hourly.count(work.database)
    hourly.count(work.database)

    found = [
        (hour.task_type, hour.state, hour.tasks, hour.run, hour.wait)
        for hour in hourly.list_hours(work.database, since=timedelta(hours=1))
    ]
    seconds = timedelta(seconds=1)
    assert found == [
        ("bake", "canceled", 2, 4 * seconds, 2 * seconds),
        ("bake", "finished", 3, 15 * seconds, 3 * seconds),
        ("fry", "error", 1, 2 * seconds, 1 * seconds),
    ]


def test_hours_in_which_nobody_counted_are_made_up_for_and_closed(work: Clockwork) -> None:
    for hour in (0, 1, 5):
        work.at(hour, 30)
        work.end(hour + 1)
    work.at(6, 5)  # within ten minutes of the end of hour 5: that one stays open
    work.end(1)

    assert hourly.count(work.database) == 2
    work.at(5, 59)
    work.end(1)  # a commit that came late
    work.at(6, 11)
    assert hourly.count(work.database) == 1
    assert hourly.count(work.database) == 0

    assert work.counts() == {0: 1, 1: 2, 5: 7, 6: 1}
    assert work.total() == 11


def test_an_hour_that_is_closed_keeps_its_count_when_its_tasks_are_removed(work: Clockwork) -> None:
    work.at(0, 30)
    work.end(4)
    work.at(2, 0)
    hourly.count(work.database)

    retention.remove_old_tasks(work.database, older_than=timedelta(minutes=1))
    hourly.count(work.database)

    assert work.database.row("SELECT COUNT(*) FROM task") == (0,)
    assert (work.counts(), work.total()) == ({0: 4}, 4)


def test_tasks_that_are_removed_before_they_are_counted_are_counted_all_the_same(work: Clockwork) -> None:
    work.at(0, 10)
    work.end(2)
    work.at(0, 20)
    retention.purge(work.database, ["finished"])  # nobody has counted yet
    work.end(3)
    hourly.count(work.database)
    assert work.total() == 5

    retention.purge(work.database, ["finished"])
    work.end(4)
    hourly.count(work.database)
    hourly.count(work.database)

    assert (work.counts(), work.total()) == ({0: 9}, 9)
    work.at(1, 30)
    hourly.count(work.database)
    assert (work.counts(), work.total()) == ({0: 9}, 9)
    assert work.database.row("SELECT COUNT(*) FROM hourly_tasks WHERE hour < 0") == (0,)


def test_a_count_that_was_made_before_others_does_not_take_theirs_away(
    work: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.at(0, 30)
    work.end(1)
    counts, is_rival = hourly._counts, False

    def slow(database: Database, hour: int) -> list[tuple[object, ...]]:
        nonlocal is_rival
        mine = counts(database, hour)
        if not is_rival:
            is_rival = True
            work.end(5)
            work.at(1, 15)
            assert hourly.count(database) == 1  # another process counts, and closes the hour
            retention.remove_old_tasks(database, older_than=timedelta(minutes=1))
        return mine

    monkeypatch.setattr(hourly, "_counts", slow)
    hourly.count(work.database)

    assert (work.counts(), work.total()) == ({0: 6}, 6)


def test_hours_that_are_too_old_go_and_the_totals_stay(work: Clockwork) -> None:
    work.at(0, 30)
    work.end(2)
    work.at(24 * 390, 0)
    work.end(3)
    hourly.count(work.database)

    work.at(24 * 401, 0)
    work.end(1)
    work.at(24 * 401, 59)
    hourly.count(work.database)
    assert work.total() == 6
    work.at(24 * 401 + 1, 30)
    hourly.count(work.database)

    hours = work.database.rows("SELECT hour, tasks FROM hourly_tasks WHERE task_type = 'bake' ORDER BY hour")
    assert hours == [(0, 6), (NOON + 24 * 390, 3), (NOON + 24 * 401, 1)]
    assert work.total() == 6


def test_the_engine_has_a_loop_that_counts_and_a_query_that_tells(settings) -> None:
    with Engine(settings=settings) as engine, engine.visit():
        work = Clockwork(engine.database)
        work.now_us = clock.now_us()
        work.end(1)

        next(loop for loop in engine.loops() if loop.name == "hourly tasks").round()

        assert [(hour.task_type, hour.tasks) for hour in engine.tasks.hourly()] == [("bake", 1)]

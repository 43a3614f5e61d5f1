"""How many tasks of each type ended in which state, hour by hour: counted by a loop, kept when the tasks are long removed.

Beside the walk of a task: nothing that runs waits for this. Hours are counted since 1970 (UTC).

* An hour is *open* until ten minutes after its end: then whoever finished in it has committed. Open hours are counted anew by
  each round, from the task table. One that is closed is never counted again, and is added to the totals, hour 0, in the same
  transaction. So it does not matter for how long no loop ran.
* A task that is removed out of an open hour is noted in the same transaction, under the negative number of the hour. What an
  hour counts, in one statement, is what is in the task table and what was noted: it never falls. So any number of processes
  may count side by side: the larger count is the later one, and is kept.
* One row, hour 0 of no type, says in `tasks` which hour is the first that is open.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from entrepot import clock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrepot.models import Database

#: So long after its end an hour is counted for the last time: late commits are in, and clocks of several hosts agree so far.
_SETTLED = timedelta(minutes=10)
#: Hours are kept by themselves so long.
KEPT = timedelta(days=400)
_HOUR_US = 3_600_000_000

#: What is counted of tasks; one that never started took no time, and a clock that was set back takes none away.
_RUN = "SUM(CASE WHEN finished_at > started_at THEN finished_at - started_at ELSE 0 END)"
_WAIT = "SUM(CASE WHEN started_at > created_at THEN started_at - created_at ELSE 0 END)"
_COUNT = f"""
SELECT task_type, state, SUM(tasks), SUM(run_us), SUM(wait_us) FROM (
    SELECT task_type, state, COUNT(*) AS tasks, {_RUN} AS run_us, {_WAIT} AS wait_us
    FROM task WHERE finished_at >= ? AND finished_at < ? GROUP BY task_type, state
    UNION ALL
    SELECT task_type, state, tasks, run_us, wait_us FROM hourly_tasks WHERE hour = ?
) AS counted GROUP BY task_type, state
"""
_KEEP = """
INSERT INTO hourly_tasks (hour, task_type, state, tasks, run_us, wait_us) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (hour, task_type, state) DO UPDATE SET
    tasks = {larger}(hourly_tasks.tasks, excluded.tasks), run_us = {larger}(hourly_tasks.run_us, excluded.run_us),
    wait_us = {larger}(hourly_tasks.wait_us, excluded.wait_us)
"""
_ADD = """
ON CONFLICT (hour, task_type, state) DO UPDATE SET tasks = hourly_tasks.tasks + excluded.tasks,
    run_us = hourly_tasks.run_us + excluded.run_us, wait_us = hourly_tasks.wait_us + excluded.wait_us
"""
_NOTE = f"""
INSERT INTO hourly_tasks (hour, task_type, state, tasks, run_us, wait_us)
SELECT -(finished_at / {_HOUR_US}) AS negative, task_type, state, COUNT(*), {_RUN}, {_WAIT}
FROM task WHERE id IN ({{marks}}) AND finished_at >= ? GROUP BY negative, task_type, state ORDER BY negative, task_type, state
{_ADD}
"""
_ADD_TO_TOTALS = f"""
INSERT INTO hourly_tasks (hour, task_type, state, tasks, run_us, wait_us)
SELECT 0, task_type, state, tasks, run_us, wait_us FROM hourly_tasks WHERE hour = ? ORDER BY task_type, state
{_ADD}
"""
_OPEN = "SELECT tasks FROM hourly_tasks WHERE hour = 0 AND task_type = '' AND state = ''"
_TOTALS = """
SELECT task_type, state, SUM(tasks), SUM(run_us), SUM(wait_us) FROM (
    SELECT task_type, state, tasks, run_us, wait_us FROM hourly_tasks WHERE hour = 0 AND task_type <> ''
    UNION ALL
    SELECT task_type, state, tasks, run_us, wait_us FROM hourly_tasks
    WHERE hour >= COALESCE((SELECT tasks FROM hourly_tasks WHERE hour = 0 AND task_type = '' AND state = ''), 1)
) AS counted GROUP BY task_type, state ORDER BY task_type, state
"""


@dataclass(frozen=True, slots=True)
class TaskHour:
    """How many tasks of a type ended in a state within the hour that begins at `hour`.

    `run` is the time that all of them together ran, of each its last run; `wait` the time from their making to its start.
    """

    hour: datetime
    task_type: str
    state: str
    tasks: int
    run: timedelta
    wait: timedelta


@dataclass(frozen=True, slots=True)
class TaskTotal:
    """As `TaskHour`, of all hours together; no figure ever falls."""

    task_type: str
    state: str
    tasks: int
    run: timedelta
    wait: timedelta


def list_hours(database: Database, *, since: timedelta) -> Sequence[TaskHour]:
    """Return the counts of the hours that ended less than `since` ago, the present one included, the oldest first."""
    first = (clock.now_us() - clock.us(since)) // _HOUR_US
    rows = database.rows(
        "SELECT hour, task_type, state, tasks, run_us, wait_us FROM hourly_tasks WHERE hour > 0 AND hour >= ? "
        "ORDER BY hour, task_type, state",
        (first,),
    )
    return [
        TaskHour(clock.from_us(hour * _HOUR_US), kind, state, tasks, _span(run), _span(wait))
        for hour, kind, state, tasks, run, wait in rows
    ]


def totals(database: Database) -> Sequence[TaskTotal]:
    """Return the counts of all tasks that ever ended, as of the last round."""
    return [
        TaskTotal(kind, state, int(tasks), _span(run), _span(wait)) for kind, state, tasks, run, wait in database.rows(_TOTALS)
    ]


def count(database: Database) -> int:
    """Count the open hours anew, close those that are complete, and return how many were closed: a round of a loop.

    Any number of processes may do so side by side; a round that is cut short is made up for by the next one.
    """
    settled = (clock.now_us() - clock.us(_SETTLED)) // _HOUR_US  # the first hour that may still change
    closed = 0
    hour = _next_hour(database, _first_open(database))
    while hour is not None:
        counts = _counts(database, hour)
        with database.transaction(durable=False):
            database.lock_resources(["hourly_tasks"])
            if hour >= _first_open(database):  # else somebody else has closed it meanwhile
                _keep(database, hour, counts)
                if hour < settled:
                    _close(database, hour)
                    closed += 1
        hour = _next_hour(database, hour + 1)
    if closed:
        with database.transaction(durable=False):
            oldest = settled - KEPT // timedelta(hours=1)
            database.execute("DELETE FROM hourly_tasks WHERE hour > 0 AND hour < ?", (oldest,))
    return closed


def note_removal(database: Database, ids: Sequence[int]) -> None:
    """Note, in the transaction that removes them, those of the tasks (row ids) that are not counted for good yet."""
    marks = ", ".join("?" * len(ids))
    database.execute(_NOTE.format(marks=marks), (*ids, _first_open(database) * _HOUR_US))


def _first_open(database: Database) -> int:
    row = database.row(_OPEN)
    return 0 if row is None else int(row[0])


def _next_hour(database: Database, hour: int) -> int | None:
    """Return the first hour from `hour` on in which a task finished, whether it is still there or was removed."""
    finished = database.row("SELECT MIN(finished_at) FROM task WHERE finished_at >= ?", (hour * _HOUR_US,))
    removed = database.row("SELECT MAX(hour) FROM hourly_tasks WHERE hour < 0 AND hour <= ?", (-hour,))
    hours = []
    if finished is not None and finished[0] is not None:
        hours.append(finished[0] // _HOUR_US)
    if removed is not None and removed[0] is not None:
        hours.append(-removed[0])
    return min(hours, default=None)


def _counts(database: Database, hour: int) -> list[tuple[object, ...]]:
    """Return what an hour counts: by one statement, so that a task that is removed meanwhile is seen once."""
    values = (hour * _HOUR_US, (hour + 1) * _HOUR_US, -hour)
    return [(kind, state, *map(int, figures)) for kind, state, *figures in database.rows(_COUNT, values)]


def _keep(database: Database, hour: int, counts: list[tuple[object, ...]]) -> None:
    larger = "MAX" if database.is_embedded else "GREATEST"
    database.executemany(_KEEP.format(larger=larger), sorted((hour, *figures) for figures in counts))


def _close(database: Database, hour: int) -> None:
    """Add an hour to the totals, forget what was noted for it, and say that the next one is the first that is open."""
    database.execute(_ADD_TO_TOTALS, (hour,))
    _keep(database, 0, [("", "", hour + 1, 0, 0)])
    database.execute("DELETE FROM hourly_tasks WHERE hour < 0 AND hour >= ?", (-hour,))


def _span(microseconds: int) -> timedelta:
    return timedelta(microseconds=int(microseconds))

"""The clockwork: one round enqueues a task for each schedule that is due. Any number of processes may go round side by side.

A schedule is held, its task enqueued and its next run written in one transaction: each due instant has its task or is still
due, whenever the process dies, and nobody else fires it meanwhile. Runs that were missed, however many, become one. While
the last run is unfinished, a due instant is left out (`overlap` coalesce), or its task stands in line (queue).

Nothing here waits for others, and a schedule that cannot be enqueued does not keep the others from it.

Before: `outcomes`, which counts how earlier runs have ended. Next: `tasking`.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import peewee

from entrepot import clock, failpoints
from entrepot.errors import DatabaseOutdated, DatabaseTooNew, DatabaseUnavailable, EntrepotError, InvalidValue, MissingResource
from entrepot.schedules import calls, plan
from entrepot.schedules.recurrence import Recurrence

if TYPE_CHECKING:
    from datetime import datetime

    from entrepot.models import Database, Row
    from entrepot.repositories import House
    from entrepot.tasking import Call, TaskHandle, Tasks

log = logging.getLogger(__name__)

#: Schedules in one transaction, which keeps others from enqueueing for the same repositories until it has committed.
_BATCH = 100

_DUE = """
SELECT id, next_run FROM schedule
WHERE enabled AND next_run <= ? AND (next_run, id) > (?, ?) ORDER BY next_run, id LIMIT ?
"""
#: Rows that somebody changes just now, or that a rival round is at, are left to him.
_HOLD = f"""
SELECT {calls.COLUMNS}, id, schedule_id, schedule, time_zone, first_run, next_run, remaining_runs, total_run_count, overlap,
       jitter_seconds
FROM schedule AS held WHERE id IN ({{marks}}) AND enabled AND next_run <= ? ORDER BY next_run, id{{skip_locked}}
"""
_CALL = f"SELECT {calls.COLUMNS} FROM schedule AS held WHERE id = ?"
#: Whether runs that have not been counted are unfinished; one that has ended is counted first.
_OPEN_RUNS = """
SELECT run.schedule, MAX(CASE WHEN task.task_id IS NOT NULL AND task.finished_at IS NULL THEN 1 ELSE 0 END),
       MAX(CASE WHEN task.task_id IS NOT NULL AND task.finished_at IS NULL THEN 0 ELSE 1 END)
FROM scheduled_run AS run LEFT JOIN task ON task.task_id = run.task_id WHERE run.schedule IN ({marks}) GROUP BY run.schedule
"""
#: `pairs` are those of schedules and their next runs.
_COUNT_RUNS = """
UPDATE schedule SET next_run = given.column2, last_run_at = ?, total_run_count = total_run_count + 1,
    remaining_runs = remaining_runs - 1, enabled = CASE WHEN remaining_runs <= 1 THEN FALSE ELSE enabled END
FROM (VALUES {pairs}) AS given WHERE id = given.column1
"""
_LEAVE_OUT = "UPDATE schedule SET next_run = given.column2 FROM (VALUES {pairs}) AS given WHERE id = given.column1"
_PAIR = "(CAST(? AS BIGINT), CAST(? AS BIGINT))"
_KEEP_RUNS = "INSERT INTO scheduled_run (schedule, task_id) VALUES {pairs}"


@dataclass(frozen=True, slots=True)
class _Held:
    """A due schedule that nobody else is at until this transaction ends."""

    id: int
    schedule_id: str
    call: Call
    following: int | None
    is_last: bool
    may_overlap: bool

    @property
    def next_run(self) -> int | None:
        """When it runs again after this run."""
        return None if self.is_last else self.following


def enqueue_due(house: House) -> int:
    """Enqueue a task for each schedule that is due, and return how many there were."""
    database, count, now, last = house.database, 0, clock.now_us(), (0, 0)
    while True:
        due = database.rows(_DUE, (now, *last, _BATCH))
        if due:
            count += _enqueue(house, [id_ for id_, _ in due])
        if len(due) < _BATCH:
            return count
        last = (due[-1][1], due[-1][0])


def enqueue_now(house: House, row_id: int, schedule_id: str) -> TaskHandle:
    """Enqueue the task of a schedule out of turn, to be counted as the others when it has ended; raises `MissingResource`."""
    try:
        with house.database.transaction() as database:
            row = database.row(_CALL, (row_id,))
            if row is None:
                raise MissingResource(schedule_id=schedule_id)
            key = f"schedule:{schedule_id}:now:{secrets.token_hex(8)}"
            handle = house.tasks.enqueue(calls.call_of(house, row, key, is_by_hand=True))
            _write_pairs(database, _KEEP_RUNS, "(?, ?)", [(row_id, handle.task_id)])
    except peewee.IntegrityError as error:  # deleted meanwhile
        raise MissingResource(schedule_id=schedule_id) from error
    return handle


def _enqueue(house: House, ids: Sequence[int]) -> int:
    """Enqueue for these schedules: all at once, or one by one if that is refused, so that one concerns no other."""
    try:
        return _enqueue_together(house, ids)
    except (DatabaseUnavailable, DatabaseOutdated, DatabaseTooNew):
        raise
    except (EntrepotError, peewee.IntegrityError) as error:
        if len(ids) > 1:
            return sum(_enqueue(house, [id_]) for id_ in ids)
        log.warning("A schedule that is due cannot be enqueued now: %s", error)  # the next round may have more luck
        return 0


def _enqueue_together(house: House, ids: Sequence[int]) -> int:
    database, tasks = house.database, house.tasks
    with database.transaction():
        now = clock.now()  # it may have taken a while to get here
        held = _hold(house, ids, now)
        failpoints.reach("schedules.held")
        runs = _open_runs(database, held)
        counted = [schedule for schedule in held if not runs.get(schedule.id, (False, False))[1]]
        left_out = [schedule for schedule in counted if not schedule.may_overlap and schedule.id in runs]
        fired = _unlocked(tasks, [schedule for schedule in counted if schedule.may_overlap or schedule.id not in runs])
        handles = tasks.enqueue_many([schedule.call for schedule in fired])
        failpoints.reach("schedules.enqueued")
        kept = [(schedule.id, handle.task_id) for schedule, handle in zip(fired, handles, strict=True)]
        _write_pairs(database, _KEEP_RUNS, "(?, ?)", kept)
        moved = [(schedule.id, schedule.next_run) for schedule in fired]
        _write_pairs(database, _COUNT_RUNS, _PAIR, moved, (clock.to_us(now),))
        _write_pairs(database, _LEAVE_OUT, _PAIR, [(schedule.id, schedule.following) for schedule in left_out])
        failpoints.reach("schedules.written")
        database.announce()
    failpoints.reach("schedules.committed")
    return len(fired)


def _hold(house: House, ids: Sequence[int], now: datetime) -> list[_Held]:
    """Return those of `ids` that are still due and nobody else is at."""
    statement = _HOLD.format(marks=", ".join("?" * len(ids)), skip_locked=house.database.skip_locked)
    return [_held(house, row, now) for row in house.database.rows(statement, (*ids, clock.to_us(now)))]


def _held(house: House, row: Row, now: datetime) -> _Held:
    id_, schedule_id, text, zone, first_run, due, remaining, count, overlap, jitter = row[6:]
    # A name of its own for each run: a task says by it which schedule it belongs to, and which instant it was fired for.
    key = f"schedule:{schedule_id}:{count + 1}:{clock.iso(clock.from_us(due))}"
    call = calls.call_of(house, row[:6], key)
    started = _started(schedule_id, text, zone, clock.from_us(first_run))
    following = None if started is None else plan.following(started, now, plan.splay_of(schedule_id, jitter))
    return _Held(
        id_,
        schedule_id,
        call,
        following=None if following is None else clock.to_us(following),
        is_last=remaining is not None and remaining <= 1,
        may_overlap=overlap == "queue",
    )


def _started(schedule_id: str, text: str, zone: str | None, first_run: datetime) -> Recurrence | None:
    try:
        return Recurrence.parse(text, zone).starting(first_run)
    except InvalidValue as error:  # an earlier version accepted it
        log.warning("The schedule %s has no further run: %s", schedule_id, error)
        return None


def _open_runs(database: Database, held: Sequence[_Held]) -> dict[int, tuple[bool, bool]]:
    """Return which of the schedules have runs that were not counted: whether some are unfinished, and some have ended."""
    if not held:
        return {}
    statement = _OPEN_RUNS.format(marks=", ".join("?" * len(held)))
    rows = database.rows(statement, [schedule.id for schedule in held])
    return {id_: (bool(unfinished), bool(ended)) for id_, unfinished, ended in rows}


def _write_pairs(
    database: Database, statement: str, marks: str, pairs: Sequence[tuple[object, object]], first: tuple[object, ...] = ()
) -> None:
    """Run one statement for all `pairs`: one for each of them would be as many round trips."""
    if pairs:
        values = [value for pair in pairs for value in pair]
        database.execute(statement.format(pairs=", ".join([marks] * len(pairs))), (*first, *values))


def _unlocked(tasks: Tasks, schedules: Sequence[_Held]) -> list[_Held]:
    """Return the schedules whose tasks can be put in line without waiting for another transaction."""
    if tasks.database.serialises_writers:
        return list(schedules)
    lines = {schedule.id: tasks.lines_of(schedule.call) for schedule in schedules}
    locked = tasks.database.try_lock_resources({name for names in lines.values() for name in names})
    return [schedule for schedule in schedules if locked.issuperset(lines[schedule.id])]

"""Delayed tasks and tasks that wait for their next try, when their moment (`not_before`) has come. One round of a loop.

A task to be tried again has kept its reservations: it becomes ready where it stands, first in line. A delayed task stands
in no line before it is due, so that nobody waits for it; then it enters each line as its last, under a new row id, for the
order of row ids is the order of the lines.

Nothing here waits for others, and one task that cannot become due does not keep the others from it: it ends in an error.

Before: `submission` (delayed), `completion` (to be tried again). Next: `delivery`, `lease`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import peewee

from entrepot import clock, failpoints
from entrepot.errors import DatabaseError, DatabaseOutdated, DatabaseTooNew, DatabaseUnavailable, ValueNotKept
from entrepot.tasking import readiness
from entrepot.tasking.submission import INSERT_RESERVATION, look_again

if TYPE_CHECKING:
    from entrepot.models import Database, Row
    from entrepot.tasking.delivery import Ring

log = logging.getLogger(__name__)

#: Tasks in one transaction, which keeps others from enqueueing on the same resources until it has committed.
_BATCH = 100

_DUE = """
SELECT id, attempt, tags, reserves, not_before FROM task
WHERE state = 'waiting' AND not_before <= ? AND (not_before, id) > (?, ?) ORDER BY not_before, id LIMIT ?
"""
#: Rows that somebody cancels just now, or that a rival round is at, are left to him.
_HOLD = """
SELECT id FROM task WHERE id IN ({marks}) AND state = 'waiting' AND not_before <= ?{skip_locked}
"""
_TRY_AGAIN = "UPDATE task SET not_before = NULL WHERE id = ?"
#: The row is changed, not replaced: on PostgreSQL, whoever waits for it to cancel the task still finds it.
_ENTER = "UPDATE task SET id = ?, not_before = NULL, reserves = NULL WHERE id = ?"
_MOVE_TAG = "UPDATE task_tag SET task = ? WHERE tag = ? AND task = ?"
_END = "UPDATE task SET state = 'error', finished_at = ?, not_before = NULL, reserves = NULL, error = ? WHERE id = ?"

#: Makes rows due as of a moment in one transaction, rings, and returns how many came.
Step: TypeAlias = "Callable[[Database, list[Row], int, Ring], int]"


def make_due(database: Database, ring: Ring) -> int:
    """Let every task whose moment has come become ready or stand in line, ring for the ready, and return how many came.

    Any number of processes may do so side by side: each task becomes due once. After a crash the next round goes on.
    """
    count, now, last = 0, clock.now_us(), (0, 0)
    while True:
        rows = database.rows(_DUE, (now, *last, _BATCH))
        count += _come(_try_again, database, [row for row in rows if row[1] > 0], now, ring)
        count += _come(_enter_lines, database, [row for row in rows if row[1] == 0], now, ring)
        if len(rows) < _BATCH:
            return count
        last = (rows[-1][4], rows[-1][0])


def _come(step: Step, database: Database, rows: list[Row], now: int, ring: Ring) -> int:
    """Make `rows` due by `step`: all at once, or one by one if the database refuses that, so that one concerns no other."""
    if not rows:
        return 0
    try:
        return step(database, rows, now, ring)
    except (DatabaseUnavailable, DatabaseOutdated, DatabaseTooNew):
        raise
    except (DatabaseError, peewee.IntegrityError) as error:
        if len(rows) > 1:
            return sum(_come(step, database, [row], now, ring) for row in rows)
        if isinstance(error, (ValueNotKept, peewee.IntegrityError)):
            _end_in_error(database, rows, now, ring, error)
        else:  # the next round may have more luck
            log.warning("A task cannot become due now: %s", error)
        return 0


def _end_in_error(database: Database, rows: list[Row], now: int, ring: Ring, error: Exception) -> None:
    """End a task that can never become due."""
    reason = error if isinstance(error, ValueNotKept) else ValueNotKept(f"The task cannot stand in line: {error}")
    with database.transaction():
        for id_, *_ in _hold(database, rows, now):
            database.execute(_END, (clock.now_us(), json.dumps(reason.document()), id_))
            readiness.pass_on(database, readiness.release(database, [id_]), ring)
            log.warning("A task that is due ends in an error: %s", reason)
        database.announce()


def _try_again(database: Database, rows: list[Row], now: int, ring: Ring) -> int:
    with database.transaction(durable=False):
        held = _hold(database, rows, now)
        database.executemany(_TRY_AGAIN, [(id_,) for id_, *_ in held])
        ready = readiness.make_first_ready(database, [id_ for id_, *_ in held])
        database.announce()
        failpoints.reach("due.retried")
    ring([bell for _, bell in ready])
    return len(held)


def _enter_lines(database: Database, rows: list[Row], now: int, ring: Ring) -> int:
    """Put delayed tasks into the lines for what they reserve.

    Those whose resources another transaction has locked are left to the next round: it may be that of a client that takes
    its time.
    """
    reserves: dict[int, list[tuple[str, bool, int | None]]] = {row[0]: json.loads(row[3]) for row in rows}
    with database.transaction(durable=False):
        locked = database.try_lock_resources({name for lines in reserves.values() for name, _, _ in lines})
        free = [row for row in rows if all(name in locked for name, _, _ in reserves[row[0]])]
        held = _hold(database, free, now)
        new_ids = database.next_ids("task", len(held))
        moved = [(new_id, *row) for new_id, row in zip(new_ids, held, strict=True)]
        database.executemany(_ENTER, [(new_id, old_id) for new_id, old_id, *_ in moved])
        database.executemany(
            INSERT_RESERVATION,
            [
                (name, new_id, exclusive, capacity)
                for new_id, old_id, *_ in moved
                for name, exclusive, capacity in reserves[old_id]
            ],
        )
        database.executemany(
            _MOVE_TAG, [(new_id, tag, old_id) for new_id, old_id, _, tags, *_ in moved for tag in json.loads(tags)]
        )
        ready = readiness.make_first_ready(database, new_ids)
        database.announce()
        failpoints.reach("due.entered")
    ring([bell for _, bell in ready])
    behind = sorted(set(new_ids) - {id_ for id_, _ in ready})
    if behind and not database.serialises_writers:
        look_again(database, behind, ring)  # whoever held the resource may have finished without seeing this task
    return len(held)


def _hold(database: Database, rows: list[Row], now: int) -> list[Row]:
    """Return those of `rows` that are still due and nobody else is at; they stay so until this transaction ends."""
    if not rows:
        return []
    statement = _HOLD.format(marks=", ".join("?" * len(rows)), skip_locked=database.skip_locked)
    held = {id_ for (id_,) in database.rows(statement, (*(row[0] for row in rows), now))}
    return [row for row in rows if row[0] in held]

"""Delayed tasks and tasks that wait for their next try, when their moment (`not_before`) has come. One round of a loop.

A task to be tried again has kept its reservations: it becomes ready where it stands, first in line. A delayed task stands
in no line before it is due, so that nobody waits for it; then it enters each line as its last, under a new row id, for the
order of row ids is the order of the lines.

Before: `submission` (delayed), `completion` (to be tried again). Next: `delivery`, `lease`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from entrepot import clock, failpoints
from entrepot.tasking import readiness
from entrepot.tasking.submission import INSERT_RESERVATION, look_again

if TYPE_CHECKING:
    from entrepot.models import Database, Row
    from entrepot.tasking.delivery import Ring

#: Tasks in one transaction, which keeps others from enqueueing on the same resources until it has committed.
_BATCH = 100

_DUE = """
SELECT id, attempt, tags, reserves FROM task WHERE state = 'waiting' AND not_before <= ? ORDER BY not_before, id LIMIT ?
"""
#: Rows that somebody cancels just now, or that a rival round is at, are left to him.
_HOLD = """
SELECT id FROM task WHERE id IN ({marks}) AND state = 'waiting' AND not_before <= ?{skip_locked}
"""
_TRY_AGAIN = "UPDATE task SET not_before = NULL WHERE id = ?"
#: The row is changed, not replaced: on PostgreSQL, whoever waits for it to cancel the task still finds it.
_ENTER = "UPDATE task SET id = ?, not_before = NULL, reserves = NULL WHERE id = ?"
_MOVE_TAG = "UPDATE task_tag SET task = ? WHERE tag = ? AND task = ?"


def make_due(database: Database, ring: Ring) -> int:
    """Let every task whose moment has come become ready or stand in line, ring for the ready, and return how many came.

    Any number of processes may do so side by side: each task becomes due once. After a crash the next round goes on.
    """
    count = 0
    while True:
        now = clock.now_us()
        rows = database.rows(_DUE, (now, _BATCH))
        came = _try_again(database, [row for row in rows if row[1] > 0], now, ring)
        came += _enter_lines(database, [row for row in rows if row[1] == 0], now, ring)
        count += came
        if came < _BATCH:
            return count


def _try_again(database: Database, rows: list[Row], now: int, ring: Ring) -> int:
    if not rows:
        return 0
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

    The resources are locked before the rows are held, and nothing is waited for after that: no deadlock.
    """
    if not rows:
        return 0
    reserves: dict[int, list[tuple[str, bool, int | None]]] = {id_: json.loads(text) for id_, _, _, text in rows}
    with database.transaction(durable=False):
        database.lock_resources({name for lines in reserves.values() for name, _, _ in lines})
        held = _hold(database, rows, now)
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
            _MOVE_TAG, [(new_id, tag, old_id) for new_id, old_id, _, tags, _ in moved for tag in json.loads(tags)]
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
    statement = _HOLD.format(marks=", ".join("?" * len(rows)), skip_locked=database.skip_locked)
    held = {id_ for (id_,) in database.rows(statement, (*(row[0] for row in rows), now))}
    return [row for row in rows if row[0] in held]

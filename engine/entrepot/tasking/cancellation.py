"""Cancel: a waiting task ends at once; a running one is canceled at once, and its owner is told to stop.

A task canceled while it ran keeps its reservations until its function has really stopped (`finished_at`), so that the
next in line never runs beside it. Terminal states are final. Source: the Pulp 2 REST contract, 3.2 to 3.4.

A tree is canceled from its root on. Nothing can escape: a canceled task spawns no more (`submission` looks at its parent
and keeps that as it is until the child is there), so that what was found after that is all there will ever be.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from entrepot import clock, failpoints
from entrepot.errors import MissingResource
from entrepot.tasking import readiness

if TYPE_CHECKING:
    from entrepot.models import Database
    from entrepot.tasking.delivery import Ring

#: Tasks canceled in one transaction.
_BATCH = 500
#: What can still be canceled. Those that run come first, so that they spawn no more; then the newest, so that no task is made
#: ready, by the cancel of the one before it, only to be canceled itself.
_OPEN = f"task.state IN ('waiting', 'running') ORDER BY task.state, task.id DESC LIMIT {_BATCH}"
_IN_GROUP = f"SELECT task.id FROM task WHERE task.task_group = ? AND {_OPEN}"
#: A complete task may have spawned what is not complete.
_IN_TREE = f"""
WITH RECURSIVE spawned (id) AS (
    SELECT child.id FROM task AS child WHERE child.parent = ?
    UNION ALL SELECT child.id FROM spawned JOIN task AS child ON child.parent = spawned.id
)
SELECT task.id FROM spawned JOIN task ON task.id = spawned.id WHERE {_OPEN}
"""
_CANCEL_WAITING = """
UPDATE task SET state = 'canceled', finished_at = ? WHERE id IN ({marks}) AND state = 'waiting' RETURNING id
"""
_CANCEL_RUNNING = "UPDATE task SET state = 'canceled' WHERE id IN ({marks}) AND state = 'running'"


def cancel(database: Database, task_id: str, ring: Ring) -> bool:
    """Cancel one task and return True, or False if it was complete already; `ring` is called for the next in line.

    Raises `MissingResource` if there is no such task.
    """
    with database.transaction():
        return _cancel_held(database, [_hold(database, task_id)], ring) > 0


def cancel_tree(database: Database, task_id: str, ring: Ring) -> int:
    """Cancel a task and all that it spawned, what those spawned included; return how many were not complete yet.

    Afterwards none of them is left, also if they spawn meanwhile. After a crash on the way some are canceled and some are
    not: cancel again. Raises `MissingResource` if there is no such task.
    """
    with database.transaction():
        root = _hold(database, task_id)
        count = _cancel_held(database, [root], ring)
    return count + _cancel_found(database, _IN_TREE, root, ring)


def cancel_group(database: Database, group: int, ring: Ring) -> int:
    """Cancel all tasks of the group with row id `group`, and return how many were not complete yet.

    Those that are added meanwhile are canceled as well: it ends at a moment when none was left.
    """
    return _cancel_found(database, _IN_GROUP, group, ring)


def cancel_many(database: Database, task_ids: Sequence[str], ring: Ring) -> int:
    """Cancel those of the tasks that are there and not complete, and return how many there were.

    The newest come first, so that none is made ready only to be canceled itself. After a crash on the way some are canceled
    and some are not: cancel again.
    """
    count, newest_first = 0, sorted(task_ids, reverse=True)
    for start in range(0, len(newest_first), _BATCH):
        chunk = newest_first[start : start + _BATCH]
        with database.transaction():
            held = f"SELECT id FROM task WHERE task_id IN ({_marks(chunk)}) ORDER BY id{database.for_update}"
            count += _cancel_held(database, [row[0] for row in database.rows(held, chunk)], ring)
    return count


def _cancel_found(database: Database, query: str, root: int, ring: Ring) -> int:
    """Cancel what `query` finds until it finds nothing, a batch in a transaction; return how many were canceled.

    A row that somebody has at this moment, to claim or to finish it, is passed over, for waiting for one while holding others
    could become a deadlock; if that is all that is left, one of them is waited for.
    """
    count = 0
    while found := [row[0] for row in database.rows(query, (root,))]:
        with database.transaction():
            held = f"SELECT id FROM task WHERE id IN ({_marks(found)}) ORDER BY id{database.skip_locked}"
            canceled = _cancel_held(database, [row[0] for row in database.rows(held, found)], ring)
        if not canceled:
            with database.transaction():
                database.row(f"SELECT 1 FROM task WHERE id = ?{database.for_update}", found[:1])
                canceled = _cancel_held(database, found[:1], ring)
        count += canceled
    return count


def _hold(database: Database, task_id: str) -> int:
    """Return the row id of a task, whose row stays as it is until this transaction ends; raises `MissingResource`."""
    row = database.row(f"SELECT id FROM task WHERE task_id = ?{database.for_update}", (task_id,))
    if row is None:
        raise MissingResource(resource_id=task_id)
    return int(row[0])


def _cancel_held(database: Database, tasks: Sequence[int], ring: Ring) -> int:
    """Cancel those of `tasks` (row ids, held by this transaction) that are not complete, and return how many were not."""
    if not tasks:
        return 0
    marks = _marks(tasks)
    ended = [row[0] for row in database.rows(_CANCEL_WAITING.format(marks=marks), (clock.now_us(), *tasks))]
    if ended:
        readiness.pass_on(database, readiness.release(database, ended), ring)
    told = database.execute(_CANCEL_RUNNING.format(marks=marks), tasks).rowcount if len(ended) < len(tasks) else 0
    database.announce()
    failpoints.reach("cancellation.written")
    return len(ended) + int(told)


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))

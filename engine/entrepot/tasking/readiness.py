"""Step 2 of the walk of a task: a task is ready when it is first in line for all that it reserves.

The rule: no *earlier unfinished* task holds a conflicting reservation on any of its resources. Reservation rows exist
only while their task is unfinished, so every look-up here is an indexed one into a small table.

Before: `submission`, `completion`, `cancellation`. Next: `lease`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from entrepot import clock

if TYPE_CHECKING:
    from entrepot.models import Database
    from entrepot.tasking.resources import Resource

#: Each look-up is the smallest key of an index: O(log n), whatever the planner knows of the table.
_FIRST_IN_LINE = """
NOT EXISTS (
    SELECT 1 FROM reservation AS mine WHERE mine.task = task.id AND mine.task > CASE WHEN mine.exclusive
        THEN (SELECT MIN(earlier.task) FROM reservation AS earlier WHERE earlier.resource = mine.resource)
        ELSE COALESCE((SELECT MIN(earlier.task) FROM reservation AS earlier
                       WHERE earlier.resource = mine.resource AND earlier.exclusive = TRUE), mine.task) END
)
"""
#: Rows that somebody cancels just now are left to him.
_MAKE_READY = """
UPDATE task SET ready_at = ? WHERE id IN (
    SELECT id FROM task WHERE id IN {ids} AND state = 'waiting' AND ready_at IS NULL AND {first_in_line}{skip_locked}
)
"""
_NEXT_EXCLUSIVE = "SELECT MIN(task) FROM reservation WHERE resource = ? AND exclusive = TRUE AND task > ?"
_UP_TO = "SELECT task FROM reservation WHERE resource = ? AND task > ? AND task <= ?"
_BEHIND = "SELECT task FROM reservation WHERE resource = ? AND task > ?"
#: Tasks in one statement.
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Released:
    """A reservation that task `task` (its row id) has just given up."""

    task: int
    resource: str
    exclusive: bool


def is_free(database: Database, resources: Iterable[Resource]) -> bool:
    """Return True if a task that came now, last in every line, would be first in all of them."""
    for resource in resources:
        clause = "" if resource.exclusive else " AND exclusive = TRUE"
        if database.row(f"SELECT 1 FROM reservation WHERE resource = ?{clause} LIMIT 1", (resource.name,)):
            return False
    return True


def release(database: Database, task: int) -> list[Released]:
    """Delete the reservations of the task with row id `task`, and return them."""
    rows = database.rows("DELETE FROM reservation WHERE task = ? RETURNING resource, exclusive", (task,))
    return [Released(task, resource, bool(exclusive)) for resource, exclusive in rows]


def pass_on(database: Database, released: Sequence[Released]) -> None:
    """Make the successors ready, within the caller's transaction that released what they waited for.

    On PostgreSQL that happens after its commit: two tasks that finish at the same moment would otherwise each still see
    the other's reservation.
    """
    if not released:
        return
    if database.serialises_writers:
        make_successors_ready(database, released)
    else:
        database.after_commit(partial(make_successors_ready, database, released))


def make_successors_ready(database: Database, released: Sequence[Released]) -> None:
    """Make ready whoever has become first in line because `released` are gone.

    Behind an exclusive reservation that is everyone up to and with the next exclusive one; behind a shared one only
    the next exclusive one can have waited for it.
    """
    candidates: set[int] = set()
    for gone in released:
        row = database.row(_NEXT_EXCLUSIVE, (gone.resource, gone.task))
        next_exclusive = row[0] if row else None
        if not gone.exclusive:
            candidates |= {next_exclusive} if next_exclusive is not None else set()
        elif next_exclusive is None:
            candidates.update(task for (task,) in database.rows(_BEHIND, (gone.resource, gone.task)))
        else:
            rows = database.rows(_UP_TO, (gone.resource, gone.task, next_exclusive))
            candidates.update(task for (task,) in rows)
    if candidates:
        make_first_ready(database, sorted(candidates))


def make_first_ready(database: Database, tasks: Sequence[int]) -> int:
    """Make ready those of `tasks` (row ids) that are first in line; return how many were."""
    count, now = 0, clock.now_us()
    for start in range(0, len(tasks), _CHUNK):
        chunk = tasks[start : start + _CHUNK]
        ids = f"({', '.join('?' * len(chunk))})"
        statement = _MAKE_READY.format(ids=ids, first_in_line=_FIRST_IN_LINE, skip_locked=database.skip_locked)
        count += database.execute(statement, (now, *chunk)).rowcount
    return count


def sweep(database: Database) -> int:
    """Make ready whatever is first in line and was overlooked; return how many were.

    Repairs a wake-up that was lost between two commits. One round of the readiness loop.
    """
    query = f"SELECT id FROM task WHERE state = 'waiting' AND ready_at IS NULL AND {_FIRST_IN_LINE}"
    overlooked = [row[0] for row in database.rows(query)]
    if not overlooked:
        return 0
    with database.transaction(durable=False):
        return make_first_ready(database, overlooked)

"""Step 2 of the walk of a task: a task is ready when it is first in line for all that it reserves.

The rule: no *earlier unfinished* task holds a conflicting reservation on any of its resources. Reservation rows exist
only while their task is unfinished, so every look-up here is an indexed one into a small table.

Before: `submission`, `completion`, `cancellation`. Next: `lease`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot import clock

if TYPE_CHECKING:
    from entrepot.models import Database
    from entrepot.tasking.resources import Resource

_FIRST_IN_LINE = """
NOT EXISTS (
    SELECT 1 FROM reservation AS mine WHERE mine.task = task.id AND (
        EXISTS (SELECT 1 FROM reservation AS earlier
                WHERE earlier.resource = mine.resource AND earlier.exclusive AND earlier.task < mine.task)
        OR (mine.exclusive AND EXISTS (SELECT 1 FROM reservation AS earlier
                WHERE earlier.resource = mine.resource AND earlier.task < mine.task))
    )
)
"""
_MAKE_READY = "UPDATE task SET ready_at = ? WHERE state = 'waiting' AND ready_at IS NULL AND " + _FIRST_IN_LINE
_NEXT_EXCLUSIVE = "SELECT MIN(task) FROM reservation WHERE resource = ? AND exclusive AND task > ?"
_UP_TO_NEXT_EXCLUSIVE = (
    "SELECT task FROM reservation WHERE resource = ? AND task > ? "
    f"AND task <= COALESCE(({_NEXT_EXCLUSIVE}), 9223372036854775807)"
)


@dataclass(frozen=True, slots=True)
class Released:
    """A reservation that task `task` (its row id) has just given up."""

    task: int
    resource: str
    exclusive: bool


def is_free(database: Database, resources: Iterable[Resource]) -> bool:
    """Return True if a task that came now, last in every line, would be first in all of them."""
    for resource in resources:
        clause = "" if resource.exclusive else " AND exclusive"
        if database.row(f"SELECT 1 FROM reservation WHERE resource = ?{clause} LIMIT 1", (resource.name,)):
            return False
    return True


def release(database: Database, task: int) -> list[Released]:
    """Delete the reservations of the task with row id `task`, and return them."""
    rows = database.rows("DELETE FROM reservation WHERE task = ? RETURNING resource, exclusive", (task,))
    return [Released(task, resource, bool(exclusive)) for resource, exclusive in rows]


def make_successors_ready(database: Database, released: Sequence[Released]) -> None:
    """Make ready whoever has become first in line because `released` are gone.

    Behind an exclusive reservation that is everyone up to and with the next exclusive one; behind a shared one only
    the next exclusive one can have waited for it. On PostgreSQL this runs after the transaction that released them:
    two tasks that finish at the same moment would otherwise each still see the other's reservation.
    """
    now = clock.now_us()
    for gone in released:
        values: tuple[object, ...]
        if gone.exclusive:
            candidates, values = _UP_TO_NEXT_EXCLUSIVE, (gone.resource, gone.task, gone.resource, gone.task)
        else:
            candidates, values = _NEXT_EXCLUSIVE, (gone.resource, gone.task)
        database.execute(f"{_MAKE_READY} AND id IN ({candidates})", (now, *values))


def make_first_ready(database: Database, tasks: Sequence[int]) -> int:
    """Make ready those of `tasks` (row ids) that are first in line; return how many were."""
    marks = ", ".join("?" * len(tasks))
    return int(database.execute(f"{_MAKE_READY} AND id IN ({marks})", (clock.now_us(), *tasks)).rowcount)


def sweep(database: Database) -> int:
    """Make ready whatever is first in line and was overlooked; return how many were.

    Repairs a wake-up that was lost between two commits. One round of the readiness loop.
    """
    overlooked = [
        row[0]
        for row in database.rows("SELECT id FROM task WHERE state = 'waiting' AND ready_at IS NULL AND " + _FIRST_IN_LINE)
    ]
    if not overlooked:
        return 0
    with database.transaction(durable=False):
        return make_first_ready(database, overlooked[:500])

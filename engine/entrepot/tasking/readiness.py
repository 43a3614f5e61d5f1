"""Step 2 of the walk of a task: a task is ready when it is first in line for all that it reserves.

The rule: no *earlier unfinished* task holds a conflicting reservation on any of its resources; of a limit, fewer than its
capacity do. Reservation rows exist only while their task is unfinished, so every look-up here is an indexed one into a
small table.

Before: `submission`, `completion`, `cancellation`. Next: `lease`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from entrepot import clock, failpoints
from entrepot.tasking.delivery import Bell
from entrepot.tasking.task_type import LARGEST_CAPACITY

if TYPE_CHECKING:
    from entrepot.models import Database
    from entrepot.tasking.delivery import Ring
    from entrepot.tasking.resources import Resource

#: Each look-up reads a few keys of an index: O(log n), whatever the planner knows of the table.
_FIRST_IN_LINE = f"""
NOT EXISTS (
    SELECT 1 FROM reservation AS mine WHERE mine.task = task.id AND CASE
        WHEN mine.capacity IS NOT NULL
        THEN (SELECT COUNT(*) FROM (SELECT 1 FROM reservation AS earlier WHERE earlier.resource = mine.resource
              AND earlier.task < mine.task LIMIT {LARGEST_CAPACITY}) AS ahead) >= mine.capacity
        WHEN mine.exclusive
        THEN mine.task > (SELECT MIN(earlier.task) FROM reservation AS earlier WHERE earlier.resource = mine.resource)
        ELSE mine.task > COALESCE((SELECT MIN(earlier.task) FROM reservation AS earlier
                         WHERE earlier.resource = mine.resource AND earlier.exclusive = TRUE), mine.task) END
)
"""
_UNREADY = "state = 'waiting' AND ready_at IS NULL AND not_before IS NULL"
#: Rows that somebody cancels just now are left to him.
_CHOSEN = f"SELECT id FROM task WHERE id {{candidates}} AND {_UNREADY} AND {_FIRST_IN_LINE}{{skip_locked}}"
_MAKE_READY = "UPDATE task SET ready_at = ? WHERE id {chosen} RETURNING id, task_id, queue"
#: Behind an exclusive reservation everyone can have waited for it, up to and with the next exclusive one.
_BEHIND_EXCLUSIVE = """
SELECT task FROM reservation WHERE resource = ? AND task > ? AND task <= COALESCE(
    (SELECT MIN(task) FROM reservation WHERE resource = ? AND exclusive = TRUE AND task > ?), 9223372036854775807)
"""
#: Behind a shared one only the next exclusive one can have waited for it.
_BEHIND_SHARED = "SELECT MIN(task) FROM reservation WHERE resource = ? AND exclusive = TRUE AND task > ?"
#: In the line of a limit the first so many may run.
_UNDER_LIMIT = "SELECT task FROM (SELECT task FROM reservation WHERE resource = ? ORDER BY task LIMIT ?) AS line"
#: Tasks, or reservations, in one statement.
_CHUNK = 100


@dataclass(frozen=True, slots=True)
class Released:
    """A reservation that task `task` (its row id) has just given up."""

    task: int
    resource: str
    exclusive: bool
    capacity: int | None


def is_free(database: Database, resources: Iterable[Resource]) -> bool:
    """Return True if a task that came now, last in every line, would be ready."""
    for resource in resources:
        clause = "" if resource.exclusive or resource.capacity else " AND exclusive = TRUE"
        limit = resource.capacity or 1
        ahead = database.rows(f"SELECT 1 FROM reservation WHERE resource = ?{clause} LIMIT ?", (resource.name, limit))
        if len(ahead) == limit:
            return False
    return True


def release(database: Database, tasks: Sequence[int]) -> list[Released]:
    """Delete the reservations of `tasks` (row ids), and return them; within the caller's transaction."""
    of_them = f"WHERE task IN ({', '.join('?' * len(tasks))})"
    columns = "task, resource, exclusive, capacity"
    if database.serialises_writers:  # two plain statements are twice as fast there
        rows = database.rows(f"SELECT {columns} FROM reservation {of_them}", tasks)
        if rows:
            database.execute(f"DELETE FROM reservation {of_them}", tasks)
    else:
        rows = database.rows(f"DELETE FROM reservation {of_them} RETURNING {columns}", tasks)
    return [Released(task, resource, bool(exclusive), capacity) for task, resource, exclusive, capacity in rows]


def pass_on(database: Database, released: Sequence[Released], ring: Ring) -> None:
    """Make the successors ready, within the caller's transaction that released what they waited for, and ring for them.

    On PostgreSQL that happens after its commit: two tasks that finish at the same moment would otherwise each still see
    the other's reservation.
    """
    if not released:
        return
    if database.serialises_writers:
        ready = make_successors_ready(database, released)
        database.after_commit(partial(ring, [bell for _, bell in ready]))
    else:
        database.after_commit(partial(_pass_on_now, database, released, ring))


def _pass_on_now(database: Database, released: Sequence[Released], ring: Ring) -> None:
    ring([bell for _, bell in make_successors_ready(database, released)])


def make_successors_ready(database: Database, released: Sequence[Released]) -> list[tuple[int, Bell]]:
    """Make ready whoever has come to the front of a line because `released` are gone; return row ids and bells."""
    if released:
        failpoints.reach("readiness.passing")
    ready: list[tuple[int, Bell]] = []
    for start in range(0, len(released), _CHUNK):
        parts, values = list[str](), list[object]()
        for gone in sorted(released[start : start + _CHUNK], key=lambda gone: (gone.exclusive, gone.capacity is None)):
            if gone.capacity is not None:
                parts.append(_UNDER_LIMIT)
                values += (gone.resource, gone.capacity)
            elif gone.exclusive:
                parts.append(_BEHIND_EXCLUSIVE)
                values += (gone.resource, gone.task, gone.resource, gone.task)
            else:
                parts.append(_BEHIND_SHARED)
                values += (gone.resource, gone.task)
        ready += _make_ready(database, database.one_of(" UNION ALL ".join(parts)), values)
    return ready


def make_first_ready(database: Database, tasks: Sequence[int]) -> list[tuple[int, Bell]]:
    """Make ready those of `tasks` (row ids) that are first in line; return their row ids and bells."""
    ready = []
    for start in range(0, len(tasks), _CHUNK):
        chunk = tasks[start : start + _CHUNK]
        ready += _make_ready(database, f"IN ({', '.join('?' * len(chunk))})", chunk)
    return ready


def _make_ready(database: Database, candidates: str, values: Sequence[object]) -> list[tuple[int, Bell]]:
    chosen = _CHOSEN.format(candidates=candidates, skip_locked=database.skip_locked)
    rows = database.rows(_MAKE_READY.format(chosen=database.one_of(chosen)), (clock.now_us(), *values))
    return [(id_, Bell(task_id, queue)) for id_, task_id, queue in rows]


def sweep(database: Database, ring: Ring) -> int:
    """Make ready whatever is first in line and was overlooked, and ring for it; return how many there were.

    Repairs a wake-up that was lost between two commits. One round of the readiness loop.
    """
    query = f"SELECT id FROM task WHERE {_UNREADY} AND {_FIRST_IN_LINE}"
    overlooked = [row[0] for row in database.rows(query)]
    if not overlooked:
        return 0
    with database.transaction(durable=False):
        ready = make_first_ready(database, overlooked)
    ring([bell for _, bell in ready])
    return len(ready)

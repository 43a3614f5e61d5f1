"""Step 1 of the walk of a task, for many at once: all of them in one transaction, by few statements.

The tasks stand in line in the order given, before and behind each other as if each had been enqueued by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import peewee

from entrepot import clock, failpoints
from entrepot.tasking.delivery import Bell
from entrepot.tasking.submission import INSERT_RESERVATION, INSERT_TAG, NewTask, look_again, new_task_id, submit

if TYPE_CHECKING:
    from entrepot.models import Database
    from entrepot.tasking.delivery import Ring
    from entrepot.tasking.resources import Resource

_INSERT_TASK = """
INSERT INTO task (id, task_id, task_type, state, arguments, tags, parent, task_group, idempotency_key, idempotent, timeout_us,
                  queue, priority, created_at, ready_at)
VALUES (?, ?, ?, 'waiting', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_LINES = """
SELECT resource, COUNT(*), MAX(CASE WHEN exclusive THEN 1 ELSE 0 END) FROM reservation WHERE resource IN ({marks})
GROUP BY resource
"""
#: Resources in one statement.
_CHUNK = 500


def submit_many(database: Database, tasks: Sequence[NewTask], ring: Ring) -> list[str]:
    """Keep `tasks` as waiting ones and return their ids, in the same order; see `submission.submit`.

    All or nothing. Delayed ones, and those whose idempotency key is known, are enqueued one by one in the same transaction.
    """
    with database.transaction():
        database.lock_resources({resource.name for new in tasks for resource in new.resources})
        ids: list[str] = []
        batch: list[NewTask] = []
        known = _known_keys(database, [new.idempotency_key for new in tasks if new.idempotency_key is not None])
        for new in tasks:
            if new.idempotency_key not in known and new.not_before is None:
                if new.idempotency_key is not None:
                    known.add(new.idempotency_key)
                batch.append(new)
                continue
            ids += _insert_batch(database, batch, ring)
            batch = []
            ids.append(submit(database, new, ring))
        ids += _insert_batch(database, batch, ring)
        failpoints.reach("submission.inserted")
    failpoints.reach("submission.committed")
    return ids


def _known_keys(database: Database, keys: Sequence[str]) -> set[str]:
    """Return those of `keys` that tasks have."""
    known = set[str]()
    for start in range(0, len(keys), _CHUNK):
        chunk = keys[start : start + _CHUNK]
        query = f"SELECT idempotency_key FROM task WHERE idempotency_key IN ({', '.join('?' * len(chunk))})"
        known.update(key for (key,) in database.rows(query, chunk))
    return known


def _insert_batch(database: Database, batch: Sequence[NewTask], ring: Ring) -> list[str]:
    if not batch:
        return []
    lines = _Lines(database, {resource.name for new in batch for resource in new.resources})
    now = clock.now_us()
    tasks, reservations, tags = list[tuple[object, ...]](), list[tuple[object, ...]](), list[tuple[object, ...]]()
    task_ids, bells, unready = list[str](), list[Bell](), list[int]()
    for new, id_ in zip(batch, database.next_ids("task", len(batch)), strict=True):
        task_id = new_task_id(now)
        is_ready, waits_for_others = lines.join(new.resources)
        tasks.append((id_, *new.row(task_id, now), now if is_ready else None))
        reservations += [(resource.name, id_, resource.exclusive, resource.capacity) for resource in new.resources]
        tags += [(tag, id_) for tag in new.tags]
        task_ids.append(task_id)
        if is_ready:
            bells.append(Bell(task_id, new.queue))
        elif waits_for_others:
            unready.append(id_)
    if not _insert_tasks(database, tasks, may_be_known=any(new.idempotency_key is not None for new in batch)):
        return [submit(database, new, ring) for new in batch]
    database.executemany(INSERT_RESERVATION, reservations)
    database.executemany(INSERT_TAG, tags)
    if bells:
        database.after_commit(partial(ring, bells))
    if unready and not database.serialises_writers:
        database.after_commit(partial(look_again, database, unready, ring))
    return task_ids


def _insert_tasks(database: Database, rows: Sequence[tuple[object, ...]], *, may_be_known: bool) -> bool:
    """Insert all `rows`, or none and return False if another transaction has committed one of their keys meanwhile."""
    if database.serialises_writers or not may_be_known:
        database.executemany(_INSERT_TASK, rows)
        return True
    database.execute("SAVEPOINT tasks")
    try:
        database.executemany(_INSERT_TASK, rows)
    except peewee.IntegrityError:
        database.execute("ROLLBACK TO SAVEPOINT tasks")
        return False
    database.execute("RELEASE SAVEPOINT tasks")
    return True


@dataclass(slots=True)
class _Line:
    """How many stand in a line, and whether one of them wants the resource for itself."""

    count: int = 0
    has_exclusive: bool = False

    def __add__(self, other: _Line) -> _Line:
        return _Line(self.count + other.count, self.has_exclusive or other.has_exclusive)

    def admits(self, resource: Resource) -> bool:
        """Return True if a task that came now would be ready as far as `resource` goes."""
        if resource.capacity is not None:
            return self.count < resource.capacity
        return not (self.count if resource.exclusive else self.has_exclusive)


class _Lines:
    """The lines that a batch joins: who stood there before, and who of the batch does by now."""

    def __init__(self, database: Database, names: Iterable[str]) -> None:
        """Read the lines as they are; the resources are locked by the caller."""
        self._before: dict[str, _Line] = {}
        self._batch: dict[str, _Line] = {}
        ordered = sorted(names)
        for start in range(0, len(ordered), _CHUNK):
            chunk = ordered[start : start + _CHUNK]
            for name, count, exclusive in database.rows(_LINES.format(marks=", ".join("?" * len(chunk))), chunk):
                self._before[name] = _Line(count, bool(exclusive))

    def join(self, resources: Iterable[Resource]) -> tuple[bool, bool]:
        """Put a task at the end of the lines of `resources`.

        Returns whether it is ready there, and whether it would be if those who stood there before the batch were gone.
        """
        is_ready = is_next = True
        for resource in resources:
            before, batch = self._before.get(resource.name, _Line()), self._batch.setdefault(resource.name, _Line())
            is_next = is_next and batch.admits(resource)
            is_ready = is_ready and is_next and (before + batch).admits(resource)
            batch.count += 1
            batch.has_exclusive = batch.has_exclusive or resource.exclusive
        return is_ready, is_next

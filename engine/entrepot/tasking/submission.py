"""Step 1 of the walk of a task: enqueue, in the caller's transaction.

Next: `readiness` (decided here for the new task itself), then `delivery` after the commit. A task that is delayed stands in
no line yet: `due` puts it there when its time has come.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import peewee

from entrepot import clock, failpoints
from entrepot.errors import DatabaseUnavailable, InvalidValue, OperationConflict
from entrepot.tasking import readiness
from entrepot.tasking.delivery import Bell
from entrepot.tasking.resources import Resource
from entrepot.tasking.task_type import DEFAULT_QUEUE

if TYPE_CHECKING:
    from entrepot.models import Database, Row
    from entrepot.tasking.delivery import Ring

_INSERT_TASK = """
INSERT INTO task (task_id, task_type, state, arguments, tags, parent, task_group, idempotency_key, idempotent, timeout_us,
                  queue, priority, created_at, ready_at, not_before, reserves)
VALUES (?, ?, 'waiting', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
RETURNING id
"""
#: Steps 1 and 2 in one round trip; see migration 0002.
_SUBMIT_ON_POSTGRESQL = """
SELECT new_id, is_ready FROM entrepot_submit(
    ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?::text[], ?::text[], ?::boolean[], ?::integer[])
"""
INSERT_RESERVATION = "INSERT INTO reservation (resource, task, exclusive, capacity) VALUES (?, ?, ?, ?)"
INSERT_TAG = "INSERT INTO task_tag (tag, task) VALUES (?, ?) ON CONFLICT DO NOTHING"


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task that is about to be enqueued; `parent` and `group` are row ids, `not_before` microseconds since 1970."""

    task_type: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] | None = None
    resources: tuple[Resource, ...] = ()
    tags: tuple[str, ...] = ()
    idempotent: bool = False
    timeout: timedelta | None = None
    idempotency_key: str | None = None
    parent: int | None = None
    group: int | None = None
    queue: str = DEFAULT_QUEUE
    priority: int = 1
    not_before: int | None = None

    def row(self, task_id: str, now_us: int) -> tuple[object, ...]:
        """Return what both databases keep of it, in the order of the first twelve columns of the insert and `created_at`.

        Raises `InvalidValue` if the arguments are not JSON.
        """
        return (
            task_id,
            self.task_type,
            _as_json(self),
            json.dumps(self.tags),
            self.parent,
            self.group,
            self.idempotency_key,
            self.idempotent,
            clock.us(self.timeout) if self.timeout else None,
            self.queue,
            self.priority,
            now_us,
        )


def submit(database: Database, new: NewTask, ring: Ring) -> str:
    """Keep `new` as a waiting task and return its id; with a known idempotency key, the id of the task that has it.

    Joins the caller's transaction: the task exists if and only if that commits, and `ring` is called after it. Without one
    it commits by itself, and then survives a power cut. Raises `InvalidValue` if the arguments are not JSON.
    """
    now = clock.now_us()
    task_id = new_task_id(now)
    row = new.row(task_id, now)
    is_alone = not database.in_transaction
    with database.transaction(is_single=not database.serialises_writers and new.not_before is None):
        if new.not_before is not None:
            id_, is_ready = _insert_delayed(database, new, row), False
        elif database.serialises_writers:
            id_, is_ready = _insert(database, new, row)
        else:
            id_, is_ready = _insert_on_postgresql(database, new, row, may_repeat=is_alone)
        if id_ is None:
            return _known_task_id(database, new.idempotency_key)
        failpoints.reach("submission.inserted")
        if is_ready:
            database.after_commit(partial(ring, [Bell(task_id, new.queue)]))
        elif new.not_before is None and not database.serialises_writers:
            # Whoever held the resource may have finished without seeing this task: look once more after the commit.
            database.after_commit(partial(look_again, database, [id_], ring))
    failpoints.reach("submission.committed")
    return task_id


def look_again(database: Database, tasks: Sequence[int], ring: Ring) -> None:
    """Make ready, after the commit that put them in line, those of `tasks` (row ids) whose predecessors are gone by now."""
    failpoints.reach("readiness.looking")
    ring([bell for _, bell in readiness.make_first_ready(database, tasks)])


def _insert(database: Database, new: NewTask, row: tuple[object, ...]) -> tuple[int | None, bool]:
    is_ready = readiness.is_free(database, new.resources)
    inserted = database.row(_INSERT_TASK, (*row, row[-1] if is_ready else None, None, None))
    if inserted is None:
        return None, False
    for resource in new.resources:
        database.execute(INSERT_RESERVATION, (resource.name, inserted[0], resource.exclusive, resource.capacity))
    for tag in new.tags:
        database.execute(INSERT_TAG, (tag, inserted[0]))
    return inserted[0], is_ready


def _insert_on_postgresql(
    database: Database, new: NewTask, row: tuple[object, ...], *, may_repeat: bool
) -> tuple[int | None, bool]:
    """Call the function. A connection that was lost since its last use, or just now, is replaced once if `may_repeat`."""
    names = [resource.name for resource in new.resources]
    exclusive = [resource.exclusive for resource in new.resources]
    capacities = [resource.capacity for resource in new.resources]
    values = (*row, list(new.tags), names, exclusive, capacities)
    try:
        answer = database.row(_SUBMIT_ON_POSTGRESQL, values)
    except DatabaseUnavailable:
        if not may_repeat:
            raise
        answer = _kept_before(database, row[0])
        if answer is None:
            try:
                answer = database.row(_SUBMIT_ON_POSTGRESQL, values)
            except peewee.IntegrityError:
                answer = _kept_before(database, row[0])  # the first one was still at it, and has committed meanwhile
    assert answer is not None  # noqa: S101 - a function returns one row
    return answer[0], bool(answer[1])


def _kept_before(database: Database, task_id: object) -> Row | None:
    return database.row("SELECT id, ready_at IS NOT NULL FROM task WHERE task_id = ?", (task_id,))


def _insert_delayed(database: Database, new: NewTask, row: tuple[object, ...]) -> int | None:
    reserves = json.dumps([[resource.name, resource.exclusive, resource.capacity] for resource in new.resources])
    inserted = database.row(_INSERT_TASK, (*row, None, new.not_before, reserves))
    if inserted is None:
        return None
    database.executemany(INSERT_TAG, [(tag, inserted[0]) for tag in new.tags])
    return int(inserted[0])


def _as_json(new: NewTask) -> str:
    try:
        return json.dumps([new.args, new.kwargs or {}], separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        name = new.task_type.rpartition(".")[2]
        raise InvalidValue("arguments", why=f"the arguments of {name} must be JSON values: {error}") from error


def _known_task_id(database: Database, key: str | None) -> str:
    row = database.row("SELECT task_id FROM task WHERE idempotency_key = ?", (key,))
    if row is None:
        msg = f"The task with idempotency key {key!r} was removed by retention at this very moment. Try again."
        raise OperationConflict(msg)
    return str(row[0])


def new_task_id(now_us: int) -> str:
    """Return a UUID that sorts by time, so that the index grows at its end. Source: RFC 9562, section 5.7 (version 7)."""
    random_bits = int.from_bytes(os.urandom(10), "big")
    value = (now_us // 1000) << 80 | 0x7 << 76 | (random_bits >> 68) << 64 | 0b10 << 62 | random_bits & ((1 << 62) - 1)
    return str(uuid.UUID(int=value))

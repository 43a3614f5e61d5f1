"""Step 1 of the walk of a task: enqueue, in the caller's transaction.

Next: `readiness` (decided here for the new task itself), then `delivery` after the commit.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from entrepot import clock, failpoints
from entrepot.errors import InvalidValue, OperationConflict
from entrepot.tasking import readiness
from entrepot.tasking.resources import Resource

if TYPE_CHECKING:
    from entrepot.models import Database

_INSERT_TASK = """
INSERT INTO task (task_id, task_type, state, arguments, tags, parent, task_group, idempotency_key, idempotent, timeout_us,
                  created_at, ready_at)
VALUES (?, ?, 'waiting', ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
RETURNING id
"""
_INSERT_RESERVATION = "INSERT INTO reservation (resource, task, exclusive) VALUES (?, ?, ?)"
_INSERT_TAG = "INSERT INTO task_tag (tag, task) VALUES (?, ?) ON CONFLICT DO NOTHING"


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task that is about to be enqueued; `parent` and `group` are row ids."""

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


def submit(database: Database, new: NewTask) -> str:
    """Keep `new` as a waiting task and return its id; with a known idempotency key, the id of the task that has it.

    Joins the caller's transaction: the task exists if and only if that commits. Without one it commits by itself, and
    then survives a power cut. Raises `InvalidValue` if the arguments are not JSON.
    """
    arguments = _as_json(new)
    now = clock.now_us()
    with database.transaction():
        database.lock_resources(resource.name for resource in new.resources)
        ready = readiness.is_free(database, new.resources)
        task_id = _new_task_id(now)
        row = database.row(
            _INSERT_TASK,
            (
                task_id,
                new.task_type,
                arguments,
                json.dumps(new.tags),
                new.parent,
                new.group,
                new.idempotency_key,
                new.idempotent,
                clock.us(new.timeout) if new.timeout else None,
                now,
                now if ready else None,
            ),
        )
        if row is None:
            return _known_task_id(database, new.idempotency_key)
        for resource in new.resources:
            database.execute(_INSERT_RESERVATION, (resource.name, row[0], resource.exclusive))
        for tag in new.tags:
            database.execute(_INSERT_TAG, (tag, row[0]))
        failpoints.reach("submission.inserted")
        if not ready and not database.serialises_writers:
            # Whoever held the resource may have finished without seeing this task: look once more after the commit.
            database.after_commit(partial(readiness.make_first_ready, database, [row[0]]))
    failpoints.reach("submission.committed")
    return task_id


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


def _new_task_id(now_us: int) -> str:
    """Return a UUID that sorts by time, so that the index grows at its end. Source: RFC 9562, section 5.7 (version 7)."""
    random_bits = int.from_bytes(os.urandom(10), "big")
    value = (now_us // 1000) << 80 | 0x7 << 76 | (random_bits >> 68) << 64 | 0b10 << 62 | random_bits & ((1 << 62) - 1)
    return str(uuid.UUID(int=value))

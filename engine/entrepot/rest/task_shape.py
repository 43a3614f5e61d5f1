"""A task as clients see it. Source: the Pulp 2 REST contract, 3.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.errors import JSON
from entrepot.rest.endpoint import Schema
from entrepot.rest.repository_shapes import linked
from entrepot.rest.schemas import (
    INTEGER,
    MICROSECONDS,
    MOMENT,
    MOMENT_OR_NULL,
    NULL,
    OBJECT,
    OBJECT_OR_NULL,
    OID,
    TASK_LINK,
    TEXT,
    TEXT_OR_NULL,
    many,
    record,
)
from entrepot.rest.shapes import hex_id, microseconds, moment, oid, task_href, task_link
from entrepot.tasking import STATES

if TYPE_CHECKING:
    from entrepot.tasking import Attempt, TaskReport, Waiting

_ATTEMPT: Schema = record(
    "TaskAttempt",
    number=INTEGER,
    worker_name=TEXT_OR_NULL,
    start_time=MOMENT_OR_NULL,
    finish_time=MOMENT,
    error=OBJECT_OR_NULL,
    start_time_us=MICROSECONDS,
    finish_time_us=MICROSECONDS,
)
_WAITING: Schema = {
    "type": ["object", "null"],
    "properties": {"reason": TEXT, "text": TEXT, "data": OBJECT},
    "required": ["reason", "text", "data"],
}
#: A task of a list; what follows `spawned_tasks` is this project's own.
TASK: Schema = record(
    "Task",
    _href=TEXT,
    _id=OID,
    _ns={"const": "task_status"},
    id=TEXT,
    task_id=TEXT,
    task_type=TEXT,
    state={"enum": list[JSON](STATES)},
    tags=many(TEXT),
    worker_name=TEXT_OR_NULL,
    start_time=MOMENT_OR_NULL,
    finish_time=MOMENT_OR_NULL,
    progress_report=OBJECT,
    result={},
    error=OBJECT_OR_NULL,
    exception=NULL,
    traceback=TEXT_OR_NULL,
    spawned_tasks=many(TASK_LINK),
    create_time=MOMENT,
    priority=TEXT,
    task_queue=TEXT,
    not_before=MOMENT_OR_NULL,
    ready_time=MOMENT_OR_NULL,
    parent_task_id=TEXT_OR_NULL,
    group_id=TEXT_OR_NULL,
    attempt=INTEGER,
    rescues=INTEGER,
    retries=INTEGER,
    attempts=many(_ATTEMPT),
    waiting=_WAITING,
    create_time_us=MICROSECONDS,
    start_time_us=MICROSECONDS,
    finish_time_us=MICROSECONDS,
    not_before_us=MICROSECONDS,
    ready_time_us=MICROSECONDS,
)
#: A task that is asked for by its id: it has `queue` as well.
SINGLE_TASK: Schema = {"title": "SingleTask", "allOf": [TASK, record("Queue", queue=TEXT)]}


def shape(report: TaskReport) -> dict[str, JSON]:
    """Return a task as lists show it; `waiting` is null if nobody has asked why it waits."""
    return {
        "_href": task_href(report.task_id),
        "_id": oid(report.row_id),
        "_ns": "task_status",
        "id": hex_id(report.row_id),
        "task_id": report.task_id,
        "task_type": report.task_type,
        "state": report.state,
        "tags": list(report.tags),
        "worker_name": report.worker_name,
        "start_time": moment(report.started),
        "finish_time": moment(report.finished),
        "progress_report": report.progress,
        "result": linked(report.result),
        "error": report.error,
        "exception": None,
        "traceback": _traceback(report),
        "spawned_tasks": [task_link(task_id) for task_id in report.spawned],
        "create_time": moment(report.created),
        "priority": report.priority,
        "task_queue": report.queue,
        "not_before": moment(report.not_before),
        "ready_time": moment(report.ready),
        "parent_task_id": report.parent,
        "group_id": report.group_id,
        "attempt": report.attempt,
        "rescues": report.rescues,
        "retries": report.retries,
        "attempts": [_attempt(attempt) for attempt in report.attempts],
        "waiting": _waiting(report.waiting),
        "create_time_us": microseconds(report.created),
        "start_time_us": microseconds(report.started),
        "finish_time_us": microseconds(report.finished),
        "not_before_us": microseconds(report.not_before),
        "ready_time_us": microseconds(report.ready),
    }


def single_shape(report: TaskReport) -> dict[str, JSON]:
    """Return a task as it is shown alone: with the queue that Pulp would name, `None.dq` if no worker has it yet."""
    return shape(report) | {"queue": f"{report.worker_name}.dq"}


def _traceback(report: TaskReport) -> str | None:
    """Return the traceback; of an error that was foreseen, which has none, its words: clients expect one of each error."""
    if report.state != "error" or report.error is None or report.traceback is not None:
        return report.traceback
    return f"{report.error['code']}: {report.error['description']}"


def _attempt(attempt: Attempt) -> dict[str, JSON]:
    return {
        "number": attempt.number,
        "worker_name": attempt.worker_name,
        "start_time": moment(attempt.started),
        "finish_time": moment(attempt.ended),
        "error": attempt.error,
        "start_time_us": microseconds(attempt.started),
        "finish_time_us": microseconds(attempt.ended),
    }


def _waiting(waiting: Waiting | None) -> dict[str, JSON] | None:
    return None if waiting is None else {"reason": waiting.reason, "text": waiting.text, "data": waiting.data}

"""Schedules of syncs and publishes: list, make, look up, change, delete. Source: the Pulp 2 REST contract, 2.11.

The same five views serve both kinds: a path names an importer or a distributor. `schedule_collection` has them all, and those
of tasks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from entrepot.access import Operation
from entrepot.errors import JSON, UnsupportedValue
from entrepot.rest.endpoint import PREFIX, Answer, Asked, Body, Endpoint, Schema
from entrepot.rest.ownership import grant_to_creator
from entrepot.rest.schemas import (
    BOOLEAN,
    INTEGER,
    MICROSECONDS,
    MOMENT_OR_NULL,
    NULL,
    OBJECT_OR_NULL,
    TEXT,
    TEXT_OR_NULL,
    body,
    closed,
    many,
    record,
)
from entrepot.rest.shapes import href, microseconds, moment

if TYPE_CHECKING:
    from entrepot.schedules import ScheduleReport

_INTEGER_OR_NULL: Schema = {"type": ["integer", "null"]}
_THRESHOLD: Schema = {"type": ["integer", "null"], "minimum": 1}
#: Source: the Pulp 2 REST contract, 2.11; from `time_zone` on this project's own. `first_run` keeps its offset.
SCHEDULE: Schema = record(
    "Schedule",
    _href=TEXT,
    _id={"type": "string", "pattern": "^[0-9a-f]{24}$"},
    args=many({}),
    kwargs=record("ScheduleArguments", overrides={"type": "object"}, scheduled_call_id=TEXT),
    schedule=TEXT,
    enabled=BOOLEAN,
    failure_threshold=_THRESHOLD,
    consecutive_failures=INTEGER,
    first_run=TEXT,
    next_run=MOMENT_OR_NULL,
    last_run_at=MOMENT_OR_NULL,
    last_updated={"type": "number"},
    remaining_runs=_INTEGER_OR_NULL,
    total_run_count=INTEGER,
    resource=TEXT,
    task=TEXT,
    time_zone=TEXT_OR_NULL,
    overlap={"enum": ["coalesce", "queue"]},
    jitter_seconds=INTEGER,
    kind={"enum": ["sync", "publish", "task"]},
    repo_id=TEXT_OR_NULL,
    plugin_id=TEXT_OR_NULL,
    sentence=TEXT,
    create_time_us=INTEGER,
    first_run_us=INTEGER,
    next_run_us=MICROSECONDS,
    last_run_at_us=MICROSECONDS,
)
FIELDS: dict[str, Schema] = {
    "schedule": {
        "type": "string",
        "description": "An ISO 8601 recurrence such as R5/2026-01-31T02:00Z/P1M, or a cron line.",
    },
    "override_config": OBJECT_OR_NULL,
    "failure_threshold": _THRESHOLD,
    "enabled": BOOLEAN,
    "time_zone": TEXT_OR_NULL,
    "overlap": {"enum": ["coalesce", "queue"]},
    "jitter_seconds": {"type": "integer", "minimum": 0, "maximum": 86_400},
}
_NEW = Body(closed(body("NewSchedule", ("schedule",)) | {"properties": {**FIELDS}}))
CHANGE = Body(closed(body("ScheduleChange") | {"properties": {**FIELDS}}), is_optional=True)
_TASKS = {
    "sync": "pulp.server.tasks.repository.sync_with_auto_publish",
    "publish": "pulp.server.tasks.repository.publish",
}


def list_schedules(asked: Asked) -> Answer:
    """Return the schedules of an importer or distributor, in the order they were made."""
    schedules, owner = asked.engine.schedules, _owner(asked)
    reports = schedules.list_sync(**owner) if "importer_id" in owner else schedules.list_publish(**owner)
    return Answer([shape(report) for report in reports])


def create_schedule(asked: Asked) -> Answer:
    """Schedule syncs by an importer, or publishes by a distributor."""
    unknown = [name for name in asked.document if name not in FIELDS]
    if unknown:
        raise UnsupportedValue(*unknown)
    schedules, owner = asked.engine.schedules, _owner(asked)
    create: Callable[..., ScheduleReport] = schedules.create_sync if "importer_id" in owner else schedules.create_publish
    with asked.engine.transaction():
        report = create(**owner, **({"schedule": None} | asked.document))
        location = place_of(report)
        grant_to_creator(asked, location)
    return Answer(shape(report), 201, location=location)


def get_schedule(asked: Asked) -> Answer:
    """Return one schedule of an importer or distributor."""
    return Answer(shape(asked.engine.schedules.get(asked.names["schedule_id"], **_owner(asked))))


def update_schedule(asked: Asked) -> Answer:
    """Change a schedule; a new recurrence or time zone begins anew."""
    return Answer(shape(asked.engine.schedules.update(asked.names["schedule_id"], asked.document, **_owner(asked))))


def delete_schedule(asked: Asked) -> Answer:
    """Delete a schedule; the tasks that it has enqueued stay."""
    schedules, schedule_id, owner = asked.engine.schedules, asked.names["schedule_id"], _owner(asked)
    with asked.engine.transaction():
        report = schedules.get(schedule_id, **owner)
        schedules.delete(schedule_id, **owner)
        forget_grants(asked, report)
    return Answer(None)


def shape(report: ScheduleReport) -> dict[str, JSON]:
    """Return a schedule as clients see it."""
    args: list[JSON] = [*report.args]
    kwargs: dict[str, JSON] = report.kwargs
    if report.kind != "task":
        args = [report.repository_id] if report.kind == "sync" else [report.repository_id, report.plugin_id]
        kwargs = {"overrides": report.override_config, "scheduled_call_id": report.schedule_id}
    return {
        "_href": place_of(report),
        "_id": report.schedule_id,
        "args": args,
        "kwargs": kwargs,
        "schedule": report.schedule,
        "enabled": report.enabled,
        "failure_threshold": report.failure_threshold,
        "consecutive_failures": report.consecutive_failures,
        "first_run": report.first_run_text,
        "next_run": moment(report.next_run),
        "last_run_at": moment(report.last_run_at),
        "last_updated": report.last_updated.timestamp(),
        "remaining_runs": report.remaining_runs,
        "total_run_count": report.total_run_count,
        "resource": report.resource,
        "task": report.task_type or _TASKS[report.kind],
        "time_zone": report.time_zone,
        "overlap": report.overlap,
        "jitter_seconds": report.jitter_seconds,
        "kind": report.kind,
        "repo_id": report.repository_id,
        "plugin_id": report.plugin_id,
        "sentence": report.sentence,
        "create_time_us": microseconds(report.created),
        "first_run_us": microseconds(report.first_run),
        "next_run_us": microseconds(report.next_run),
        "last_run_at_us": microseconds(report.last_run_at),
    }


def place_of(report: ScheduleReport) -> str:
    """Return the path of a schedule: below what it belongs to, if that is not a task."""
    if report.kind == "task":
        return own_place_of(report)
    owners = "importers" if report.kind == "sync" else "distributors"
    owner = (report.repository_id or "", owners, report.plugin_id or "")
    return href("repositories", *owner, "schedules", report.kind, report.schedule_id)


def own_place_of(report: ScheduleReport) -> str:
    """Return the path of a schedule among all schedules, whatever it belongs to."""
    return href("schedules", report.schedule_id)


def forget_grants(asked: Asked, report: ScheduleReport) -> None:
    """Remove what was granted on a schedule at each of its paths, in the caller's transaction."""
    for place in {place_of(report), own_place_of(report)}:
        asked.engine.access.forget_resource(place.removeprefix(PREFIX))


def _owner(asked: Asked) -> dict[str, str]:
    """Return the ids of what the path says that a schedule belongs to."""
    return {name: value for name, value in asked.names.items() if name != "schedule_id"}


def _endpoints(path: str) -> tuple[Endpoint, ...]:
    one = path + "{schedule_id}/"
    return (
        Endpoint("GET", path, Operation.READ, list_schedules, {200: many(SCHEDULE)}, problems=(404,)),
        Endpoint("POST", path, Operation.CREATE, create_schedule, {201: SCHEDULE}, problems=(404,), body=_NEW),
        Endpoint("GET", one, Operation.READ, get_schedule, {200: SCHEDULE}, problems=(404,)),
        Endpoint("PUT", one, Operation.UPDATE, update_schedule, {200: SCHEDULE}, problems=(404,), body=CHANGE),
        Endpoint("DELETE", one, Operation.DELETE, delete_schedule, {200: NULL}, problems=(404,)),
    )


ENDPOINTS = (
    *_endpoints("/v2/repositories/{repository_id}/importers/{importer_id}/schedules/sync/"),
    *_endpoints("/v2/repositories/{repository_id}/distributors/{distributor_id}/schedules/publish/"),
)

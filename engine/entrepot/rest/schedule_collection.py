"""All schedules, this project's own: those of syncs and publishes as well, and those of tasks, which are made here.

A schedule of a repository's has a path there as well: what is permitted there is permitted here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from entrepot.access import Operation
from entrepot.errors import JSON, InvalidValue, MissingResource, UnsupportedValue
from entrepot.rest.endpoint import PREFIX, Answer, Asked, Body, Endpoint, Parameter, Schema
from entrepot.rest.ownership import grant_to_creator
from entrepot.rest.reading import refuse_unknown, whole_number
from entrepot.rest.schedules import CHANGE, FIELDS, SCHEDULE, forget_grants, own_place_of, place_of, shape
from entrepot.rest.schemas import (
    CALL_REPORT,
    INTEGER,
    MOMENT_OR_NULL,
    NULL,
    OBJECT,
    OBJECT_OR_NULL,
    TEXT,
    TEXT_OR_NULL,
    body,
    closed,
    many,
    record,
)
from entrepot.rest.shapes import accepted, href, moment
from entrepot.rest.task_submission import read_call
from entrepot.schedules import ScheduleQuery

if TYPE_CHECKING:
    from entrepot.engine import Engine
    from entrepot.schedules import SchedulePreview, ScheduleRun

#: A task's arguments are its own, and it belongs to nothing.
ANY_SCHEDULE: Schema = {
    **SCHEDULE,
    "title": "AnySchedule",
    "properties": {**SCHEDULE["properties"], "kwargs": OBJECT, "resource": TEXT_OR_NULL},  # type: ignore[dict-item]  # an object
}
PREVIEW: Schema = record("SchedulePreview", schedule=TEXT, time_zone=TEXT_OR_NULL, sentence=TEXT, runs=many(TEXT))
RUN: Schema = record(
    "ScheduleRun",
    number={"type": ["integer", "null"]},
    due=MOMENT_OR_NULL,
    task_id=TEXT,
    _href=TEXT,
    row_id=INTEGER,
    state=TEXT,
    create_time=TEXT,
    start_time=MOMENT_OR_NULL,
    finish_time=MOMENT_OR_NULL,
    error=TEXT_OR_NULL,
)
_OPTIONS = {name: schema for name, schema in FIELDS.items() if name != "override_config"}
_CALL = ("task", "args", "kwargs")
_NEW = Body(
    closed(
        body(
            "NewTaskSchedule",
            ("schedule", "task"),
            task={**TEXT, "description": "The name of a task type that this server's task modules define."},
            args={"type": ["array", "null"], "description": "The function's arguments by position."},
            kwargs={**OBJECT_OR_NULL, "description": "The function's arguments by name."},
            **_OPTIONS,
        )
    )
)
#: Runs that are shown unless a request says how many; the engine says how many may be.
_SHOWN_RUNS = 5
#: Schedules, and runs, of a request that asks for a part of them and does not say how many.
_LISTED = 50
_NARROWING = frozenset({"repo_id", "kind", "enabled", "limit", "skip"})
_COUNT: Schema = {"type": "integer", "minimum": 1, "maximum": 100}
_PREVIEWED = Body(
    closed(body("PreviewedSchedule", ("schedule",), schedule=FIELDS["schedule"], time_zone=TEXT_OR_NULL, count=_COUNT))
)


def list_schedules(asked: Asked) -> Answer:
    """Return all schedules, in the order they were made; with `upcoming` those that run next, the soonest first.

    `repo_id`, `kind` and `enabled` narrow the list; these, `limit` and `skip` order it by the next run.
    """
    schedules = asked.engine.schedules
    if "upcoming" in asked.query:
        return Answer([shape(report) for report in schedules.upcoming(limit=_number(asked, "upcoming", 0))])
    if not _NARROWING.intersection(asked.query):
        return Answer([shape(report) for report in schedules.list()])
    given = {name: asked.query.get(name, [None])[-1] for name in ("repo_id", "kind", "enabled")}
    if given["enabled"] not in (None, "true", "false"):
        raise InvalidValue("enabled", why="it is true or false")
    enabled = None if given["enabled"] is None else given["enabled"] == "true"
    wanted = ScheduleQuery(given["repo_id"], given["kind"], enabled)
    page = schedules.page(wanted, skip=_number(asked, "skip", 0), limit=_number(asked, "limit", _LISTED))
    return Answer([shape(report) for report in page.reports])


def create_schedule(asked: Asked) -> Answer:
    """Schedule a task of any type that this server knows by its task modules."""
    document = asked.document
    unknown = [name for name in document if name not in _OPTIONS and name not in _CALL]
    if unknown:
        raise UnsupportedValue(*unknown)
    task_type, args, kwargs = read_call(asked, "task")
    options = {"schedule": None} | {name: value for name, value in document.items() if name not in _CALL}
    with asked.engine.transaction():
        report = asked.engine.schedules.create_task(function=task_type, args=args, kwargs=kwargs, **options)  # type: ignore[arg-type]  # it checks them
        location = own_place_of(report)
        grant_to_creator(asked, location)
    return Answer(shape(report), 201, location=location)


def get_schedule(asked: Asked) -> Answer:
    """Return one schedule."""
    return Answer(shape(asked.engine.schedules.get(asked.names["schedule_id"])))


def update_schedule(asked: Asked) -> Answer:
    """Change a schedule; a new recurrence or time zone begins anew."""
    return Answer(shape(asked.engine.schedules.update(asked.names["schedule_id"], asked.document)))


def delete_schedule(asked: Asked) -> Answer:
    """Delete a schedule; the tasks that it has enqueued stay."""
    with asked.engine.transaction():
        report = asked.engine.schedules.get(asked.names["schedule_id"])
        asked.engine.schedules.delete(report.schedule_id)
        forget_grants(asked, report)
    return Answer(None)


def run_schedule(asked: Asked) -> Answer:
    """Enqueue the task of a schedule at once; its runs on the calendar are not moved and not used up."""
    return accepted(asked.engine.schedules.run_now(asked.names["schedule_id"]))


def list_runs(asked: Asked) -> Answer:
    """Return the runs of a schedule whose tasks are kept, the newest first; `before` a run's `row_id` for those that follow."""
    before = _number(asked, "before", 0) if "before" in asked.query else None
    limit = _number(asked, "limit", _LISTED)
    found = asked.engine.schedules.runs(asked.names["schedule_id"], before=before, limit=limit)
    return Answer([_run_shape(run) for run in found])


def preview_schedule(asked: Asked) -> Answer:
    """Return when a schedule runs next; one that is disabled does not."""
    count = _number(asked, "count", _SHOWN_RUNS)
    return Answer(_shape(asked.engine.schedules.preview_of(asked.names["schedule_id"], count=count)))


def preview_new(asked: Asked) -> Answer:
    """Return when a schedule that is made now would run, and what a person would say of it."""
    refuse_unknown(asked.document, "schedule", "time_zone", "count")
    schedule, time_zone = asked.document.get("schedule"), asked.document.get("time_zone")
    count = asked.document.get("count", _SHOWN_RUNS)
    return Answer(_shape(asked.engine.schedules.preview(schedule, time_zone=time_zone, count=count)))  # type: ignore[arg-type]  # it checks them


def _place_at_its_owner(engine: Engine, names: Mapping[str, str]) -> str | None:
    """Return the path that a schedule has below its importer or distributor; None for a task's, and for none."""
    try:
        report = engine.schedules.get(names["schedule_id"])
    except MissingResource:
        return None
    return None if report.kind == "task" else place_of(report).removeprefix(PREFIX)


def _shape(preview: SchedulePreview) -> dict[str, JSON]:
    return {
        "schedule": preview.schedule,
        "time_zone": preview.time_zone,
        "sentence": preview.sentence,
        "runs": [_exact(run) for run in preview.runs],
    }


def _run_shape(run: ScheduleRun) -> dict[str, JSON]:
    return {
        "number": run.number,
        "due": moment(run.due),
        "task_id": run.task_id,
        "_href": href("tasks", run.task_id),
        "row_id": run.row_id,
        "state": run.state,
        "create_time": moment(run.created),
        "start_time": moment(run.started),
        "finish_time": moment(run.finished),
        "error": run.error,
    }


def _number(asked: Asked, name: str, default: int) -> int:
    """Return a whole number of the query; raises `InvalidValue`."""
    text = asked.query.get(name, [str(default)])[-1]
    number = whole_number(text)
    if number is None:
        raise InvalidValue(name, why=f"{text!r} is no whole number")
    return number


def _exact(run: datetime) -> str:
    """Return a moment in UTC, with its fraction of a second if it has one: `PT1.5S` does."""
    return run.isoformat().replace("+00:00", "Z")


_ALL = "/v2/schedules/"
_ONE = "/v2/schedules/{schedule_id}/"
#: A preview tells nothing of the server's: whoever may log in asks, since everybody may read himself.
_HIMSELF = "/v2/users/{login}/"
_UPCOMING = Parameter("upcoming", "Only so many that are enabled, those that run next.", {"type": "integer", "minimum": 1})
_COUNTED: Schema = {"type": "integer", "minimum": 0}
_PARTS = (
    Parameter("repo_id", "Only those of this repository."),
    Parameter("kind", "Only those of this kind.", {"enum": ["sync", "publish", "task"]}),
    Parameter("enabled", "Only those that are enabled, or that are not.", {"type": "boolean"}),
    Parameter("skip", "How many are left out first.", _COUNTED),
    Parameter("limit", "How many at most.", _COUNTED),
)
_BEFORE = Parameter("before", "Only those before the run with this `row_id`.", _COUNTED)
_LIMIT = Parameter("limit", "How many at most.", {"type": "integer", "minimum": 1})
_RUNS = Parameter("count", "How many runs are shown at most.", _COUNT)
_one = partial(Endpoint, problems=(404,), other_resource=_place_at_its_owner)

ENDPOINTS = (
    Endpoint(
        "GET", _ALL, Operation.READ, list_schedules, {200: many(ANY_SCHEDULE)}, problems=(400,), query=(_UPCOMING, *_PARTS)
    ),
    Endpoint("POST", _ALL, Operation.CREATE, create_schedule, {201: ANY_SCHEDULE}, body=_NEW),
    Endpoint(
        "POST", f"{_ALL}actions/preview/", Operation.READ, preview_new, {200: PREVIEW}, body=_PREVIEWED, resource=_HIMSELF
    ),
    _one("GET", _ONE, Operation.READ, get_schedule, {200: ANY_SCHEDULE}),
    _one("PUT", _ONE, Operation.UPDATE, update_schedule, {200: ANY_SCHEDULE}, body=CHANGE),
    _one("DELETE", _ONE, Operation.DELETE, delete_schedule, {200: NULL}),
    _one("POST", f"{_ONE}actions/run_now/", Operation.EXECUTE, run_schedule, {202: CALL_REPORT}),
    _one("GET", f"{_ONE}runs/", Operation.READ, list_runs, {200: many(RUN)}, query=(_BEFORE, _LIMIT)),
    _one("GET", f"{_ONE}preview/", Operation.READ, preview_schedule, {200: PREVIEW}, query=(_RUNS,)),
)

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
from entrepot.rest.schemas import CALL_REPORT, NULL, OBJECT, OBJECT_OR_NULL, TEXT, TEXT_OR_NULL, body, closed, many, record
from entrepot.rest.shapes import accepted
from entrepot.rest.task_submission import read_call

if TYPE_CHECKING:
    from entrepot.engine import Engine
    from entrepot.schedules import SchedulePreview

#: A task's arguments are its own, and it belongs to nothing.
ANY_SCHEDULE: Schema = {
    **SCHEDULE,
    "title": "AnySchedule",
    "properties": {**SCHEDULE["properties"], "kwargs": OBJECT, "resource": TEXT_OR_NULL},  # type: ignore[dict-item]  # an object
}
PREVIEW: Schema = record("SchedulePreview", schedule=TEXT, time_zone=TEXT_OR_NULL, sentence=TEXT, runs=many(TEXT))
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
_COUNT: Schema = {"type": "integer", "minimum": 1, "maximum": 100}
_PREVIEWED = Body(
    closed(body("PreviewedSchedule", ("schedule",), schedule=FIELDS["schedule"], time_zone=TEXT_OR_NULL, count=_COUNT))
)


def list_schedules(asked: Asked) -> Answer:
    """Return all schedules, in the order they were made."""
    return Answer([shape(report) for report in asked.engine.schedules.list()])


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


def preview_schedule(asked: Asked) -> Answer:
    """Return when a schedule runs next; one that is disabled does not."""
    text = asked.query.get("count", [str(_SHOWN_RUNS)])[-1]
    count = whole_number(text)
    if count is None:
        raise InvalidValue("count", why=f"{text!r} is no whole number")
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


def _exact(run: datetime) -> str:
    """Return a moment in UTC, with its fraction of a second if it has one: `PT1.5S` does."""
    return run.isoformat().replace("+00:00", "Z")


_ALL = "/v2/schedules/"
_ONE = "/v2/schedules/{schedule_id}/"
#: A preview tells nothing of the server's: whoever may log in asks, since everybody may read himself.
_HIMSELF = "/v2/users/{login}/"
_RUNS = Parameter("count", "How many runs are shown at most.", _COUNT)
_one = partial(Endpoint, problems=(404,), other_resource=_place_at_its_owner)

ENDPOINTS = (
    Endpoint("GET", _ALL, Operation.READ, list_schedules, {200: many(ANY_SCHEDULE)}),
    Endpoint("POST", _ALL, Operation.CREATE, create_schedule, {201: ANY_SCHEDULE}, body=_NEW),
    Endpoint(
        "POST", f"{_ALL}actions/preview/", Operation.READ, preview_new, {200: PREVIEW}, body=_PREVIEWED, resource=_HIMSELF
    ),
    _one("GET", _ONE, Operation.READ, get_schedule, {200: ANY_SCHEDULE}),
    _one("PUT", _ONE, Operation.UPDATE, update_schedule, {200: ANY_SCHEDULE}, body=CHANGE),
    _one("DELETE", _ONE, Operation.DELETE, delete_schedule, {200: NULL}),
    _one("POST", f"{_ONE}actions/run_now/", Operation.EXECUTE, run_schedule, {202: CALL_REPORT}),
    _one("GET", f"{_ONE}preview/", Operation.READ, preview_schedule, {200: PREVIEW}, query=(_RUNS,)),
)

"""Statistics: tasks that ended and content that is stored, hour by hour, and what is unfinished now. An extension."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from entrepot.access import Operation
from entrepot.diagnosis.machine import free_bytes
from entrepot.errors import JSON, InvalidValue
from entrepot.rest.endpoint import Answer, Asked, Endpoint, Parameter, Schema
from entrepot.rest.reading import whole_number
from entrepot.rest.schemas import INTEGER, MOMENT, MOMENT_OR_NULL, TEXT, many, record
from entrepot.rest.shapes import moment

if TYPE_CHECKING:
    from entrepot.content.measures import Measures
    from entrepot.engine import Engine
    from entrepot.tasking import TaskHour
    from entrepot.tasking.figures import TaskFigures

#: As many hours as are kept: 400 days.
_MOST_HOURS = 9600
_HOURS = 72
STATISTICS: Schema = record(
    "Statistics",
    tasks=many(record("TaskHour", hour=MOMENT, task_type=TEXT, state=TEXT, tasks=INTEGER, run_us=INTEGER, wait_us=INTEGER)),
    unfinished=record(
        "UnfinishedTasks",
        tasks=many(record("TaskCount", state=TEXT, queue=TEXT, tasks=INTEGER)),
        oldest_ready=many(record("OldestTask", queue=TEXT, age_us=INTEGER)),
    ),
    free_bytes={"type": ["integer", "null"]},
    content=record(
        "Measures",
        measured=MOMENT_OR_NULL,
        blobs=INTEGER,
        blob_bytes=INTEGER,
        units=INTEGER,
        hours=many(record("MeasuredHour", hour=MOMENT, blobs=INTEGER, blob_bytes=INTEGER, units=INTEGER)),
    ),
)


def get_statistics(asked: Asked) -> Answer:
    """Return how many tasks ended, by hour, type and state, and how much is stored, by hour; and what is unfinished now."""
    given = asked.query.get("hours", [str(_HOURS)])[0]
    hours = whole_number(given)
    if hours is None or not 1 <= hours <= _MOST_HOURS:
        raise InvalidValue("hours", why=f"{given!r} is no whole number from 1 to {_MOST_HOURS}")
    since = timedelta(hours=hours)
    document: dict[str, JSON] = {
        "tasks": [_task_hour(hour) for hour in asked.engine.tasks.hourly(since=since)],
        "unfinished": _unfinished(asked.engine.tasks.figures()),
        "free_bytes": _free_bytes(asked.engine),
        "content": _content(asked.engine.content.measures(since=since)),
    }
    return Answer(document)


def _task_hour(hour: TaskHour) -> dict[str, JSON]:
    return {
        "hour": moment(hour.hour),
        "task_type": hour.task_type,
        "state": hour.state,
        "tasks": hour.tasks,
        "run_us": hour.run // timedelta(microseconds=1),
        "wait_us": hour.wait // timedelta(microseconds=1),
    }


def _unfinished(figures: TaskFigures) -> dict[str, JSON]:
    return {
        "tasks": [{"state": state, "queue": queue, "tasks": count} for state, queue, count in figures.unfinished],
        "oldest_ready": [{"queue": queue, "age_us": age // timedelta(microseconds=1)} for queue, age in figures.oldest_ready],
    }


def _free_bytes(engine: Engine) -> int | None:
    """Return how much space the data folder's disk has, or None if nobody can tell."""
    try:
        return free_bytes(engine)
    except OSError:
        return None


def _content(measures: Measures) -> dict[str, JSON]:
    return {
        "measured": moment(measures.measured),
        "blobs": measures.blobs,
        "blob_bytes": measures.blob_bytes,
        "units": measures.units,
        "hours": [
            {"hour": moment(hour.hour), "blobs": hour.blobs, "blob_bytes": hour.blob_bytes, "units": hour.units}
            for hour in measures.hours
        ],
    }


ENDPOINTS = (
    Endpoint(
        "GET",
        "/v2/statistics/",
        Operation.READ,
        get_statistics,
        {200: STATISTICS},
        problems=(400,),
        query=(Parameter("hours", f"How many hours back; {_HOURS} without it, {_MOST_HOURS} at most."),),
    ),
)

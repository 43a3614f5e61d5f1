"""Make the figures that the engine returns of the document that the server sends."""

from __future__ import annotations

from datetime import timedelta

from entrepot.client.documents import Document, moment
from entrepot.content.measures import MeasuredHour, Measures
from entrepot.tasking import TaskHour
from entrepot.tasking.figures import TaskFigures


def hours_back(since: timedelta) -> list[tuple[str, str]]:
    """Return the query for the hours of a span, an hour that it has begun included."""
    return [("hours", str(-(-since // timedelta(hours=1))))]


def task_hour(document: Document) -> TaskHour:
    """Return the tasks of a type that ended in a state within an hour."""
    return TaskHour(
        moment(document["hour"]),
        document["task_type"],
        document["state"],
        document["tasks"],
        timedelta(microseconds=document["run_us"]),
        timedelta(microseconds=document["wait_us"]),
    )


def task_figures(document: Document) -> TaskFigures:
    """Return how many tasks are unfinished."""
    counts = tuple((count["state"], count["queue"], count["tasks"]) for count in document["tasks"])
    ages = tuple((first["queue"], timedelta(microseconds=first["age_us"])) for first in document["oldest_ready"])
    return TaskFigures(counts, ages)


def measures(document: Document) -> Measures:
    """Return what is stored."""
    hours = tuple(
        MeasuredHour(moment(hour["hour"]), hour["blobs"], hour["blob_bytes"], hour["units"]) for hour in document["hours"]
    )
    measured = document["measured"]
    return Measures(
        None if measured is None else moment(measured), document["blobs"], document["blob_bytes"], document["units"], hours
    )

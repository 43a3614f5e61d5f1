"""The page of one schedule: what it runs and when, what it ran, and what may be done with it.

A schedule has two paths in the REST API: among all schedules, and below its importer or distributor. What is permitted at one
is permitted at the other, so that the views ask for it themselves.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.access import Operation
from entrepot.dashboard.page import Asked, Page, Redirect, Route, rest_path, segment, whole_number
from entrepot.errors import MissingResource
from entrepot.schedules.words import failures, how_soon, what_runs
from entrepot.schedules.zones import find_zone

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from entrepot.schedules import ScheduleReport

ALL = "/v2/schedules/"
#: Runs that were, on one page; and runs to come.
_PER_PAGE = 20
_COMING = 5
_PLACES = {
    "sync": "/v2/repositories/{repository}/importers/{plugin}/schedules/sync/",
    "publish": "/v2/repositories/{repository}/distributors/{plugin}/schedules/publish/",
}


def show(asked: Asked) -> Page:
    """Show a schedule."""
    report = schedule_of(asked, Operation.READ)
    schedules, before = asked.engine.schedules, asked.asks("before")
    runs = schedules.runs(report.schedule_id, before=whole_number(before), limit=_PER_PAGE + 1)
    preview = schedules.preview_of(report.schedule_id, count=_COMING)
    values = {
        "report": report,
        "what": what_runs(report),
        "failures": failures(report),
        "coming": coming(preview.runs, preview.time_zone, clock.now()),
        "runs": runs[:_PER_PAGE],
        "newer": asked.here(before=None) if before else "",
        "older": asked.here(before=str(runs[_PER_PAGE - 1].row_id)) if len(runs) > _PER_PAGE else "",
        "may_run": is_permitted(asked, Operation.EXECUTE, report, "actions/run_now/"),
        "may_change": is_permitted(asked, Operation.UPDATE, report),
        "may_delete": is_permitted(asked, Operation.DELETE, report),
        "path": path_of(report.schedule_id),
    }
    return Page("schedule.html", f"Schedule: {what_runs(report)}", values)


def run_schedule(asked: Asked) -> Redirect:
    """Enqueue its task at once."""
    report = schedule_of(asked, Operation.EXECUTE, "actions/run_now/")
    handle = asked.engine.schedules.run_now(report.schedule_id)
    return Redirect(
        path_of(report.schedule_id), f"Task {handle.task_id} runs it now. Its runs on the calendar stay as they are."
    )


def enable_schedule(asked: Asked) -> Redirect:
    """Let it run again."""
    report = schedule_of(asked, Operation.UPDATE)
    asked.engine.schedules.update(report.schedule_id, {"enabled": True})
    return Redirect(path_of(report.schedule_id), "It is enabled. If runs were missed meanwhile, one makes up for all of them.")


def disable_schedule(asked: Asked) -> Redirect:
    """Keep it from running."""
    report = schedule_of(asked, Operation.UPDATE)
    asked.engine.schedules.update(report.schedule_id, {"enabled": False})
    return Redirect(path_of(report.schedule_id), "It is disabled. What it has enqueued goes on.")


def ask_deletion(asked: Asked) -> Page:
    """Say what is deleted and what stays."""
    report = schedule_of(asked, Operation.DELETE)
    ran = f"It ran {report.total_run_count:,} time{'' if report.total_run_count == 1 else 's'}. "
    text = f"{what_runs(report)}, {report.sentence}. {ran}It runs no more; the tasks that it has enqueued stay."
    values = {"text": text, "action": asked.path, "words": "Delete the schedule", "back": path_of(report.schedule_id)}
    return Page("confirm.html", "Delete this schedule?", values)


def delete_schedule(asked: Asked) -> Redirect:
    """Delete it, and what was granted on it."""
    report, engine = schedule_of(asked, Operation.DELETE), asked.engine
    with engine.transaction():
        engine.schedules.delete(report.schedule_id)
        for place in {place_of(report), own_place_of(report)}:
            engine.access.forget_resource(place)
    back = "/schedules" if asked.may("READ", ALL) else "/"
    return Redirect(back, f"The schedule is deleted: {what_runs(report)}, {report.sentence}.")


def schedule_of(asked: Asked, operation: Operation, below: str = "") -> ScheduleReport:
    """Return the schedule that the path names, after a look whether who asks may do that.

    Raises `MissingResource`, `PermissionDenied`.
    """
    schedule_id = asked.names["schedule_id"]
    try:
        report = asked.engine.schedules.get(schedule_id)
    except MissingResource:
        asked.require(operation.name, rest_path(f"{ALL}{{id}}/{below}", {"id": schedule_id}))
        raise
    if not is_permitted(asked, operation, report, below):
        asked.require(operation.name, own_place_of(report) + below)
    return report


def is_permitted(asked: Asked, operation: Operation, report: ScheduleReport, below: str = "") -> bool:
    """Say whether who asks may do that with a schedule, at one of its paths."""
    return asked.may(operation.name, own_place_of(report) + below) or asked.may(operation.name, place_of(report))


def place_of(report: ScheduleReport) -> str:
    """Return the REST path of a schedule below what it belongs to, if it belongs to anything."""
    if report.kind == "task":
        return own_place_of(report)
    return f"{owner_place(report.kind, report.repository_id or '', report.plugin_id or '')}{report.schedule_id}/"


def named_place(asked: Asked) -> str:
    """Return the REST path of the schedule that the path names, below what it belongs to unless it is not there any more."""
    try:
        return place_of(asked.engine.schedules.get(asked.names["schedule_id"]))
    except MissingResource:
        return rest_path(f"{ALL}{{schedule_id}}/", asked.names)


def own_place_of(report: ScheduleReport) -> str:
    """Return the REST path of a schedule among all schedules."""
    return f"{ALL}{report.schedule_id}/"


def owner_place(kind: str, repository_id: str, plugin_id: str) -> str:
    """Return the REST path of the schedules of an importer or distributor; that of all schedules for tasks."""
    return rest_path(_PLACES.get(kind, ALL), {"repository": repository_id, "plugin": plugin_id})


def path_of(schedule_id: str, *below: str) -> str:
    """Return a schedule's path in the dashboard, or one below it."""
    return "/".join(("/schedules", *map(segment, (schedule_id, *below))))


def coming(runs: Sequence[datetime], time_zone: str | None, now: datetime) -> list[tuple[str, str, str]]:
    """Return runs to come as rows: on the wall clocks of the schedule's time zone (empty if it has none), in UTC, how soon."""
    zone = find_zone(time_zone) if time_zone else None
    there = [f"{run.astimezone(zone):%a %Y-%m-%d %H:%M:%S %z}" if zone else "" for run in runs]
    here = [f"{run.astimezone(UTC):%a %Y-%m-%d %H:%M:%S}" for run in runs]
    return [(local, utc, how_soon(run, now)) for local, utc, run in zip(there, here, runs, strict=True)]


_ONE = "/schedules/{schedule_id}"

ROUTES = (
    Route("GET", _ONE, show),
    Route("POST", f"{_ONE}/run", run_schedule, place=named_place),
    Route("POST", f"{_ONE}/enable", enable_schedule, place=named_place),
    Route("POST", f"{_ONE}/disable", disable_schedule, place=named_place),
    Route("GET", f"{_ONE}/delete", ask_deletion),
    Route("POST", f"{_ONE}/delete", delete_schedule, place=named_place),
)

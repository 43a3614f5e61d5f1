"""The first page: what fails, what runs, what comes next, and whether the machine is well.

Everybody who has logged in sees it, and of it the sections that he may read by the REST API.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from entrepot import clock
from entrepot.dashboard.page import Asked, Page, Route
from entrepot.dashboard.running import running
from entrepot.diagnosis import Readiness
from entrepot.diagnosis.machine import free_bytes
from entrepot.repositories.overview import RepositoryQuery
from entrepot.tasking.waiting import rough_text

if TYPE_CHECKING:
    from datetime import datetime

    from entrepot.content.measures import Measures
    from entrepot.diagnosis import Finding
    from entrepot.engine import Engine
    from entrepot.tasking import TaskHour, TaskReport, WorkerReport

#: How far back the lines go.
_HOURS = 72
_HOUR = timedelta(hours=1)
#: Failures, running tasks, workers and findings that are told of; the pages that the headings lead to tell of all.
_SHOWN = 10
_SCHEDULES_SHOWN = 5
#: Characters of an error.
_LONGEST_ERROR = 300
#: What says whether an engine is well; it remembers what hangs, so that one is kept for each engine.
_READINESS: WeakKeyDictionary[Engine, Readiness] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Counter72:
    """A figure of the page: its name, what it is now, what it says beside that, where it leads, and its last 72 hours."""

    name: str
    figure: int
    note: str
    path: str | None
    hours: Sequence[float]
    kind: str = "number"


@dataclass(frozen=True, slots=True)
class WorkerCounts:
    """The workers together; `lost` are their names."""

    active: int
    resting: int
    busy: int
    threads: int
    hosts: int
    lost: tuple[str, ...]


def show(asked: Asked) -> Page:
    """Show what somebody who comes by should know first."""
    engine = asked.engine
    reads = {part: asked.may("READ", resource) for part, resource in _RESOURCES.items()}
    repositories = engine.repositories.overview(RepositoryQuery(limit=0)).total if reads["repositories"] else None
    values: dict[str, object] = {name: make(engine) if reads[part] else None for name, (part, make) in _SECTIONS.items()}
    values |= {"first_line": first_line, "now": clock.now()}
    values["is_new"] = repositories == 0
    values["counters"] = [
        *(_task_counters(engine) if reads["statistics"] else ()),
        *(() if repositories is None else [Counter72("Repositories", repositories, "", "/repositories", ())]),
        *(_content_counters(engine.content.measures()) if reads["statistics"] else ()),
    ]
    return Page("overview.html", "Overview", values)


def hourly(hours: Sequence[TaskHour], state: str) -> list[float]:
    """Return how many tasks ended in `state` in each of the last 72 hours, the present one last."""
    counts: Counter[datetime] = Counter()
    for hour in hours:
        if hour.state == state:
            counts[hour.hour] += hour.tasks
    return [counts[moment] for moment in _moments()]


def first_line(text: str | None) -> str:
    """Return an error as one short line."""
    line = next((line.strip() for line in (text or "").splitlines() if line.strip()), "No reason is known.")
    return line if len(line) <= _LONGEST_ERROR else line[:_LONGEST_ERROR] + "…"


def _task_counters(engine: Engine) -> list[Counter72]:
    hours, figures = engine.tasks.hourly(since=timedelta(hours=_HOURS)), engine.tasks.figures()
    finished, failed = hourly(hours, "finished"), hourly(hours, "error")
    is_running = sum(count for state, _, count in figures.unfinished if state == "running")
    oldest = max((age for _, age in figures.oldest_ready), default=None)
    wait = "" if oldest is None or oldest < timedelta(seconds=1) else f"the first for {rough_text(oldest)}"
    return [
        Counter72("Running", is_running, "tasks now", "/tasks?state=running", ()),
        Counter72("Waiting", figures.waiting, wait or "tasks now", "/tasks?state=waiting", ()),
        Counter72("Finished", int(sum(finished)), "tasks in 72 h", "/tasks?state=finished", finished),
        Counter72("Failed", int(sum(failed)), "tasks in 72 h", "/tasks?state=error", failed),
    ]


def _content_counters(measures: Measures) -> list[Counter72]:
    if measures.measured is None:
        names = (("Content units", "number"), ("Stored", "size"))
        return [Counter72(name, 0, "not counted yet", None, (), kind) for name, kind in names]
    by_hour = {hour.hour: hour for hour in measures.hours}
    units, sizes = list[float](), list[float]()
    for moment in _moments():
        known = by_hour.get(moment)
        units.append(known.units if known else units[-1] if units else 0)
        sizes.append(known.blob_bytes if known else sizes[-1] if sizes else 0)
    return [
        Counter72("Content units", measures.units, "", None, units),
        Counter72("Stored", measures.blob_bytes, f"{measures.blobs:,} files", None, sizes, "size"),
    ]


def _moments() -> list[datetime]:
    """Return the beginnings of the last 72 hours, the oldest first, the present one last."""
    present = clock.now().replace(minute=0, second=0, microsecond=0)
    return [present - number * _HOUR for number in range(_HOURS - 1, -1, -1)]


def _running(engine: Engine) -> list[object]:
    reports: Sequence[TaskReport] = engine.tasks.list(states=("running",), limit=_SHOWN)
    return list(running(reports))


def _workers(engine: Engine) -> WorkerCounts:
    reports: list[WorkerReport] = engine.workers()
    alive = [report for report in reports if report.alive]
    active = [report for report in alive if report.state == "active"]
    return WorkerCounts(
        active=len(active),
        resting=len(alive) - len(active),
        busy=sum(len(report.tasks) for report in alive),
        threads=sum(report.threads for report in active),
        hosts=len({report.host for report in alive}),
        lost=tuple(f"{report.short_name} on {report.host}" for report in reports if not report.alive)[:_SHOWN],
    )


def _storage(engine: Engine) -> dict[str, object]:
    try:
        free = free_bytes(engine)
    except OSError:
        free = None
    return {"measures": engine.content.measures(since=_HOUR), "free": free}


def _findings(engine: Engine) -> list[Finding]:
    readiness = _READINESS.get(engine)
    if readiness is None:
        readiness = _READINESS.setdefault(engine, Readiness(engine))
    return [finding for finding in readiness.findings() if finding.state in ("failed", "warning")][:_SHOWN]


#: Each section's REST path, which must be readable.
_RESOURCES = {
    "repositories": "/v2/repositories/",
    "tasks": "/v2/tasks/",
    "schedules": "/v2/schedules/",
    "workers": "/v2/workers/",
    "statistics": "/v2/statistics/",
}
_SECTIONS: Mapping[str, tuple[str, Callable[[Engine], object]]] = {
    "failing": ("repositories", lambda engine: engine.repositories.failures(limit=_SHOWN)),
    "running": ("tasks", _running),
    "upcoming": ("schedules", lambda engine: engine.schedules.upcoming(limit=_SCHEDULES_SHOWN)),
    "workers": ("workers", _workers),
    "storage": ("statistics", _storage),
    "findings": ("statistics", _findings),
}

ROUTES = (Route("GET", "/", show),)

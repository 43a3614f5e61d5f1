"""All tasks, the newest first: narrowed by what the address says, a page at a time. The first page is live."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.dashboard.page import Asked, Page, Route
from entrepot.dashboard.running import Running
from entrepot.dashboard.task_filters import SHOWN_STATES, Filters, name_of, repository_of, row_id
from entrepot.errors import InvalidValue, MissingResource
from entrepot.tasking import TaskPage

if TYPE_CHECKING:
    from entrepot.tasking import TaskReport

RESOURCE = "/v2/tasks/"
#: Tasks on a page; with all that a row can hold it is below 60 kB.
PAGE_LENGTH = 40
#: Characters of a row's title and of what is said beside its state.
_LONGEST_TITLE, _LONGEST_NOTE = 60, 110
_BULK = (("cancel", "Cancel", "DELETE"), ("retry", "Retry", "EXECUTE"), ("purge", "Remove", "DELETE"))


@dataclass(frozen=True, slots=True)
class Row:
    """A task as a row of the table; `waited` and `ran` go on until it has started, and ended."""

    report: TaskReport
    title: str
    repository: str
    waited: timedelta | None
    ran: timedelta | None
    note: str
    running: Running | None

    @classmethod
    def of(cls, report: TaskReport) -> Row:
        """Read a report; a task that ended before it began has waited until then."""
        now = clock.now()
        ends = report.finished or now
        ran = ends - report.started if report.started else None
        return cls(
            report=report,
            title=cut(name_of(report), _LONGEST_TITLE),
            repository=_linkable(repository_of(report.tags)),
            waited=max((report.started or ends) - report.created, timedelta()),
            ran=None if ran is None else max(ran, timedelta()),
            note=cut(note(report), _LONGEST_NOTE),
            running=Running.of(report) if report.state == "running" else None,
        )


def show(asked: Asked) -> Page:
    """Show a page of tasks; what cannot be asked for is said beside the filters."""
    filters = Filters.of(asked.query)
    before, after = row_id(asked.asks("before")), row_id(asked.asks("after"))
    problem, page = "", TaskPage([], None, None, is_cut=False)
    try:
        page = asked.engine.tasks.page(filters.wanted, before=before, after=after, limit=PAGE_LENGTH, explain=True)
    except InvalidValue as error:
        problem = error.message
    except MissingResource:
        problem = f"There is no group {filters.group}, or its tasks have been removed."
    values = {
        "filters": filters,
        "problem": problem,
        "rows": [Row.of(report) for report in page.reports],
        "is_first": page.newer is None,
        "is_cut": page.is_cut,
        "newer": page.newer and filters.address("/tasks", after=str(page.newer)),
        "older": page.older and filters.address("/tasks", before=str(page.older)),
        "states": SHOWN_STATES,
        "types": asked.engine.registry.names(),
        "actions": [(name, words) for name, words, operation in _BULK if asked.may(operation, RESOURCE)],
    }
    return Page("tasks.html", "Tasks", values, 400 if problem else 200)


def note(report: TaskReport) -> str:
    """Return the one thing to know of a task beside its state: why it waits, or what went wrong."""
    if report.waiting is not None:
        return report.waiting.text
    if report.state == "canceled" and report.finished is None:
        return "still stopping"
    return str((report.error or {}).get("description") or "")


def cut(text: str, length: int) -> str:
    """Return a text that is not longer than `length`."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _linkable(repository: str | None) -> str:
    """Return a repository's id, empty for what can be none: programs tag their tasks as they like."""
    return repository if repository and re.fullmatch(r"[A-Za-z0-9_.-]{1,255}", repository) else ""


ROUTES = (Route("GET", "/tasks", show, resource=RESOURCE),)

"""When a repository runs and what it did: its schedules, the history of its syncs and publishes, and its log."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from entrepot.dashboard import repository_charts
from entrepot.dashboard.page import Asked, Page, Route, whole_number
from entrepot.dashboard.repository_page import ONE, repository_of, tab
from entrepot.events.reports import ANY_DISTRIBUTOR, EventQuery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrepot.repositories import HistoryEntry

#: Runs in the charts, and those of them in the table; lines of the log and events on a page.
_DRAWN = 50
_LISTED = 25
_LINES = 40
_EVENTS = 25
_KINDS = ("sync", "publish")


def schedules(asked: Asked) -> Page:
    """Show the schedules of the importer and of the distributors."""
    report = repository_of(asked).report()
    found = []
    if report.importer is not None:
        found += asked.engine.schedules.list_sync(report.repository_id, report.importer.importer_type_id)
    for distributor in report.distributors:
        found += asked.engine.schedules.list_publish(report.repository_id, distributor.distributor_id)
    return tab(asked, report, "schedules", "repository_schedules.html", {"schedules": found[:100], "count": len(found)})


def history(asked: Asked) -> Page:
    """Show how syncs or publishes ended: charts of the newest, and a page of the table."""
    repository = repository_of(asked)
    kind = asked.asks("kind") if asked.asks("kind") in _KINDS else "sync"
    before = _moment(asked.asks("before"))
    end = None if before is None else before - timedelta(microseconds=1)
    entries = repository.history(kind, limit=_DRAWN, end=end)
    drawn = entries[::-1]
    has_more = len(entries) > _LISTED
    values = {
        "kind": kind,
        "entries": entries[:_LISTED],
        "drawn": len(drawn),
        "durations": repository_charts.durations(
            drawn, f"How long the last {_plural(len(drawn), kind)} took: {_results(drawn)}"
        ),
        "changes": repository_charts.changes(drawn, "What they added and removed") if kind == "sync" else None,
        "longest": max((entry.completed - entry.started for entry in drawn), default=None),
        "newer": asked.here(before=None) if before is not None else "",
        "older": asked.here(before=entries[_LISTED - 1].started.isoformat()) if has_more else "",
    }
    return tab(asked, repository.report(), "history", "repository_history.html", values)


def events(asked: Asked) -> Page:
    """Show the repository's log, newest first, and what became of its publications."""
    report = repository_of(asked).report()
    before = whole_number(asked.asks("before"))
    lines = asked.engine.events.list_activity(report.repository_id, before=before, limit=_LINES + 1)
    sources = ((report.repository_id, ANY_DISTRIBUTOR),)
    published = asked.engine.events.list_publications(EventQuery(sources, newest_first=True, limit=_EVENTS))
    values = {
        "lines": lines[:_LINES],
        "published": published,
        "newer": asked.here(before=None) if before is not None else "",
        "older": asked.here(before=str(lines[_LINES - 1].activity_id)) if len(lines) > _LINES else "",
    }
    return tab(asked, report, "events", "repository_events.html", values)


def _moment(text: str) -> datetime | None:
    """Return the moment that a text names, None if it names none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None and 1 < found.year < 9999 else None  # noqa: PLR2004 - there is one beside it


def _results(entries: Sequence[HistoryEntry]) -> str:
    return ", ".join(f"{count} {result}" for result, count in Counter(entry.result for entry in entries).items()) or "none"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'es' if noun == 'publish' else 's'}"


_PAGE = "/repositories/{repository_id}"

ROUTES = (
    Route("GET", f"{_PAGE}/schedules", schedules, resource=ONE),
    Route("GET", f"{_PAGE}/history", history, resource=ONE),
    Route("GET", f"{_PAGE}/events", events, resource=ONE),
)

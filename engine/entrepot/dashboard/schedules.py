"""The list of all schedules, those that run next first, and their timeline."""

from __future__ import annotations

from entrepot import clock
from entrepot.dashboard.page import Asked, Page, Route
from entrepot.dashboard.repository_page import neighbours, page_number
from entrepot.dashboard.schedule_timeline import strips
from entrepot.schedules import ScheduleQuery
from entrepot.schedules.words import failures, how_soon, what_runs

_RESOURCE = "/v2/schedules/"
#: Schedules on a page, each with a timeline.
_PER_PAGE = 20
_KINDS = ("sync", "publish", "task")
_ENABLED = {"yes": True, "no": False}


def show(asked: Asked) -> Page:
    """Show a page of the schedules that the filters leave."""
    schedules, number, now = asked.engine.schedules, page_number(asked), clock.now()
    repository, kind, enabled = asked.asks("repository"), asked.asks("kind"), asked.asks("enabled")
    wanted = ScheduleQuery(repository or None, kind if kind in _KINDS else None, _ENABLED.get(enabled))
    skip = (number - 1) * _PER_PAGE
    found = schedules.page(wanted, skip=skip, limit=_PER_PAGE)
    last = skip + len(found.reports)
    newer, older = neighbours(asked, number, has_more=last < found.total)
    values = {
        "schedules": found.reports,
        "total": found.total,
        "first": min(skip + 1, last),
        "last": last,
        "runs": schedules.last_runs(found.reports),
        "strips": strips(asked.engine, found.reports, now),
        "chosen": {"repository": repository, "kind": kind, "enabled": enabled},
        "kinds": _KINDS,
        "now": now,
        "newer": newer,
        "older": older,
        "what_runs": what_runs,
        "failures": failures,
        "how_soon": how_soon,
    }
    return Page("schedules.html", "Schedules", values)


ROUTES = (Route("GET", "/schedules", show, resource=_RESOURCE),)

"""The list of repositories, and the form that makes a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.dashboard.page import Asked, Page, Route
from entrepot.dashboard.repository_page import neighbours, page_number
from entrepot.repositories import RepositoryQuery

if TYPE_CHECKING:
    from entrepot.engine import Engine

_RESOURCE = "/v2/repositories/"
#: Repositories on a page.
_PER_PAGE = 30
_FAILING = "failing"


def show(asked: Asked) -> Page:
    """Show a page of the repositories that the filters leave."""
    engine, number = asked.engine, page_number(asked)
    chosen = asked.asks("type")
    query = RepositoryQuery(
        asked.asks("q"),
        chosen or None,
        failing_first=asked.asks("order") == _FAILING,
        limit=_PER_PAGE,
        skip=(number - 1) * _PER_PAGE,
    )
    found = engine.repositories.overview(query)
    ids = [item.report.repository_id for item in found.items]
    last = query.skip + len(found.items)
    newer, older = neighbours(asked, number, has_more=last < found.total)
    values = {
        "items": found.items,
        "total": found.total,
        "first": min(query.skip + 1, last),
        "last": last,
        "next_runs": engine.schedules.next_runs(ids),
        "may_sync": _syncable(asked, ids),
        "types": _importer_types(engine, chosen),
        "chosen": {"q": query.text, "type": chosen, "order": asked.asks("order")},
        "newer": newer,
        "older": older,
    }
    return Page("repositories.html", "Repositories", values)


def _syncable(asked: Asked, ids: list[str]) -> set[str]:
    """Return the repositories that who asks may sync; one look suffices for whoever may sync all."""
    if asked.may("EXECUTE", _RESOURCE):
        return set(ids)
    return {repository_id for repository_id in ids if asked.may("EXECUTE", f"{_RESOURCE}{repository_id}/actions/sync/")}


def _importer_types(engine: Engine, chosen: str) -> list[str]:
    return sorted({info.type_id for info in engine.plugins.listing() if info.kind == "importer"} | ({chosen} - {""}))


ROUTES = (Route("GET", "/repositories", show, resource=_RESOURCE),)

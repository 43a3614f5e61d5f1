"""A content unit: its fields, its files, and which repositories hold it."""

from __future__ import annotations

from entrepot.dashboard.page import Asked, Page, Route
from entrepot.dashboard.repository_content import name_of

_ONE = "/v2/content/units/{unit_type_id}/{unit_id}/"
#: What is shown of a unit: files, repositories, fields, and characters of a field's value.
_FILES = 60
_REPOSITORIES = 50
_FIELDS = 100
_LONGEST = 400


def show(asked: Asked) -> Page:
    """Show one unit."""
    type_id, unit_id = asked.names["unit_type_id"], asked.names["unit_id"]
    report = asked.engine.content.get_unit(type_id, unit_id)
    files = asked.engine.content.unit_files(type_id, unit_id)
    holders = report.repository_ids or ()
    name = name_of(report.data)
    came_from = asked.asks("from")
    values = {
        "unit": report,
        "name": name,
        "fields": sorted(report.data.items())[:_FIELDS],
        "longest": _LONGEST,
        "files": files[:_FILES],
        "file_count": len(files),
        "holders": holders[:_REPOSITORIES],
        "holder_count": len(holders),
        "came_from": came_from if came_from in holders else None,
    }
    return Page("unit.html", name[:80], values)


ROUTES = (Route("GET", "/units/{unit_type_id}/{unit_id}", show, resource=_ONE),)

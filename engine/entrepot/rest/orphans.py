"""Orphans, units that no repository holds: count, list, delete. Source: the Pulp 2 REST contract, 5.3."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from entrepot.access import Operation
from entrepot.errors import JSON, InvalidValue, MissingValue
from entrepot.rest.endpoint import Answer, Asked, Body, Endpoint, Parameter, Schema
from entrepot.rest.reading import find_text, whole_number
from entrepot.rest.schemas import CALL_REPORT, INTEGER, TEXT, many, record
from entrepot.rest.shapes import accepted, href

if TYPE_CHECKING:
    from entrepot.repositories import OrphanReport

_COUNT = record("OrphanCount", count=INTEGER, _href=TEXT)
_COUNTS: Schema = {"title": "OrphanCounts", "type": "object", "additionalProperties": _COUNT}
#: The fields of the unit's key stand beside these.
_ORPHAN = record("Orphan", _id=TEXT, _content_type_id=TEXT, _href=TEXT)
_LISTED = many(record("ListedOrphan", content_type_id=TEXT, unit_id=TEXT))
#: Orphans that are read at once; a list holds all there are.
_PAGE = 1000


def count_orphans(asked: Asked) -> Answer:
    """Return how many orphans there are of each unit type."""
    counts = asked.engine.content.orphan_counts()
    return Answer({type_id: {"count": count, "_href": _href(type_id)} for type_id, count in counts.items()})


def list_orphans(asked: Asked) -> Answer:
    """Return the orphans of a unit type, in the order of their ids."""
    limit = None
    if "limit" in asked.query:
        limit = whole_number(asked.query["limit"][-1])
        if not limit:
            raise InvalidValue("limit", why="it must be a whole number from 1 on")
    type_id, after = asked.names["content_type_id"], asked.query.get("after", [None])[-1]
    first = asked.engine.content.list_orphans(type_id, limit=min(limit or _PAGE, _PAGE), after=after)
    return Answer(map(_shape, _from_page_to_page(asked, type_id, first, limit)))


def get_orphan(asked: Asked) -> Answer:
    """Return one orphan."""
    return Answer(_shape(asked.engine.content.get_orphan(asked.names["content_type_id"], asked.names["unit_id"])))


def delete_orphans(asked: Asked) -> Answer:
    """Delete all orphans, by a task, and the bytes that nothing needs any more."""
    return accepted(asked.engine.content.request_delete_orphans())


def delete_orphans_of_type(asked: Asked) -> Answer:
    """Delete the orphans of a unit type, by a task, and the bytes that nothing needs any more."""
    return accepted(asked.engine.content.request_delete_orphans(asked.names["content_type_id"]))


def delete_orphan(asked: Asked) -> Answer:
    """Delete one orphan, by a task, and the bytes that nothing needs any more."""
    return accepted(asked.engine.content.request_delete_orphans(asked.names["content_type_id"], asked.names["unit_id"]))


def delete_listed(asked: Asked) -> Answer:
    """Delete those of the units listed that are orphans, by a task; of use to old clients only."""
    return accepted(asked.engine.content.request_delete_listed([_named(item) for item in asked.items]))


def _from_page_to_page(asked: Asked, type_id: str, page: list[OrphanReport], limit: int | None) -> Iterator[OrphanReport]:
    """Yield a page of orphans and those behind it, at most `limit`."""
    left = limit
    while page:
        yield from page
        left = None if left is None else left - len(page)
        if left == 0:
            return
        page = asked.engine.content.list_orphans(type_id, limit=min(left or _PAGE, _PAGE), after=page[-1].unit_id)


def _named(item: JSON) -> tuple[str, str]:
    """Return type and id of a unit that a body names; raises `MissingValue`, `InvalidValue`."""
    if not isinstance(item, dict):
        raise InvalidValue("orphans", why="each must be an object of content_type_id and unit_id")
    type_id, unit_id = (find_text(item, name) for name in ("content_type_id", "unit_id"))
    if type_id is None or unit_id is None:
        raise MissingValue("content_type_id" if type_id is None else "unit_id")
    return type_id, unit_id


def _href(*segments: str) -> str:
    return href("content", "orphans", *segments)


def _shape(orphan: OrphanReport) -> dict[str, JSON]:
    return {
        **orphan.key,
        "_id": orphan.unit_id,
        "_content_type_id": orphan.unit_type_id,
        "_href": _href(orphan.unit_type_id, orphan.unit_id),
    }


_ALL = "/v2/content/orphans/"
_TYPE, _ONE = f"{_ALL}{{content_type_id}}/", f"{_ALL}{{content_type_id}}/{{unit_id}}/"
_PAGES = (
    Parameter("limit", "How many are shown at most.", {"type": "integer", "minimum": 1}),
    Parameter("after", "The id of the last one seen: those behind it are shown."),
)
_READ, _DELETE, _TASK = Operation.READ, Operation.DELETE, {202: CALL_REPORT}

ENDPOINTS = (
    Endpoint("GET", _ALL, _READ, count_orphans, {200: _COUNTS}),
    Endpoint("DELETE", _ALL, _DELETE, delete_orphans, _TASK),
    Endpoint("GET", _TYPE, _READ, list_orphans, {200: many(_ORPHAN)}, problems=(404,), query=_PAGES),
    Endpoint("DELETE", _TYPE, _DELETE, delete_orphans_of_type, _TASK, problems=(404,)),
    Endpoint("GET", _ONE, _READ, get_orphan, {200: _ORPHAN}, problems=(404,)),
    Endpoint("DELETE", _ONE, _DELETE, delete_orphan, _TASK, problems=(404,)),
    Endpoint("POST", "/v2/content/actions/delete_orphans/", _DELETE, delete_listed, _TASK, body=Body(_LISTED, kind="list")),
)

"""What happened to a repository: the lines of its log, and what became of its publications. An extension."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.access import Operation
from entrepot.errors import JSON, InvalidValue
from entrepot.events.reports import ANY_DISTRIBUTOR, EventQuery
from entrepot.rest.endpoint import Answer, Asked, Endpoint, Parameter, Schema
from entrepot.rest.reading import whole_number
from entrepot.rest.schemas import INTEGER, MOMENT, TEXT, TEXT_OR_NULL, many, record
from entrepot.rest.shapes import moment

if TYPE_CHECKING:
    from entrepot.events.reports import ActivityReport, PublicationEventReport

#: Lines or events that are returned at once, and unless a request says how many.
_MOST = 1000
_USUAL = 100
_TOO_LARGE = 1 << 63  # for any database
ACTIVITY: Schema = record(
    "Activity",
    id=INTEGER,
    created=MOMENT,
    level={"enum": ["notice", "warning", "error"]},
    repo_id=TEXT,
    distributor_id=TEXT_OR_NULL,
    task_id=TEXT_OR_NULL,
    message=TEXT,
)
PUBLICATION_EVENT: Schema = record(
    "PublicationEvent",
    id=INTEGER,
    created=MOMENT,
    event_type={"enum": ["publish", "unpublish", "update"]},
    document_id=INTEGER,
    repo_id=TEXT,
    distributor_id=TEXT,
    unit_type_id=TEXT_OR_NULL,
    content_type=TEXT_OR_NULL,
    publication_id=INTEGER,
    task_id=TEXT_OR_NULL,
)


def list_activity(asked: Asked) -> Answer:
    """Return lines of a repository's log, newest first."""
    repository = asked.engine.repositories.get(asked.names["repository_id"])
    before = _number(asked, "before", None, _TOO_LARGE - 1)
    limit = _number(asked, "limit", _USUAL, _MOST) or _USUAL
    lines = asked.engine.events.list_activity(repository.repository_id, before=before, limit=limit)
    return Answer([_line(line) for line in lines])


def list_publication_events(asked: Asked) -> Answer:
    """Return what became of the publications of a repository, newest first."""
    repository = asked.engine.repositories.get(asked.names["repository_id"])
    last = _number(asked, "before", None, _TOO_LARGE - 1)
    query = EventQuery(
        ((repository.repository_id, ANY_DISTRIBUTOR),),
        last_id=None if last is None else last - 1,
        newest_first=True,
        limit=_number(asked, "limit", _USUAL, _MOST) or _USUAL,
    )
    return Answer([_event(event) for event in asked.engine.events.list_publications(query)])


def _number(asked: Asked, name: str, usual: int | None, most: int) -> int | None:
    """Return a whole number of the query from 1 on; raises `InvalidValue`."""
    if name not in asked.query:
        return usual
    number = whole_number(asked.query[name][-1])
    if number is None or not 1 <= number <= most:
        raise InvalidValue(name, why=f"it must be a whole number from 1 to {most}")
    return number


def _line(line: ActivityReport) -> dict[str, JSON]:
    return {
        "id": line.activity_id,
        "created": moment(line.created),
        "level": line.level,
        "repo_id": line.repository_id,
        "distributor_id": line.distributor_id,
        "task_id": line.task_id,
        "message": line.message,
    }


def _event(event: PublicationEventReport) -> dict[str, JSON]:
    return {
        "id": event.event_id,
        "created": moment(event.created),
        "event_type": event.event_type,
        "document_id": event.document_id,
        "repo_id": event.repository_id,
        "distributor_id": event.distributor_id,
        "unit_type_id": event.unit_type,
        "content_type": event.content_type,
        "publication_id": event.publication_id,
        "task_id": event.task_id,
    }


_AT = "/v2/repositories/{repository_id}/"
_PAGES = (
    Parameter("before", "An id: only what came before it."),
    Parameter("limit", f"How many are shown at most: 1 to {_MOST}, {_USUAL} without it."),
)

ENDPOINTS = (
    Endpoint("GET", f"{_AT}activity/", Operation.READ, list_activity, {200: many(ACTIVITY)}, problems=(400, 404), query=_PAGES),
    Endpoint(
        "GET",
        f"{_AT}publication_events/",
        Operation.READ,
        list_publication_events,
        {200: many(PUBLICATION_EVENT)},
        problems=(400, 404),
        query=_PAGES,
    ),
)

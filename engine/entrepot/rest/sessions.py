"""In which browsers a user is logged in, this project's own: each user sees his sessions, and ends them.

UPDATE on a user, which everybody has on himself, suffices to log him out; nobody can be logged in by this door.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.access import Operation
from entrepot.errors import JSON
from entrepot.rest.endpoint import COUNT, Answer, Asked, Endpoint
from entrepot.rest.schemas import MOMENT, NULL, TEXT, TEXT_OR_NULL, many, record
from entrepot.rest.shapes import moment

if TYPE_CHECKING:
    from entrepot.access import SessionReport

SESSION = record(
    "Session", login=TEXT, created=MOMENT, last_seen=MOMENT, expires=MOMENT, address=TEXT_OR_NULL, agent=TEXT_OR_NULL
)


def list_sessions(asked: Asked) -> Answer:
    """Return in which browsers a user is logged in, the one that was used last first."""
    return Answer([shape(report) for report in asked.engine.access.list_sessions(asked.names["login"])])


def end_sessions(asked: Asked) -> Answer:
    """Log all browsers of a user out; the header `x-entrepot-count` says how many there were."""
    count = asked.engine.access.end_sessions(asked.names["login"])
    return Answer(None, headers={COUNT: str(count)})


def shape(report: SessionReport) -> dict[str, JSON]:
    """Return a session as clients see it."""
    return {
        "login": report.login,
        "created": moment(report.created),
        "last_seen": moment(report.last_seen),
        "expires": moment(report.expires),
        "address": report.address,
        "agent": report.agent,
    }


_AT = "/v2/users/{login}/sessions/"

ENDPOINTS = (
    Endpoint("GET", _AT, Operation.READ, list_sessions, {200: many(SESSION)}, problems=(404,)),
    Endpoint("DELETE", _AT, Operation.UPDATE, end_sessions, {200: NULL}, problems=(404,)),
)

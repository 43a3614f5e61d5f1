"""The audit log, this project's own: who has changed what, and who was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.access import Operation
from entrepot.errors import JSON, InvalidValue
from entrepot.rest.endpoint import Answer, Asked, Endpoint, Parameter
from entrepot.rest.reading import whole_number
from entrepot.rest.schemas import INTEGER, MOMENT, TEXT, TEXT_OR_NULL, many, record
from entrepot.rest.shapes import microseconds, moment

if TYPE_CHECKING:
    from entrepot.access import AuditReport

ENTRY = record(
    "AuditEntry",
    id=INTEGER,
    created=MOMENT,
    created_us=INTEGER,
    login=TEXT,
    via=TEXT,
    token_name=TEXT_OR_NULL,
    address=TEXT_OR_NULL,
    door=TEXT,
    action=TEXT,
    resource=TEXT,
    fields=many(TEXT),
    outcome={"enum": ["done", "refused"]},
    request_id=TEXT_OR_NULL,
)
_PARAMETERS = (
    Parameter("login", "Only what this user has done."),
    Parameter("resource", "Only what was done to this path, such as `/v2/repositories/zoo/`, and below it."),
    Parameter("door", "Only what came through this door: `rest`, `dashboard`, `cli`, `python`, `edgecast` or `pugpig`."),
    Parameter("outcome", "`done`: what was changed; `refused`: what was asked without the permission."),
    Parameter("before_id", "Only entries older than this one: the last of a list, to go on behind it.", INTEGER),
    Parameter("limit", "How many are shown at most, 1 to 1000; 100 as a rule.", INTEGER),
)


def list_audit(asked: Asked) -> Answer:
    """Return the audit log, the newest entries first: who has changed what, through which door, and who was refused."""
    given = {name: values[-1] for name, values in asked.query.items()}
    before_id, limit = _number(given, "before_id"), _number(given, "limit")
    reports = asked.engine.access.list_audit(
        login=given.get("login"),
        resource=given.get("resource"),
        door=given.get("door"),
        outcome=given.get("outcome"),
        before_id=before_id,
        limit=100 if limit is None else limit,
    )
    return Answer([shape(report) for report in reports])


def shape(report: AuditReport) -> dict[str, JSON]:
    """Return an entry as clients see it."""
    return {
        "id": report.entry_id,
        "created": moment(report.created),
        "created_us": microseconds(report.created),
        "login": report.login,
        "via": report.via,
        "token_name": report.token_name,
        "address": report.address,
        "door": report.door,
        "action": report.action,
        "resource": report.resource,
        "fields": list(report.fields),
        "outcome": report.outcome,
        "request_id": report.request_id,
    }


def _number(given: dict[str, str], name: str) -> int | None:
    if name not in given:
        return None
    number = whole_number(given[name])
    if number is None:
        raise InvalidValue(name, why="it must be a whole number")
    return number


ENDPOINTS = (Endpoint("GET", "/v2/audit/", Operation.READ, list_audit, {200: many(ENTRY)}, problems=(400,), query=_PARAMETERS),)

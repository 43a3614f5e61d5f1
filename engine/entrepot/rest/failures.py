"""What fails: syncs and publishes whose last run did. An extension."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.access import Operation
from entrepot.errors import JSON, InvalidValue
from entrepot.rest.endpoint import Answer, Asked, Endpoint, Parameter, Schema
from entrepot.rest.reading import whole_number
from entrepot.rest.schemas import INTEGER, MOMENT, TEXT, TEXT_OR_NULL, many, record
from entrepot.rest.shapes import moment

if TYPE_CHECKING:
    from entrepot.repositories.failing import Failure

_SHOWN = "50"
_FAILURE: Schema = record(
    "Failure",
    kind={"enum": ["sync", "publish"]},
    repository_id=TEXT,
    plugin_id=TEXT,
    since=MOMENT,
    failed=MOMENT,
    task_id=TEXT_OR_NULL,
    error=TEXT_OR_NULL,
)
FAILURES: Schema = record("Failures", total=INTEGER, failures=many(_FAILURE))


def list_failures(asked: Asked) -> Answer:
    """Return the syncs and publishes that failed when they were run last, the newest failure first, and how many there are."""
    given = asked.query.get("limit", [_SHOWN])[-1]
    limit = whole_number(given)
    if limit is None:
        raise InvalidValue("limit", why=f"{given!r} is no whole number")
    found = asked.engine.repositories.failures(limit=limit)
    return Answer({"total": found.total, "failures": [_failure(failure) for failure in found.failures]})


def _failure(failure: Failure) -> dict[str, JSON]:
    return {
        "kind": failure.kind,
        "repository_id": failure.repository_id,
        "plugin_id": failure.plugin_id,
        "since": moment(failure.since),
        "failed": moment(failure.failed),
        "task_id": failure.task_id,
        "error": failure.error,
    }


ENDPOINTS = (
    Endpoint(
        "GET",
        "/v2/failures/",
        Operation.READ,
        list_failures,
        {200: FAILURES},
        problems=(400,),
        resource="/v2/repositories/",
        query=(Parameter("limit", f"Of how many is told; {_SHOWN} without it.", {"type": "integer", "minimum": 0}),),
    ),
)

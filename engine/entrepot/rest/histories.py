"""The histories of syncs and publishes. Source: the Pulp 2 REST contract, 2.12."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from entrepot.access import Operation
from entrepot.errors import JSON, InvalidValue
from entrepot.rest.endpoint import Answer, Asked, Endpoint, Parameter, Schema
from entrepot.rest.reading import moment as read_moment
from entrepot.rest.reading import whole_number
from entrepot.rest.schemas import MICROSECONDS, MOMENT, OBJECT_OR_NULL, OID, TEXT, TEXT_OR_NULL, many, record
from entrepot.rest.shapes import hex_id, microseconds, moment, oid

if TYPE_CHECKING:
    from entrepot.repositories.reports import HistoryEntry

_COUNT: Schema = {"type": ["integer", "null"]}
_TRACEBACK: Schema = {"type": ["array", "null"], "items": TEXT}
_RESULT: Schema = {"enum": ["success", "failed", "error", "canceled"]}
SYNC_RESULT = record(
    "SyncResult",
    _id=OID,
    _ns={"const": "repo_sync_results"},
    id=TEXT,
    repo_id=TEXT,
    importer_id=TEXT,
    importer_type_id=TEXT,
    started=MOMENT,
    completed=MOMENT,
    result=_RESULT,
    added_count=_COUNT,
    updated_count=_COUNT,
    removed_count=_COUNT,
    summary=OBJECT_OR_NULL,
    details=OBJECT_OR_NULL,
    error_message=TEXT_OR_NULL,
    exception=TEXT_OR_NULL,
    traceback=_TRACEBACK,
    task_id=TEXT_OR_NULL,
    started_us=MICROSECONDS,
    completed_us=MICROSECONDS,
)
PUBLISH_RESULT = record(
    "PublishResult",
    _id=OID,
    _ns={"const": "repo_publish_results"},
    id=TEXT,
    repo_id=TEXT,
    distributor_id=TEXT,
    distributor_type_id=TEXT,
    started=MOMENT,
    completed=MOMENT,
    result=_RESULT,
    summary=OBJECT_OR_NULL,
    details=OBJECT_OR_NULL,
    error_message=TEXT_OR_NULL,
    exception=TEXT_OR_NULL,
    traceback=_TRACEBACK,
    task_id=TEXT_OR_NULL,
    started_us=MICROSECONDS,
    completed_us=MICROSECONDS,
)
_PARAMETERS = (
    Parameter("limit", "How many are shown at most; 1 or more."),
    Parameter("sort", "`descending` shows the newest first, as without it; or `ascending`."),
    Parameter("start_date", "Only those that began then or later: an ISO 8601 date and time."),
    Parameter("end_date", "Only those that began then or earlier: an ISO 8601 date and time."),
)


class _Wanted(NamedTuple):
    limit: int | None
    sort: str
    start: datetime | None
    end: datetime | None


def list_syncs(asked: Asked) -> Answer:
    """Return the syncs of a repository that ended, newest first."""
    repository = asked.engine.repositories.get(asked.names["repository_id"])
    return Answer([_sync(entry) for entry in repository.history("sync", **_wanted(asked)._asdict())])


def list_publishes(asked: Asked) -> Answer:
    """Return the publishes of a distributor that ended, newest first."""
    repository = asked.engine.repositories.get(asked.names["repository_id"])
    distributor_id = asked.names["distributor_id"]
    repository.distributor(distributor_id)
    entries = repository.history("publish", distributor_id=distributor_id, **_wanted(asked)._asdict())
    return Answer([_publish(entry) for entry in entries])


def list_all_publishes(asked: Asked) -> Answer:
    """Return the publishes of all distributors of a repository that ended, newest first; an extension."""
    repository = asked.engine.repositories.get(asked.names["repository_id"])
    return Answer([_publish(entry) for entry in repository.history("publish", **_wanted(asked)._asdict())])


def _wanted(asked: Asked) -> _Wanted:
    """Return which entries the query asks for; raises `InvalidValue` naming each parameter that is refused."""
    given = {name: values[-1] for name, values in asked.query.items()}
    limit = whole_number(given["limit"]) if "limit" in given else None
    start = read_moment(given["start_date"]) if "start_date" in given else None
    end = read_moment(given["end_date"]) if "end_date" in given else None
    sort = given.get("sort", "descending")
    refused = [
        name
        for name, is_refused in (
            ("limit", "limit" in given and not limit),
            ("sort", sort not in ("ascending", "descending")),
            ("start_date", "start_date" in given and start is None),
            ("end_date", "end_date" in given and end is None),
        )
        if is_refused
    ]
    if refused:
        why = "limit is 1 or more, sort ascending or descending, and dates are whole, such as 2026-01-31T00:00:00Z"
        raise InvalidValue(*refused, why=why)
    # an end is shown in whole seconds, and all that began in its second belongs to it
    return _Wanted(limit, sort, start, None if end is None else end.replace(microsecond=999_999))


def _sync(entry: HistoryEntry) -> dict[str, JSON]:
    counts: dict[str, JSON] = {
        "added_count": entry.added_count,
        "updated_count": entry.updated_count,
        "removed_count": entry.removed_count,
    }
    return _shape(entry, "repo_sync_results", "importer") | counts


def _publish(entry: HistoryEntry) -> dict[str, JSON]:
    return _shape(entry, "repo_publish_results", "distributor")


def _shape(entry: HistoryEntry, namespace: str, plugin: str) -> dict[str, JSON]:
    return {
        "_id": oid(entry.entry_id),
        "_ns": namespace,
        "id": hex_id(entry.entry_id),
        "repo_id": entry.repository_id,
        f"{plugin}_id": entry.plugin_id,
        f"{plugin}_type_id": entry.plugin_type_id,
        "started": moment(entry.started),
        "completed": moment(entry.completed),
        "result": entry.result,
        "summary": entry.summary,
        "details": entry.details,
        "error_message": entry.error_message,
        "exception": entry.exception,
        "traceback": _traceback(entry),
        "task_id": entry.task_id,
        "started_us": microseconds(entry.started),
        "completed_us": microseconds(entry.completed),
    }


def _traceback(entry: HistoryEntry) -> list[JSON] | None:
    """Return the lines of the traceback; of an error that was foreseen, which has none, its words."""
    text = entry.traceback or (entry.exception if entry.result == "error" else None)
    return None if text is None else list[JSON](text.splitlines())


_AT = "/v2/repositories/{repository_id}/history/"

ENDPOINTS = (
    Endpoint(
        "GET", f"{_AT}sync/", Operation.READ, list_syncs, {200: many(SYNC_RESULT)}, problems=(400, 404), query=_PARAMETERS
    ),
    Endpoint(
        "GET",
        f"{_AT}publish/",
        Operation.READ,
        list_all_publishes,
        {200: many(PUBLISH_RESULT)},
        problems=(400, 404),
        query=_PARAMETERS,
    ),
    Endpoint(
        "GET",
        f"{_AT}publish/{{distributor_id}}/",
        Operation.READ,
        list_publishes,
        {200: many(PUBLISH_RESULT)},
        problems=(400, 404),
        query=_PARAMETERS,
    ),
)

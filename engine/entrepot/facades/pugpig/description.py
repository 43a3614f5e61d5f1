"""The OpenAPI document of the facade. Source: OpenAPI Specification 3.1.0."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from entrepot.facades.pugpig.actions import ENDS, STAGES, VERSION
from entrepot.facades.pugpig.activity import ENTRIES, MOST_ENTRIES
from entrepot.facades.pugpig.addresses import UPDATE
from entrepot.facades.pugpig.monitor import COMPLETED, MOST_COMPLETED
from entrepot.facades.pugpig.polling import BUSY_SECONDS, IDLE_SECONDS

if TYPE_CHECKING:
    from entrepot.errors import JSON

_REFUSED = {
    "401": "The key is missing, unknown or expired",
    "403": "The key has not the scope",
    "404": "There is no such publication, or the key is not good for it",
    "429": "The key asks too often; Retry-After says how many seconds to wait",
}
_TEXT: JSON = {"type": "string"}
_WHOLE: JSON = {"type": "integer", "minimum": 0}
_MOMENT: JSON = {"type": "string", "format": "date-time"}


@cache
def description() -> dict[str, JSON]:
    """Return the document."""
    base = "/publication/{publication_code}/addon/{suffix}"
    limit = _query("limit", {"type": "integer", "minimum": 1, "maximum": MOST_COMPLETED, "default": COMPLETED})
    entries = _query("limit", {"type": "integer", "minimum": 1, "maximum": MOST_ENTRIES, "default": ENTRIES})
    kind = _query("format", {"type": "string", "enum": ["json"]})
    update = _operation("Ask for an update; scope act", "Update", [], status="202")
    edition = _operation("Ask for an update for an edition; scope act", "Update", [_path("edition_id")], status="202")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Distribution monitoring",
            "version": str(VERSION),
            "description": f"Ask every {BUSY_SECONDS} s while something goes on, else every {IDLE_SECONDS} s. "
            "`suffix` is the prefix, the publication's code and the account's code, with dots between them.",
        },
        "servers": [
            {"url": "https://{account}.admin.example.org", "variables": {"account": {"default": "acme"}}},
            {"url": "/pugpig/{account}", "variables": {"account": {"default": "acme"}}},
        ],
        "paths": {
            f"{base}/progress.json": {"get": _operation("What goes on", "Progress", [])},
            f"{base}/completed.json": {
                "get": _operation("What has ended, newest first", "Completed", [limit, _query("since", _MOMENT)])
            },
            f"{base}/activity": {
                "get": _operation(
                    "The log, newest first", "Activity", [entries, _query("before", _WHOLE), kind], text="text/plain"
                )
            },
            f"{base}/specification": {"get": _operation("The values of all that", "Specification", [kind], text="text/html")},
            f"{base}/{UPDATE}": {"post": update},
            f"{base}/{UPDATE}/{{edition_id}}": {"post": edition},
        },
        "components": {
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "query", "name": "apiKey"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
            "schemas": _schemas(),
        },
        "security": [{"bearer": []}, {"key": []}],
    }


def _operation(
    summary: str, schema: str, parameters: list[JSON], *, status: str = "200", text: str | None = None
) -> dict[str, JSON]:
    content: dict[str, JSON] = _json(schema)
    if text is not None:
        content[text] = {"schema": _TEXT}
    responses: dict[str, JSON] = {status: {"description": summary, "content": content}}
    if status == "202":
        responses["409"] = {"description": "There is nothing to update", "content": _json("Error")}
    else:
        responses["304"] = {"description": "Nothing has changed since the answer whose tag is named"}
    for refused, why in ({"400": "A value is refused; error says which"} | _REFUSED).items():
        responses[refused] = {"description": why, "content": _json("Error")}
    known = [_path("publication_code"), _path("suffix")]
    return {"summary": summary, "parameters": [*known, *parameters], "responses": responses}


def _schemas() -> dict[str, JSON]:
    head: dict[str, JSON] = {"version": {"const": VERSION}, "publication": _TEXT, "account": _TEXT, "endpoint": _TEXT}
    told: dict[str, JSON] = {"generated_at": _MOMENT, "poll_interval": {"enum": [BUSY_SECONDS, IDLE_SECONDS]}}
    action: dict[str, JSON] = {
        "id": _TEXT,
        "action": {"enum": list(STAGES)},
        "target": _or_null(_TEXT),
        "triggered_by": {"enum": ["manual", "schedule", "api", "update_content", "publish"]},
        "started_at": _or_null(_MOMENT),
    }
    progress: dict[str, JSON] = {
        "stage": {"enum": list(STAGES.values())},
        "total": _or_null(_WHOLE),
        "done": _WHOLE,
        "failed": _WHOLE,
        "percent": _or_null({"type": "number", "minimum": 0, "maximum": 100}),
    }
    running: dict[str, JSON] = {
        **action,
        "state": {"enum": ["queued", "running"]},
        "updated_at": _MOMENT,
        "progress": _object(progress),
        "warnings": _WHOLE,
        "errors": _WHOLE,
    }
    ended: dict[str, JSON] = {
        **action,
        "state": {"enum": [*dict.fromkeys(ENDS.values()), "warning"]},
        "finished_at": _MOMENT,
        "duration_seconds": _or_null({"type": "number", "minimum": 0}),
        "counts": _object({"pages": _WHOLE, "editions": _WHOLE, "failed": _WHOLE}),
        "message": _TEXT,
    }
    entry: dict[str, JSON] = {
        "id": _WHOLE,
        "at": _MOMENT,
        "level": {"enum": ["notice", "warning", "error"]},
        "action_id": _or_null(_TEXT),
        "message": _TEXT,
    }
    update: dict[str, JSON] = {
        "id": _TEXT,
        "action": {"const": "update_content"},
        "target": _or_null(_TEXT),
        "state": {"const": "queued"},
        "tasks": {"type": "array", "items": _TEXT},
    }
    return {
        "Progress": _object({**head, **told, "actions": _list_of(running)}),
        "Completed": _object({**head, **told, "actions": _list_of(ended)}),
        "Activity": _object({**head, "entries": _list_of(entry)}),
        "Specification": _object({**head, "api_key": _TEXT, "urls": {"type": "object"}, "polling": {"type": "object"}}),
        "Update": _object(update),
        "Error": _object({"error": _TEXT}),
    }


def _path(name: str) -> JSON:
    return {"name": name, "in": "path", "required": True, "schema": _TEXT}


def _query(name: str, schema: JSON) -> JSON:
    return {"name": name, "in": "query", "required": False, "schema": schema}


def _list_of(properties: dict[str, JSON]) -> JSON:
    return {"type": "array", "items": _object(properties)}


def _or_null(schema: JSON) -> JSON:
    return {"oneOf": [schema, {"type": "null"}]}


def _object(properties: dict[str, JSON]) -> dict[str, JSON]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _json(schema: str) -> dict[str, JSON]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}

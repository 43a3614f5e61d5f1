"""The OpenAPI document of the facade. Source: OpenAPI Specification 3.1.0."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from entrepot.facades.livingdocs.addresses import DATED, UNDATED
from entrepot.facades.livingdocs.filters import DEFAULT_LIMIT, DOCUMENT_TYPES, HIGHEST_LIMIT

if TYPE_CHECKING:
    from entrepot.errors import JSON

_BOUNDS = {"gte": "from this one on", "gt": "after this one", "lte": "up to this one", "lt": "before this one"}
_REFUSED = {
    "400": "A parameter is refused; error_details names it",
    "401": "The token is missing, unknown or expired",
    "403": "The token has not the scope public-api:read",
    "404": "There is no such channel, or no such route",
    "410": "The version was retired, or events that were asked for were removed",
    "429": "The token asks too often; Retry-After says how many seconds to wait",
}


@cache
def description() -> dict[str, JSON]:
    """Return the document; one for all versions, which differ in what is around the events."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Publication events",
            "version": DATED[-1],
            "description": "What was published, updated and unpublished, as Livingdocs' public API tells it.",
        },
        "paths": {
            "/api/{version}/publicationEvents": {"get": _operation("Events of the default channel", has_channel=False)},
            "/api/{version}/publicationEvents/{channelHandle}": {"get": _operation("Events of a channel", has_channel=True)},
        },
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Event": _event(), "Error": _error()},
        },
        "security": [{"bearer": []}],
    }


def _operation(summary: str, *, has_channel: bool) -> dict[str, JSON]:
    version: JSON = {
        "name": "version",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "enum": [*UNDATED, *DATED]},
    }
    channel: JSON = {"name": "channelHandle", "in": "path", "required": True, "schema": {"type": "string"}}
    refused: dict[str, JSON] = {
        status: {"description": text, "content": _json({"$ref": "#/components/schemas/Error"})}
        for status, text in _REFUSED.items()
    }
    events: dict[str, JSON] = {"type": "array", "items": {"$ref": "#/components/schemas/Event"}}
    results: JSON = {"type": "object", "properties": {"results": events}, "required": ["results"]}
    return {
        "summary": summary,
        "operationId": "getPublicationEventsOfChannel" if has_channel else "getPublicationEvents",
        "parameters": [version, *([channel] if has_channel else []), *_parameters()],
        "responses": {
            "200": {
                "description": "An array up to version 2025-11, an object of results from 2026-01 on",
                "content": _json({"oneOf": [events, results]}),
            },
            "304": {"description": "Nothing has changed since the answer with the ETag in If-None-Match"},
            **refused,
        },
    }


def _parameters() -> list[JSON]:
    number: dict[str, JSON] = {"type": "integer", "format": "int64"}
    date: dict[str, JSON] = {"type": "string", "format": "date-time"}
    return [
        _parameter(
            "limit",
            {"type": "integer", "minimum": 1, "maximum": HIGHEST_LIMIT, "default": DEFAULT_LIMIT},
            "Number of events",
        ),
        _parameter("reverse", {"type": "boolean", "default": False}, "The newest first; the name alone says true"),
        _parameter("contentTypes", {"type": "string"}, "Comma separated content types, any of them"),
        _parameter("documentTypes", {"type": "string"}, f"Comma separated list of {', '.join(DOCUMENT_TYPES)}, any of them"),
        *(_parameter(f"id.{name}", number, f"Events {text}") for name, text in _BOUNDS.items()),
        *(_parameter(f"createdAt.{name}", date, f"Events of moments {text}") for name, text in _BOUNDS.items()),
        _parameter("after", number, "Old name of id.gte") | {"deprecated": True},
    ]


def _parameter(name: str, schema: dict[str, JSON], text: str) -> dict[str, JSON]:
    return {"name": name, "in": "query", "required": False, "description": text, "schema": schema}


def _event() -> dict[str, JSON]:
    number: JSON = {"type": "integer", "format": "int64"}
    properties: dict[str, JSON] = {
        "id": number,
        "createdAt": {"type": "string", "format": "date-time"},
        "projectId": number,
        "channelId": number,
        "documentId": number,
        "documentType": {"type": "string", "enum": list(DOCUMENT_TYPES)},
        "eventType": {"type": "string", "enum": ["publish", "unpublish", "update"]},
        "publicationId": number,
    }
    return {"type": "object", "properties": properties, "required": list(properties)}


def _error() -> dict[str, JSON]:
    return {
        "type": "object",
        "properties": {
            "status": {"type": "integer"},
            "error": {"type": "string"},
            "error_details": {"type": "object", "additionalProperties": {"type": "string"}},
            "name": {"type": "string"},
            "message": {"type": "string"},
        },
    }


def _json(schema: dict[str, JSON]) -> dict[str, JSON]:
    return {"application/json": {"schema": schema}}

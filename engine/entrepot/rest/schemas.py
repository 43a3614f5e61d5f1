"""The JSON schemas that several resources share, as OpenAPI 3.1 holds them.

A module of a resource writes its own in the same manner. Objects are open: clients must expect more keys.
"""

from __future__ import annotations

from entrepot.errors import JSON
from entrepot.rest.endpoint import Schema

TEXT: Schema = {"type": "string"}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
MOMENT: Schema = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}
MOMENT_OR_NULL: Schema = {"type": ["string", "null"], "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}
INTEGER: Schema = {"type": "integer"}
BOOLEAN: Schema = {"type": "boolean"}
OBJECT: Schema = {"type": "object"}
OBJECT_OR_NULL: Schema = {"type": ["object", "null"]}
NULL: Schema = {"type": "null"}


def record(title: str, /, optional: tuple[str, ...] = (), **properties: Schema) -> Schema:
    """Return the schema of an object that has all of `properties`, but for those that are optional."""
    required: list[JSON] = [name for name in properties if name not in optional]
    return {"title": title, "type": "object", "properties": dict(properties), "required": required}


def body(title: str, /, required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    """Return the schema of a request's object, of whose properties only `required` must be there."""
    return {"title": title, "type": "object", "properties": dict(properties), "required": list[JSON](required)}


#: Microseconds since 1970.
MICROSECONDS: Schema = {"type": ["integer", "null"]}


def closed(schema: Schema) -> Schema:
    """Return the schema of a request's object that is refused if it has other properties than these."""
    return {**schema, "additionalProperties": False}


def many(item: Schema) -> Schema:
    """Return the schema of a list of `item`."""
    return {"type": "array", "items": item}


OID: Schema = {
    "title": "ObjectId",
    "type": "object",
    "properties": {"$oid": {"type": "string", "pattern": "^[0-9a-f]{24}$"}},
    "required": ["$oid"],
}
TASK_LINK = record("TaskLink", _href=TEXT, task_id=TEXT)
ERROR = record("Error", code=TEXT, description=TEXT, data=OBJECT, sub_errors=many(OBJECT))
#: Source: the Pulp 2 REST contract, 1.7.
CALL_REPORT = record("CallReport", result={}, error={**OBJECT_OR_NULL}, spawned_tasks=many(TASK_LINK))
#: Source: the Pulp 2 REST contract, 1.4.
PROBLEM = record(
    "Problem",
    _href=TEXT,
    http_request_method=TEXT,
    http_status=INTEGER,
    error_message=TEXT,
    exception={"type": ["array", "null"], "items": TEXT},
    traceback={"type": ["array", "null"], "items": TEXT},
    error=ERROR,
)

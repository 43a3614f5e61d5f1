"""Describe every endpoint in OpenAPI 3.1, from the table that serves them.

Source: the OpenAPI Specification 3.1.1.
"""

from __future__ import annotations

from http import HTTPStatus

from entrepot.errors import JSON
from entrepot.rest.endpoint import PREFIX, Endpoint, Parameter, Schema
from entrepot.rest.schemas import PROBLEM
from entrepot.version import __version__

#: What any endpoint may answer: the store or the database is away, something nobody foresaw.
_ANY = (500, 503)
#: Who may not, and who has failed to say who they are too often.
_ACCESS = (401, 403, 429)
#: What any body may be: no JSON, too large.
_BODY = (400, 413)


def describe(endpoints: tuple[Endpoint, ...]) -> dict[str, JSON]:
    """Return the OpenAPI document of `endpoints`."""
    schemas: dict[str, JSON] = {}
    paths: dict[str, JSON] = {}
    for endpoint in endpoints:
        at = paths.setdefault(PREFIX + endpoint.path, {})
        assert isinstance(at, dict)  # noqa: S101 - made here
        at[endpoint.method.lower()] = _operation(endpoint, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "entrepot", "version": __version__, "description": _DESCRIPTION},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "password": {"type": "http", "scheme": "basic"},
                "token": {"type": "http", "scheme": "bearer"},
                "certificate": {"type": "mutualTLS"},
            },
        },
        "security": [{"password": []}, {"token": []}, {"certificate": []}],
    }


_DESCRIPTION = (
    "Pulp 2's REST API, as entrepot speaks it. Slashes at the end of a path may be left out. "
    "What is refused is answered with a Problem."
)


def _operation(endpoint: Endpoint, schemas: dict[str, JSON]) -> dict[str, JSON]:
    statuses = [*endpoint.problems, *_ANY, *(_ACCESS if endpoint.permission else ()), *(_BODY if endpoint.body else ())]
    if endpoint.query:
        statuses.append(400)
    answers: dict[str, JSON] = {str(status): _answer(status, schema, schemas) for status, schema in endpoint.answers.items()}
    answers |= {str(status): _answer(status, PROBLEM, schemas) for status in sorted(set(statuses))}
    document: dict[str, JSON] = {
        "operationId": f"{endpoint.method.lower()}_{_words(endpoint.path)}",
        "summary": endpoint.summary,
        "tags": [endpoint.path.split("/")[2]],
        "parameters": [*map(_in_path, endpoint.names), *map(_in_query, endpoint.query)],
        "responses": answers,
    }
    if endpoint.permission is None:
        document["security"] = []
    else:
        resource = f" on {endpoint.resource}" if endpoint.resource else ""
        document["description"] = f"Needs the permission {endpoint.permission.name}{resource}."
    if endpoint.body is not None:
        kind = "application/octet-stream" if endpoint.body.kind == "bytes" else "application/json"
        content: dict[str, JSON] = {kind: {"schema": _named(endpoint.body.schema, schemas)}}
        document["requestBody"] = {"required": not endpoint.body.is_optional, "content": content}
    return document


def _answer(status: int, schema: Schema | None, schemas: dict[str, JSON]) -> dict[str, JSON]:
    document: dict[str, JSON] = {"description": HTTPStatus(status).phrase}
    if schema is not None:
        media_type = schema.get("contentMediaType")
        kind = media_type if isinstance(media_type, str) else "application/json"
        document["content"] = {kind: {"schema": _named(schema, schemas)}}
    return document


def _named(schema: JSON, schemas: dict[str, JSON]) -> JSON:
    """Return a schema in which each that has a title is a reference to the component of that name."""
    if isinstance(schema, list):
        return [_named(item, schemas) for item in schema]
    if not isinstance(schema, dict):
        return schema
    title = schema.get("title")
    if not isinstance(title, str):  # a property may be called so
        return {key: _named(value, schemas) for key, value in schema.items()}
    inside: JSON = {key: _named(value, schemas) for key, value in schema.items() if key != "title"}
    if schemas.setdefault(title, inside) != inside:
        raise ValueError(f"two schemas have the title {title}")
    return {"$ref": f"#/components/schemas/{title}"}


def _in_path(name: str) -> dict[str, JSON]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _in_query(parameter: Parameter) -> dict[str, JSON]:
    schema: JSON = {"type": "array", "items": parameter.schema} if parameter.is_repeated else parameter.schema
    return {"name": parameter.name, "in": "query", "description": parameter.description, "schema": schema}


def _words(path: str) -> str:
    return path.strip("/").removeprefix("v2/").replace("{", "").replace("}", "").replace("/", "_")

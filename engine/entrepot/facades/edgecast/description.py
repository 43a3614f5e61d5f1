"""The OpenAPI document of the facade. Source: OpenAPI Specification 3.1.0."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from entrepot.facades.edgecast.deploy_requests import PATH, STATES
from entrepot.facades.edgecast.submitting import ENVIRONMENTS

if TYPE_CHECKING:
    from entrepot.errors import JSON

_REFUSED = {
    "400": "The account, the deploy request or the policy is not there, or not the account's; or a value is refused",
    "403": "The token is missing, unknown or expired, or may not do that",
    "429": "The token asks too often; Retry-After says how many seconds to wait",
}
_UNKNOWN = {"404": "The deploy request is not there, or not the account's"}
_CONFLICT = {"409": "A deploy of the same distributor is under way, or the deploy has ended"}


@cache
def description() -> dict[str, JSON]:
    """Return the document."""
    number: JSON = {"name": "AccountNumber", "in": "path", "required": True, "schema": {"type": "string"}}
    an_id: JSON = {"name": "DeployRequestID", "in": "path", "required": True, "schema": {"type": "integer"}}
    staging = {"500": "The deploy goes to staging, whose status is not told"}
    status = _operation("How far a deploy to production has got", "Status", [number, an_id], staging)
    status["security"] = [{"tok": []}]
    one = [an_id]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Deploy requests",
            "version": "1",
            "description": "How far a deploy has got, and how to ask for one, as Edgecast's APIs tell it.",
        },
        "paths": {
            "/v2/mcc/customers/{AccountNumber}/rulesv4/{DeployRequestID}/status": {"get": status},
            PATH: {"post": _operation("Ask for a deploy", "DeployRequest", [], _CONFLICT) | {"requestBody": _body()}},
            f"{PATH}/latest": {"get": _operation("The newest deploy requests", "DeployRequests", _choices(), {})},
            f"{PATH}/{{DeployRequestID}}": {
                "get": _operation("A deploy request", "DeployRequest", one, _UNKNOWN),
                "delete": _operation("Cancel a deploy", "DeployRequest", one, _UNKNOWN | _CONFLICT),
            },
        },
        "components": {
            "securitySchemes": {
                "tok": {"type": "apiKey", "in": "header", "name": "Authorization", "description": "TOK:<token>"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
            "schemas": {
                "Status": _status(),
                "DeployRequest": _request(),
                "DeployRequests": _collection(),
                "Error": _object({"Message": {"type": "string"}}),
            },
        },
        "security": [{"bearer": []}, {"tok": []}],
    }


def _operation(summary: str, schema: str, parameters: list[JSON], refused: dict[str, str]) -> dict[str, JSON]:
    responses: dict[str, JSON] = {"200": {"description": summary, "content": _json(schema)}}
    for status, text in (_REFUSED | refused).items():
        responses[status] = {"description": text, "content": _json("Error")}
    return {"summary": summary, "parameters": parameters, "responses": responses}


def _choices() -> list[JSON]:
    schemas: dict[str, JSON] = {
        "platform_id": {"type": "string", "description": "It makes no difference here"},
        "environment": {"type": "string", "enum": list(ENVIRONMENTS)},
        "state": {"type": "string", "enum": list(STATES)},
        "policy.id": {"type": "string", "description": "Policies, separated by commas"},
        "search": {"type": "string", "description": "A part of the repository's or the distributor's id, or of the message"},
    }
    return [{"name": name, "in": "query", "required": False, "schema": schema} for name, schema in schemas.items()]


def _body() -> JSON:
    policy = "repository, repository:distributor or repository:distributor:revision"
    properties: dict[str, JSON] = {
        "policy_id": {"type": "string", "description": policy},
        "environment": {"type": "string", "enum": list(ENVIRONMENTS)},
        "message": {"type": "string"},
    }
    schema: JSON = {"type": "object", "properties": properties, "required": ["policy_id", "environment"]}
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _status() -> JSON:
    share: JSON = {"type": "number", "minimum": 0, "maximum": 100}
    pop = _object({"name": {"type": "string"}, "percentage_propagated": share})
    properties: dict[str, JSON] = {
        "Status": {"type": "string", "enum": ["New", "propagating", "propagated"]},
        "Percent_propagated": share,
        "Pops": {"type": "array", "items": pop},
    }
    return {"type": "object", "properties": properties, "required": ["Status", "Percent_propagated"]}


def _request() -> JSON:
    text: JSON = {"type": "string"}
    moment: JSON = {"type": "string", "format": "date-time"}
    return _object(
        {
            "@id": text,
            "@type": {"const": "DeployRequest"},
            "@links": {"type": "array"},
            "id": text,
            "state": {"type": "string", "enum": list(STATES)},
            "environment": {"type": "string", "enum": list(ENVIRONMENTS)},
            "message": text,
            "customer_id": text,
            "created_at": moment,
            "updated_at": moment,
            "is_visible": {"type": "boolean"},
            "policies": {"type": "object"},
            "history": {"type": "array", "items": _object({"state": text, "created_at": moment, "message": text})},
            "user": {"type": "object"},
        }
    )


def _collection() -> JSON:
    items: JSON = {"type": "array", "items": {"$ref": "#/components/schemas/DeployRequest"}}
    return _object(
        {
            "@id": {"type": "string"},
            "@type": {"const": "Collection"},
            "@links": {"type": "array"},
            "items": items,
            "total_items": {"type": "integer"},
        }
    )


def _object(properties: dict[str, JSON]) -> dict[str, JSON]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _json(schema: str) -> dict[str, JSON]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}

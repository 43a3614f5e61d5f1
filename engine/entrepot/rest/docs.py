"""The description of this API: in OpenAPI for programs, as a page for people. Anybody may read both."""

from __future__ import annotations

from functools import cache

from entrepot.errors import JSON
from entrepot.rest import docs_page
from entrepot.rest.endpoint import Answer, Asked, Endpoint
from entrepot.rest.openapi import describe
from entrepot.rest.schemas import OBJECT


def get_openapi(asked: Asked) -> Answer:  # noqa: ARG001 - the same for all
    """Return the description of all endpoints in OpenAPI 3.1."""
    return Answer(_document())


def get_page(asked: Asked) -> Answer:  # noqa: ARG001 - the same for all
    """Return the description of all endpoints as a page, which needs no script and nothing from elsewhere."""
    headers = {"content-security-policy": docs_page.POLICY, "referrer-policy": "no-referrer"}
    return Answer(_page(), headers=headers, media_type="text/html; charset=utf-8")


@cache
def _document() -> dict[str, JSON]:
    return describe(_all_endpoints())


@cache
def _page() -> str:
    return docs_page.page(_all_endpoints())


def _all_endpoints() -> tuple[Endpoint, ...]:
    from entrepot.rest.routes import ENDPOINTS  # which names this module's endpoints too

    return ENDPOINTS


ENDPOINTS = (
    Endpoint("GET", "/v2/docs/", None, get_page, {200: {"type": "string", "contentMediaType": "text/html"}}),
    Endpoint("GET", "/v2/docs/openapi.json", None, get_openapi, {200: OBJECT}),
)

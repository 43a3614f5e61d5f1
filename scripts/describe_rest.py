"""Write docs/reference/rest.md from the table of endpoints, so that the page cannot be wrong.

`tests/house/test_generated_pages.py` compares the two; `scripts/format` runs this.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from entrepot.rest.endpoint import Endpoint, Schema
from entrepot.rest.routes import ENDPOINTS

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "rest.md"

HEAD = """\
# REST endpoints

Written by `scripts/describe_rest.py`; `make format` renews it. First requests, search, errors and what is different
from Pulp 2: [REST API](../rest.md). A running server describes the same for programs: `/pulp/api/v2/docs/openapi.json`.

Paths stand below `/pulp/api`; a slash at the end may be left out. An endpoint that needs a permission may answer 401, 403 or
429, one that reads a body 400 or 413, any 500 or 503. Only what it refuses beyond that is listed. A field with `*` must be
given. What is refused is answered with a document of the [error](errors.md).
"""
#: Fields of a body that are named one by one; of more only the first.
_MOST_FIELDS = 16


def pages() -> dict[Path, str]:
    """Return the page as it has to be, by its path."""
    ordered = sorted(ENDPOINTS, key=_area)
    parts = [HEAD]
    for area, endpoints in groupby(ordered, key=_area):
        parts += [f"## {area}\n", *(line for endpoint in endpoints for line in _lines(endpoint)), ""]
    return {PAGE: "\n".join(parts).rstrip() + "\n"}


def _area(endpoint: Endpoint) -> str:
    return endpoint.path.split("/")[2]


def _lines(endpoint: Endpoint) -> Iterator[str]:
    yield f"* `{endpoint.method} {endpoint.path}`: {endpoint.summary}"
    said = [_permission(endpoint)]
    if endpoint.query:
        said.append("Query: " + ", ".join(f"`{parameter.name}`" for parameter in endpoint.query) + ".")
    if endpoint.body:
        said.append(_body(endpoint.body.kind, endpoint.body.schema, is_optional=endpoint.body.is_optional))
    said.append("Answers " + ", ".join(_answer(status, schema) for status, schema in endpoint.answers.items()) + ".")
    if endpoint.problems:
        said.append("Refuses with " + ", ".join(map(str, sorted(endpoint.problems))) + ".")
    yield "  " + " ".join(said)


def _permission(endpoint: Endpoint) -> str:
    if endpoint.permission is None:
        return "Anybody may."
    on = f" on `{endpoint.resource}`" if endpoint.resource else ""
    return f"Needs {endpoint.permission.name}{on}."


def _body(kind: str, schema: Schema, *, is_optional: bool) -> str:
    if kind == "bytes":
        return "Body: bytes."
    word = "Body (may be left out)" if is_optional else "Body"
    if kind == "list":
        return f"{word}: a list."
    properties, required = schema.get("properties"), schema.get("required")
    if not isinstance(properties, dict) or not properties:
        return f"{word}: an object."
    must = required if isinstance(required, list) else []
    fields = [f"`{name}`{'*' if name in must else ''}" for name in list(properties)[:_MOST_FIELDS]]
    more = ["…"] if len(properties) > _MOST_FIELDS else []
    return f"{word}: {', '.join([*fields, *more])}."


def _answer(status: int, schema: Schema | None) -> str:
    if schema is None:
        return f"{status}"
    items = schema.get("items")
    if isinstance(items, dict) and isinstance(items.get("title"), str):
        return f"{status} (list of {items['title']})"
    title = schema.get("title")
    return f"{status} ({title})" if isinstance(title, str) else f"{status}"


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")

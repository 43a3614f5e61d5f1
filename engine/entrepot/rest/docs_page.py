"""Write the page that describes the endpoints, from the table that serves them. Nothing in it runs or loads anything."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from html import escape
from http import HTTPStatus
from itertools import groupby

from entrepot.errors import JSON
from entrepot.rest.endpoint import PREFIX, Endpoint, Parameter, Schema
from entrepot.rest.schemas import PROBLEM
from entrepot.version import __version__

_STYLE = (
    ":root{color-scheme:light dark;--ink:#1d2126;--soft:#59626d;--line:#d5dae0;--page:#fff;--box:#f5f7f9;--link:#0a57b5}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e4e8ec;--soft:#a3adb8;--line:#3a424b;--page:#15191d;--box:#1e242a;"
    "--link:#86b9ff}}"
    "body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);margin:2rem auto;max-width:64rem;"
    "padding:0 1rem}"
    "h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}h3{font-size:1rem;margin:1rem 0 .3rem}"
    "a{color:var(--link)}nav a{margin-right:.8rem}p{margin:.5rem 0}"
    "code,pre{font:13px/1.5 ui-monospace,monospace;overflow-wrap:anywhere}"
    "pre{background:var(--page);border:1px solid var(--line);border-radius:4px;padding:.6rem;white-space:pre-wrap}"
    "details{border:1px solid var(--line);border-radius:4px;margin:.4rem 0}"
    "details[open]{background:var(--box)}summary{padding:.4rem .7rem;cursor:pointer;overflow-wrap:anywhere}"
    "summary b{display:inline-block;min-width:4.2rem}summary span{color:var(--soft)}"
    "details>div{padding:0 .9rem .7rem;overflow-x:auto}"
    "table{border-collapse:collapse}th,td{text-align:left;vertical-align:top;padding:.15rem 1rem .15rem 0}"
    "th{font-weight:600;color:var(--soft)}"
)
_DIGEST = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
#: What the page may load and run: its own style, and nothing else.
POLICY = f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

_INTRODUCTION = (
    "Pulp 2's REST API, as entrepot speaks it. Send a login and password (HTTP Basic), a token (Bearer) or a client "
    "certificate. Slashes at the end of a path may be left out. What is refused is answered with a Problem: beyond what is "
    "named here, 401, 403 or 429 where a permission is needed, 400 or 413 where there is a body, 500 or 503 when something is "
    "down. Lists are whole; clients must expect more keys than are named here."
)


def page(endpoints: tuple[Endpoint, ...]) -> str:
    """Return the page, in HTML."""
    areas = [(area, list(found)) for area, found in groupby(sorted(endpoints, key=_place), key=_area)]
    links = "".join(f'<a href="#{escape(area)}">{escape(area)}</a>\n' for area, _ in areas)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>entrepot REST API</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>entrepot REST API <small>{escape(__version__)}</small></h1>\n<p>{escape(_INTRODUCTION)}</p>\n"
        f'<p>For programs: <a href="{PREFIX}/v2/docs/openapi.json">openapi.json</a> (OpenAPI 3.1).</p>\n'
        f'<nav aria-label="Areas">\n{links}<a href="#schemas">schemas</a>\n</nav>\n'
        + "".join(f'<h2 id="{escape(area)}">{escape(area)}</h2>\n{"".join(map(_endpoint, found))}' for area, found in areas)
        + f'<h2 id="schemas">Schemas</h2>\n{"".join(map(_schema_entry, _named_schemas(endpoints)))}'
        + "</main>\n</body>\n</html>\n"
    )


def _endpoint(endpoint: Endpoint) -> str:
    needs = f"Needs the permission {endpoint.permission.name}." if endpoint.permission is not None else "Anybody may."
    parts = [f"<p>{needs}</p>\n"]
    in_path = [Parameter(name, "In the path.") for name in endpoint.names]
    if in_path or endpoint.query:
        parts.append(f"<h3>Parameters</h3>\n{_table(map(_parameter, (*in_path, *endpoint.query)))}")
    if endpoint.body is not None:
        optional = " (may be left out)" if endpoint.body.is_optional else ""
        parts.append(f"<h3>Body{optional}</h3>\n{_properties(endpoint.body.schema)}")
    parts.append(f"<h3>Answers</h3>\n{_table(_answers(endpoint))}")
    parts.append(f"<h3>Example</h3>\n<pre>{escape(_curl(endpoint))}</pre>\n")
    path = escape(PREFIX + endpoint.path)
    return (
        f"<details>\n<summary><b>{escape(endpoint.method)}</b> <code>{path}</code> <span>{_text(endpoint.summary)}</span>"
        f"</summary>\n<div>\n{''.join(parts)}</div>\n</details>\n"
    )


def _parameter(parameter: Parameter) -> tuple[str, str, str]:
    repeated = " May be repeated." if parameter.is_repeated else ""
    return f"<code>{escape(parameter.name)}</code>", _type(parameter.schema), _text(parameter.description + repeated)


def _answers(endpoint: Endpoint) -> Iterator[tuple[str, str]]:
    for status, schema in endpoint.answers.items():
        yield f"{status} {escape(HTTPStatus(status).phrase)}", "" if schema is None else _type(schema)
    for status in endpoint.problems:
        yield f"{status} {escape(HTTPStatus(status).phrase)}", _type(PROBLEM)


def _properties(schema: Schema) -> str:
    rows = [
        (
            f"<code>{escape(name)}</code>",
            _type(inside),
            "required" if is_required else "",
            _text(str(inside.get("description", ""))),
        )
        for name, inside, is_required in _fields(schema)
    ]
    return _table(rows) if rows else f"<p>{_type(schema)}</p>\n"


def _fields(schema: Schema) -> Iterator[tuple[str, Schema, bool]]:
    """Yield the properties of an object's schema: name, schema, whether it must be there."""
    for part in _schemas(schema.get("allOf")):
        yield from _fields(part)
    properties, needed = schema.get("properties"), schema.get("required")
    if isinstance(properties, dict):
        for name, inside in properties.items():
            if isinstance(inside, dict):
                yield name, inside, isinstance(needed, list) and name in needed


def _schema_entry(named: tuple[str, Schema]) -> str:
    title, schema = named
    return (
        f"<details>\n<summary><code>{escape(title)}</code></summary>\n"
        f'<div id="{_anchor(title)}">\n{_properties(schema)}</div>\n</details>\n'
    )


def _type(schema: Schema) -> str:
    """Return what a schema demands, in a few words; one with a title is a link to it."""
    title, kind, choices = schema.get("title"), schema.get("type"), schema.get("enum")
    if isinstance(title, str):
        return f'<a href="#{_anchor(title)}">{escape(title)}</a>'
    items = schema.get("items")
    if kind == "array" and isinstance(items, dict):
        return f"list of {_type(items)}"
    if isinstance(choices, list):
        return " or ".join(f"<code>{escape(json.dumps(choice))}</code>" for choice in choices)
    if "const" in schema:
        return f"<code>{escape(json.dumps(schema['const']))}</code>"
    if isinstance(schema.get("contentMediaType"), str):
        return escape(str(schema["contentMediaType"]))
    kinds = kind if isinstance(kind, list) else [kind or "any JSON"]
    return escape(" or ".join(map(str, kinds)))


def _named_schemas(endpoints: Iterable[Endpoint]) -> list[tuple[str, Schema]]:
    found: dict[str, Schema] = {}

    def gather(value: JSON) -> None:
        if isinstance(value, list):
            for item in value:
                gather(item)
        elif isinstance(value, dict):
            title = value.get("title")
            if isinstance(title, str):
                found.setdefault(title, value)
            for item in value.values():
                gather(item)

    for endpoint in endpoints:
        gather([*endpoint.answers.values(), endpoint.body.schema if endpoint.body else None])
    gather(PROBLEM)
    return sorted(found.items())


def _curl(endpoint: Endpoint) -> str:
    path = re.sub(r"\{(\w+)\}", lambda match: match[1].upper(), endpoint.path)
    words = ["curl"]
    if endpoint.permission is not None:
        words.append("-u LOGIN")
    if endpoint.method != "GET":
        words.append(f"-X {endpoint.method}")
    if endpoint.body is not None and endpoint.body.kind == "bytes":
        words.append("--data-binary @FILE")
    elif endpoint.body is not None:
        item = endpoint.body.schema.get("items")
        schema = item if isinstance(item, dict) else endpoint.body.schema
        example: JSON = {name: _example(inside) for name, inside, is_required in _fields(schema) if is_required}
        if endpoint.body.kind == "list":
            example = [example]
        words.append(f"-H 'Content-Type: application/json' -d '{json.dumps(example, ensure_ascii=False)}'")
    return f"{' '.join(words)} https://SERVER{PREFIX}{path}"


def _example(schema: Schema) -> JSON:
    """Return a value of that type."""
    choices, kind = schema.get("enum"), schema.get("type")
    if isinstance(choices, list) and choices:
        return choices[0]
    if isinstance(kind, list):
        kind = kind[0]
    examples: dict[object, JSON] = {"string": "…", "integer": 1, "number": 1, "boolean": True, "array": [], "object": {}}
    return examples.get(kind)


def _table(rows: Iterable[Iterable[str]]) -> str:
    lines = ("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>\n" for row in rows)
    return f"<table>\n{''.join(lines)}</table>\n"


def _text(text: str) -> str:
    """Return text as HTML, what stands between back-quotes as code."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(text))


def _anchor(title: str) -> str:
    return "schema-" + re.sub(r"\W", "-", title)


def _schemas(value: JSON) -> list[Schema]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _area(endpoint: Endpoint) -> str:
    return endpoint.path.split("/")[2]


def _place(endpoint: Endpoint) -> tuple[str, str]:
    return _area(endpoint), endpoint.path

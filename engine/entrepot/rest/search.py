"""Searches: the criteria of a request, from its body or its query, and documents cut to the fields that were asked for.

Source: the Pulp 2 REST contract, 4.1, 4.2 and 4.4.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TypeAlias

from entrepot.errors import JSON, InvalidValue
from entrepot.rest.endpoint import Asked, Body, Parameter, Schema
from entrepot.rest.reading import read_json, required
from entrepot.rest.schemas import OBJECT_OR_NULL, TEXT, body

NUMBER: Schema = {"type": ["integer", "string", "null"], "description": "A whole number; text of digits will do."}
SORT: Schema = {"type": ["array", "null"], "items": {"type": "array"}, "description": "[field, ascending or descending]."}
FIELDS: Schema = {"type": ["array", "null"], "items": TEXT}
#: The flag of a search: JSON's true, or the text, in any letters.
FLAG: Schema = {"type": ["boolean", "string", "null"]}
CRITERIA = body("Criteria", filters=OBJECT_OR_NULL, sort=SORT, limit=NUMBER, skip=NUMBER, fields=FIELDS)

#: What a search by GET may be given.
PARAMETERS = (
    Parameter("filters", "A query document as JSON."),
    Parameter("sort", "A list of [field, direction] as JSON; the direction is ascending or descending."),
    Parameter("limit", "How many are shown at most."),
    Parameter("skip", "How many are passed over before that."),
    Parameter("field", "A field to show; without any, all are shown.", is_repeated=True),
)
_AS_JSON = ("filters", "sort")
_LAST = ("limit", "skip")

Tree: TypeAlias = "dict[str, Tree | None]"


def search_body(title: str, criteria: Schema = CRITERIA, **flags: Schema) -> Body:
    """Return the body of a search by POST: its criteria, and the flags of this one."""
    return Body(body(title, ("criteria",), criteria=criteria, **flags))


def criteria_document(asked: Asked, *, flags: Collection[str] = ()) -> JSON:
    """Return the criteria as an object, not checked: those of the body, or those that the query makes up.

    Raises `MissingValue` if the body has none, `InvalidValue` naming each parameter of the query that is unknown (but for
    `flags`) or no JSON.
    """
    if asked.scope["method"] == "POST":
        return required(asked, "criteria")
    found: dict[str, JSON] = {}
    refused = [name for name in asked.query if name not in _KNOWN and name not in flags]
    for name in (name for name in _AS_JSON if name in asked.query):
        try:
            found[name] = read_json(asked.query[name][-1])
        except ValueError:
            refused.append(name)
    if refused:
        raise InvalidValue(*refused, why="filters and sort are JSON, and other parameters than those of a search are refused")
    found |= {name: asked.query[name][-1] for name in _LAST if name in asked.query}
    if "field" in asked.query:
        found["fields"] = list[JSON](asked.query["field"])
    return found


_KNOWN = frozenset(parameter.name for parameter in PARAMETERS)


def cut(document: Mapping[str, JSON], tree: Tree, always: Collection[str]) -> dict[str, JSON]:
    """Return a document with the keys `always`, and those that `tree` names; nothing is made up for what is not asked for."""
    return {
        name: value if name in always or tree[name] is None else _inside(value, tree[name])
        for name, value in document.items()
        if name in always or (name in tree and (tree[name] is None or isinstance(value, (dict, list))))
    }


def tree_of(fields: Iterable[str], aliases: Mapping[str, str] | None = None) -> Tree:
    """Return what fields name, dotted ones as branches; None stands for a whole value."""
    tree: Tree = {}
    for field in fields:
        first, *path = field.split(".")
        names = [(aliases or {}).get(first, first), *path]
        branch = tree
        for name in names[:-1]:
            below = branch.setdefault(name, {})
            if below is None:
                break
            branch = below
        else:
            branch[names[-1]] = None
    return tree


def part_of(schema: Schema, title: str, always: Iterable[str]) -> Schema:
    """Return the schema of documents that were cut: only `always` must be there."""
    return {**schema, "title": title, "required": list[JSON](always)}


def _inside(value: JSON, tree: Tree | None) -> JSON:
    if tree is None:
        return value
    if isinstance(value, list):
        return [_inside(item, tree) for item in value if isinstance(item, (dict, list))]
    return cut(value, tree, ()) if isinstance(value, dict) else None

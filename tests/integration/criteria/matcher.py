"""What a filter means, written down as simply as possible: the measure of what the compiler makes of it.

It works on the JSON of the filter and on one document, in memory, and shares no line with the compiler but the patterns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

NOTHING = object()


def matches(filters: dict[str, Any], document: Any) -> bool:
    """Whether a document meets the filter."""
    return all(meets(name, operand, document) for name, operand in filters.items())


def meets(name: str, operand: Any, document: Any) -> bool:
    if name == "$and":
        return all(matches(part, document) for part in operand)
    if name == "$or":
        return any(matches(part, document) for part in operand)
    if name == "$nor":
        return not any(matches(part, document) for part in operand)
    return condition(list(reached(document, name.split("."))), operand)


def reached(value: Any, path: list[str]) -> Iterator[Any]:
    """Whatever a path leads to; `NOTHING` where it ends early."""
    if not path:
        yield value
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, dict):
                yield from reached(item, path)
        if path[0].isdigit() and str(int(path[0])) == path[0] and int(path[0]) < len(value):
            item = value[int(path[0])]
            if len(path) == 1 or isinstance(item, (list, dict)):
                yield from reached(item, path[1:])
    elif isinstance(value, dict) and path[0] in value:
        yield from reached(value[path[0]], path[1:])
    elif len(path) > 1:
        yield from reached(NOTHING, path[1:])
    else:
        yield NOTHING


def condition(found: list[Any], operand: Any) -> bool:
    if isinstance(operand, dict) and operand and next(iter(operand)).startswith("$"):
        return all(operator(found, name, operand[name], operand) for name in operand if name != "$options")
    return any_of(found, lambda value: same(value, operand))


def any_of(found: list[Any], test: Callable[[Any], bool]) -> bool:
    """Whether a value, or an element of a value, meets the test."""
    return any(test(value) or (isinstance(value, list) and any(map(test, value))) for value in found)


def operator(found: list[Any], name: str, operand: Any, operators: dict[str, Any]) -> bool:
    if name in ("$ne", "$nin"):
        return not operator(found, {"$ne": "$eq", "$nin": "$in"}[name], operand, operators)
    if name == "$not":
        return not condition(found, operand if isinstance(operand, dict) else {"$regex": operand})
    if name == "$all":
        return bool(operand) and all(any_of(found, lambda value, item=item: same(value, item)) for item in operand)
    if name == "$exists":
        return any(value is not NOTHING for value in found) is bool(operand)
    if name == "$size":
        return any(isinstance(value, list) and len(value) == operand for value in found)
    if name == "$elemMatch":
        return any(isinstance(value, list) and any(element(item, operand) for item in value) for value in found)
    return any_of(found, lambda value: scalar(value, name, operand, operators.get("$options", "")))


def element(item: Any, operand: dict[str, Any]) -> bool:
    first = next(iter(operand), "")
    if first.startswith("$") and first not in ("$and", "$or", "$nor"):
        return all(one(item, name, operand) for name in operand if name != "$options")
    return isinstance(item, dict) and matches(operand, item)


def one(item: Any, name: str, operators: dict[str, Any]) -> bool:
    """Whether an element itself, and not one of its own elements, meets an operator."""
    operand = operators[name]
    if name in ("$ne", "$nin"):
        return not one(item, {"$ne": "$eq", "$nin": "$in"}[name], {"$eq": operand, "$in": operand})
    if name == "$not":
        return not all(one(item, inner, operand) for inner in operand)
    if name in ("$exists", "$size", "$elemMatch"):
        return operator([item], name, operand, operators)
    if name == "$all":
        return bool(operand) and all(same(item, wanted) for wanted in operand)
    return scalar(item, name, operand, operators.get("$options", ""))


def scalar(value: Any, name: str, operand: Any, options: str) -> bool:
    if name == "$eq":
        return same(value, operand)
    if name == "$in":
        return any(same(value, item) for item in operand)
    if name == "$regex":
        flags = 0
        for letter in options:
            flags |= getattr(re, letter.upper())
        return isinstance(value, str) and re.search(operand, value, flags) is not None
    if name == "$type":
        return kind(value) in (operand if isinstance(operand, list) else [operand])
    if name == "$mod":
        return kind(value) == "number" and int(value) - int(int(value) / operand[0]) * operand[0] == operand[1]
    if operand is None:
        return name in ("$gte", "$lte") and same(value, None)
    if kind(value) != kind(operand):
        return False
    above, level = value > operand, value == operand
    if isinstance(value, str):
        above, level = value.encode() > operand.encode(), value == operand
    return {"$gt": above, "$gte": above or level, "$lt": not above and not level, "$lte": not above}[name]


def same(value: Any, operand: Any) -> bool:
    if operand is None:
        return value is None or value is NOTHING
    if kind(value) != kind(operand):
        return False
    if isinstance(value, list):
        return len(value) == len(operand) and all(map(exactly, value, operand))
    if isinstance(value, dict):
        return value.keys() == operand.keys() and all(exactly(value[key], operand[key]) for key in value)
    return bool(value == operand)


def exactly(value: Any, operand: Any) -> bool:
    return same(value, operand)


def kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    names = {str: "string", dict: "object", list: "array", type(None): "null"}
    return names.get(type(value), "nothing")

"""Read the JSON of a filter into the tree of `filters`, or say why it cannot be.

Limits, so that no filter costs more to read than to answer: 50 levels, 1,000 tests, 10,000 values in one list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from entrepot.criteria.filters import (
    EVERYTHING,
    Among,
    And,
    Compared,
    Element,
    Equal,
    Exists,
    Filter,
    Matching,
    Not,
    On,
    Or,
    Remainder,
    Sized,
    Test,
    Typed,
)
from entrepot.criteria.refusal import refusal
from entrepot.criteria.regex import read_pattern
from entrepot.criteria.values import DEEPEST, Value, read_text, read_value
from entrepot.errors import InvalidValue

#: Tests of one filter, and values of one list.
MOST_TESTS, MOST_VALUES = 1000, 10_000
#: Names in a dotted path, and numbers among them: each of these is a name or a place in an array.
LONGEST_PATH, MOST_PLACES = 20, 3
#: Names and numbers of types. JSON knows one kind of number; a type that it does not know is met by nothing.
_TYPES: dict[object, str] = {
    **dict.fromkeys(("double", "int", "long", "decimal", "number", 1, 16, 18, 19), "number"),
    **dict.fromkeys(("string", 2), "text"),
    **dict.fromkeys(("object", 3), "object"),
    **dict.fromkeys(("array", 4), "array"),
    **dict.fromkeys(("objectId", 7), "object id"),
    **dict.fromkeys(("bool", 8), "boolean"),
    **dict.fromkeys(("date", 9), "moment"),
    **dict.fromkeys(("null", 10), "null"),
    **dict.fromkeys(("binData", "undefined", "regex", "javascript", "timestamp", "minKey", "maxKey"), "unknown"),
    **dict.fromkeys((5, 6, 11, 13, 17, -1, 127), "unknown"),
}


def read_filter(document: object) -> Filter:
    """Return the tree of `filters`, an object or None; raises `InvalidValue("filters")`, or `("criteria")` with the reason."""
    if document is None:
        return EVERYTHING
    if not isinstance(document, Mapping):
        raise InvalidValue("filters", why="it must be an object")
    return _Reader().fields(document, depth=0)


class _Reader:
    """Reads one filter, and counts its tests."""

    def __init__(self) -> None:
        self._tests = 0

    def fields(self, document: Mapping[str, object], *, depth: int) -> Filter:
        """Read an object of names and conditions, which must all hold."""
        if depth > DEEPEST:
            raise refusal(f"filters are nested more than {DEEPEST} deep")
        parts: list[Filter] = []
        for name, operand in document.items():
            if name == "$nor":
                parts.append(Not(Or(self._several(name, operand, depth))))
            elif name == "$or":
                parts.append(Or(self._several(name, operand, depth)))
            elif name == "$and":
                parts.extend(self._several(name, operand, depth))
            elif name.startswith("$"):
                raise refusal(f"the operator {name!r} is unknown here")
            else:
                parts.append(self._condition(_path(name), operand, depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _several(self, name: str, operand: object, depth: int) -> tuple[Filter, ...]:
        if not isinstance(operand, list) or not operand:
            raise refusal(f"{name} needs a list of filters, not an empty one")
        return tuple(self.fields(_object(part, name), depth=depth + 1) for part in operand)

    def _condition(self, path: tuple[str, ...], operand: object, depth: int) -> Filter:
        if _is_of_operators(operand):
            return self._operators(path, _object(operand, "filters"), depth + 1)
        return self._on(path, Equal(read_value(operand, depth=depth)))

    def _operators(self, path: tuple[str, ...], operators: Mapping[str, object], depth: int) -> Filter:
        """Read an object of operators, which must all hold."""
        if depth > DEEPEST:
            raise refusal(f"filters are nested more than {DEEPEST} deep")
        if "$options" in operators and "$regex" not in operators:
            raise refusal("$options needs a $regex")
        tests = [
            self._operator(path, name, (operand, operators.get("$options", "")) if name == "$regex" else operand, depth)
            for name, operand in operators.items()
            if name != "$options"
        ]
        return tests[0] if len(tests) == 1 else And(tuple(tests))

    def _operator(self, path: tuple[str, ...], name: str, operand: object, depth: int) -> Filter:
        if name == "$not":
            return Not(self._negated(path, operand, depth))
        if name == "$all":
            return self._all(path, operand, depth)
        if name == "$elemMatch":
            return self._on(path, self._element(operand, depth))
        if name == "$exists":
            return self._on(path, Exists()) if operand else Not(self._on(path, Exists()))
        if name in _NEGATED:
            return Not(self._on(path, _NEGATED[name](operand, depth)))
        if name in _TESTS:
            return self._on(path, _TESTS[name](operand, depth))
        raise refusal(f"the operator {name!r} is unknown here")

    def _negated(self, path: tuple[str, ...], operand: object, depth: int) -> Filter:
        """Read the operand of `$not`: operators, or a pattern."""
        if isinstance(operand, str):
            return self._on(path, _matching((operand, ""), depth))
        if not _is_of_operators(operand):
            raise refusal("$not needs an object of operators, or a pattern")
        return self._operators(path, _object(operand, "$not"), depth + 1)

    def _all(self, path: tuple[str, ...], operand: object, depth: int) -> Filter:
        parts = [
            self._on(path, self._element(item["$elemMatch"], depth))
            if isinstance(item, Mapping) and item.keys() == {"$elemMatch"}
            else self._on(path, Equal(read_value(item, depth=depth)))
            for item in _bounded("$all", operand)
        ]
        return And(tuple(parts)) if parts else Or(())

    def _element(self, operand: object, depth: int) -> Element:
        document = _object(operand, "$elemMatch")
        if _is_of_operators(operand) and not {"$and", "$or", "$nor"} & document.keys():
            return Element(self._operators((), document, depth + 1), of_fields=False)
        return Element(self.fields(document, depth=depth + 1), of_fields=True)

    def _on(self, path: tuple[str, ...], test: Test) -> On:
        self._tests += 1
        if self._tests > MOST_TESTS:
            raise refusal(f"a filter may hold {MOST_TESTS} tests at most")
        return On(path, test)


def _path(name: str) -> tuple[str, ...]:
    path = tuple(read_text(name).split("."))
    if len(path) > LONGEST_PATH or sum(is_place(part) for part in path) > MOST_PLACES:
        raise refusal(f"a path may hold {LONGEST_PATH} names, and {MOST_PLACES} numbers among them, at most")
    return path


def is_place(part: str) -> bool:
    """Say whether a part of a path may be the place of an array's element."""
    return part.isascii() and part.isdigit() and (part == "0" or part[0] != "0") and len(part) <= 9  # noqa: PLR2004 - any array


def _object(document: object, name: str) -> Mapping[str, object]:
    if isinstance(document, Mapping):
        return document
    raise refusal(f"{name} must be an object")


def _is_of_operators(operand: object) -> bool:
    """Say whether an operand is an object of operators, and no value."""
    if not isinstance(operand, Mapping) or not operand or operand.keys() in ({"$date"}, {"$oid"}):
        return False
    return str(next(iter(operand))).startswith("$")


def _bounded(name: str, operand: object) -> list[object]:
    if not isinstance(operand, list):
        raise refusal(f"{name} needs a list")
    if len(operand) > MOST_VALUES:
        raise refusal(f"{name} may hold {MOST_VALUES} values at most")
    return operand


def _equal(operand: object, depth: int) -> Test:
    return Equal(read_value(operand, depth=depth))


def _among(operand: object, depth: int) -> Test:
    return Among(tuple(read_value(item, depth=depth) for item in _bounded("$in", operand)))


def _compared(sign: str) -> Callable[[object, int], Test]:
    def read(operand: object, depth: int) -> Test:
        value: Value = read_value(operand, depth=depth)
        if isinstance(value, (list, dict)):
            raise refusal("$gt, $gte, $lt and $lte compare numbers, texts, moments and truth values, no lists or objects")
        return Compared(sign, value)

    return read


def _matching(operands: object, _depth: int) -> Test:
    """Read a pattern and its options."""
    assert isinstance(operands, tuple)  # noqa: S101 - the reader makes it
    pattern, options = operands
    if not isinstance(pattern, str) or not isinstance(options, str):
        raise refusal("$regex and $options must be text")
    return Matching(read_pattern(read_text(pattern), options))


def _sized(operand: object, _depth: int) -> Test:
    length = _whole(operand)
    if length is None or length < 0:
        raise refusal("$size needs a whole number that is not negative")
    return Sized(length)


def _typed(operand: object, _depth: int) -> Test:
    named = operand if isinstance(operand, list) else [operand]
    types = {_TYPES.get(name) if isinstance(name, (str, int, float)) and not isinstance(name, bool) else None for name in named}
    if None in types or not types:
        raise refusal(f"$type: {operand!r} is no type")
    return Typed(frozenset(str(kind) for kind in types))


def _remainder(operand: object, _depth: int) -> Test:
    numbers = [_whole(item) for item in operand] if isinstance(operand, list) else []
    if len(numbers) != 2 or None in numbers or not numbers[0]:  # noqa: PLR2004 - a pair
        raise refusal("$mod needs a list of two whole numbers: a divisor other than 0, and the remainder")
    return Remainder(int(numbers[0]), int(numbers[1] or 0))


def _whole(operand: object) -> int | None:
    """Return a number without its fraction, None if it is none or too large."""
    if isinstance(operand, bool) or not isinstance(operand, (int, float)):
        return None
    return int(operand) if abs(operand) < 2**53 else None


_TESTS: dict[str, Callable[[object, int], Test]] = {
    "$eq": _equal,
    "$gt": _compared(">"),
    "$gte": _compared(">="),
    "$in": _among,
    "$lt": _compared("<"),
    "$lte": _compared("<="),
    "$regex": _matching,
    "$size": _sized,
    "$type": _typed,
    "$mod": _remainder,
}
_NEGATED: dict[str, Callable[[object, int], Test]] = {"$ne": _equal, "$nin": _among}

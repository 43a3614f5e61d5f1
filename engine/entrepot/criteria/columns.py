"""Tests of plain columns: text, whole numbers, moments, truth values and row ids, each compared with its own kind only."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from datetime import datetime

from entrepot import clock
from entrepot.criteria.condition import FALSE, TRUE, Condition, formed, some
from entrepot.criteria.dialects import Dialect
from entrepot.criteria.document import Field
from entrepot.criteria.filters import Among, Compared, Element, Equal, Exists, Matching, Remainder, Sized, Test, Typed
from entrepot.criteria.regex_forms import form
from entrepot.criteria.values import ObjectId, Value, find_moment

_SECOND_US = 1_000_000
_OID_DIGITS = 24
_HIGHEST_ROW = 2**63 - 1
#: What the signs mean for truth values: false is less than true.
SIGNS: dict[str, Callable[[bool, bool], bool]] = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_TYPE_NAMES = {"text": "text", "number": "number", "moment": "moment", "boolean": "boolean", "oid": "object id"}


def column_meets(field: Field, test: Test, dialect: Dialect) -> Condition:
    """Return the condition that a column, of another kind than json, meets the test."""
    if isinstance(test, Exists):
        return TRUE
    if isinstance(test, Typed):
        is_null = Condition(f"{field.sql} IS NULL") if "null" in test.types else FALSE
        is_kind = Condition(f"{field.sql} IS NOT NULL") if _type_names(field) & test.types else FALSE
        return some(is_null, is_kind)
    if isinstance(test, Equal):
        return _among(field, (test.value,), dialect)
    if isinstance(test, Among):
        return _among(field, test.values, dialect)
    if isinstance(test, Compared):
        return _compared(field, test.sign, test.value, dialect)
    if isinstance(test, Matching):
        return _matching(field, test, dialect)
    if isinstance(test, Remainder) and field.kind == "number":
        return formed(f"({field.sql} % ? = ?)", test.divisor, test.remainder)
    assert isinstance(test, (Sized, Element, Remainder))  # noqa: S101 - what remains is for arrays, or for numbers
    return FALSE


def nothing_meets(test: Test) -> Condition:
    """Return the condition that what is not there meets the test."""
    meets_null = (
        (isinstance(test, Equal) and test.value is None)
        or (isinstance(test, Among) and None in test.values)
        or (isinstance(test, Compared) and test.value is None and test.sign in ("<=", ">="))
    )
    return TRUE if meets_null else FALSE


def row_of(value: Value) -> int | None:
    """Return the row that an object id, or its hexadecimal digits, names; None if it can name none."""
    text = value.text if isinstance(value, ObjectId) else value
    if not isinstance(text, str) or len(text) != _OID_DIGITS or set(text.lower()) - set("0123456789abcdef"):
        return None
    row = int(text, 16)
    return row if row <= _HIGHEST_ROW else None


def _type_names(field: Field) -> set[str]:
    """Return what a column's values are; moments are both what they are and what clients see, text."""
    return {_TYPE_NAMES[field.kind], "text"} if field.kind == "moment" else {_TYPE_NAMES[field.kind]}


def _among(field: Field, values: Sequence[Value], dialect: Dialect) -> Condition:
    served = None if field.lookup is None else field.lookup((), values)
    if served is not None:
        return served
    is_null = Condition(f"{field.sql} IS NULL") if None in values else FALSE
    if field.kind == "moment":
        return some(is_null, *(_compared(field, "=", value, dialect) for value in values if value is not None))
    wanted = [found for found in (_operand(field, value) for value in values) if found is not None]
    if not wanted:
        return is_null
    if field.kind == "boolean":
        return some(is_null, *(Condition(f"{field.sql} = {str(value).upper()}") for value in wanted))
    if len(wanted) == 1 and isinstance(wanted[0], (str, int)):
        return some(is_null, formed(f"{field.sql} = ?", wanted[0]))
    return some(is_null, dialect.one_of(field.sql, wanted))


def _operand(field: Field, value: Value) -> object:
    """Return what the column would hold if it held `value`, None if it cannot."""
    if field.kind == "oid":
        return row_of(value)
    if field.kind == "boolean":
        return value if isinstance(value, bool) else None
    if field.kind == "number":
        return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    return value.text if isinstance(value, ObjectId) else value if isinstance(value, str) else None


def _compared(field: Field, sign: str, value: Value, dialect: Dialect) -> Condition:
    if value is None:
        return Condition(f"{field.sql} IS NULL") if sign in ("<=", ">=") else FALSE
    if field.kind == "moment":
        return _moment(field.sql, sign, value, dialect)
    if isinstance(value, bool):
        if field.kind != "boolean":
            return FALSE
        met = [stored for stored in (False, True) if SIGNS[sign](stored, value)]
        return some(*(Condition(f"{field.sql} = {str(stored).upper()}") for stored in met))
    operand = _operand(field, value)
    if operand is None:
        return FALSE
    if field.kind == "text":
        return formed(f"{dialect.bytewise(field.sql)} {sign} ?", operand)
    return formed(f"{field.sql} {sign} ?", operand)


def _moment(column: str, sign: str, value: Value, dialect: Dialect) -> Condition:
    """Compare a moment, in the whole seconds that clients see, with a moment or with the text of one."""
    moment = find_moment(value) if isinstance(value, str) else value
    if isinstance(value, str) and moment is None:
        return formed(f"{dialect.bytewise(dialect.shown_moment(column))} {sign} ?", value)
    if not isinstance(moment, datetime):
        return FALSE
    below, fraction = divmod(clock.to_us(moment), _SECOND_US)
    first, after = below * _SECOND_US, (below + 1) * _SECOND_US
    if sign == "=":
        return FALSE if fraction else formed(f"({column} >= ? AND {column} < ?)", first, after)
    at_least = sign in (">", ">=")
    boundary = after if fraction or sign in (">", "<=") else first
    return formed(f"{column} {'>=' if at_least else '<'} ?", boundary)


def _matching(field: Field, test: Matching, dialect: Dialect) -> Condition:
    pattern = form(test.pattern, dialect.name)
    if field.kind == "text":
        return dialect.text_finds(field.sql, pattern)
    if field.kind == "moment":
        return dialect.text_finds(dialect.shown_moment(field.sql), pattern)
    return FALSE

"""The values of filters: JSON, and what stands for a moment or an object id in it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from entrepot import clock
from entrepot.criteria.refusal import refusal
from entrepot.errors import JSON

#: Values within values, and filters within filters.
DEEPEST = 50
#: What both databases keep in a whole number; one beyond is compared as a fraction.
_HIGHEST_WHOLE = 2**63
#: NUL, and halves of characters: no database keeps them.
_NO_CHARACTER = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class ObjectId:
    """`{"$oid": hex}`: 24 hexadecimal digits, or what is none and equals nothing."""

    text: str


Value: TypeAlias = "bool | int | float | str | datetime | ObjectId | list[Value] | dict[str, Value] | None"


def read_value(given: object, *, depth: int = 0) -> Value:
    """Return what `given`, parsed JSON, stands for; raises `InvalidValue`."""
    if depth > DEEPEST:
        raise refusal(f"filters are nested more than {DEEPEST} deep")
    if isinstance(given, str):
        return read_text(given)
    if given is None or isinstance(given, bool):
        return given
    if isinstance(given, (int, float)):
        return _number(given)
    if isinstance(given, list):
        return [read_value(item, depth=depth + 1) for item in given]
    if not isinstance(given, Mapping):
        raise refusal(f"{given!r} is no value of JSON")
    return _object(given, depth)


def read_text(text: str) -> str:
    """Return `text`; raises `InvalidValue` if no field could hold it."""
    if _NO_CHARACTER.search(text):
        raise refusal(f"{text!r} holds something that is no character")
    return text


def find_moment(text: str) -> datetime | None:
    """Return the moment that an ISO 8601 text names, without an offset that of UTC; None if it names none."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.utcoffset() is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def plain(value: Value) -> JSON:
    """Return `value` as JSON documents hold it: moments and object ids as clients are shown them."""
    if isinstance(value, datetime):
        return clock.iso(value)
    if isinstance(value, ObjectId):
        return {"$oid": value.text}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def _object(given: Mapping[str, object], depth: int) -> Value:
    if given.keys() == {"$date"}:
        return _moment(given["$date"])
    if given.keys() == {"$oid"}:
        return ObjectId(read_text(str(given["$oid"])))
    if operator := next((key for key in given if str(key).startswith("$")), None):
        raise refusal(f"{operator!r} cannot stand inside a value")
    return {read_text(key): read_value(item, depth=depth + 1) for key, item in given.items()}


def _number(given: float) -> float:
    """Return a number that both databases can compare with."""
    number = given
    if isinstance(given, int) and not -_HIGHEST_WHOLE <= given < _HIGHEST_WHOLE:
        try:
            number = float(given)
        except OverflowError:
            number = math.inf
    if not math.isfinite(number):
        raise refusal("a number is too large, or is none")
    return number


def _moment(given: object) -> datetime:
    """Return the moment of `$date`: an ISO 8601 text, or milliseconds since 1970."""
    moment = None
    if isinstance(given, str):
        moment = find_moment(given)
    elif isinstance(given, (int, float)) and not isinstance(given, bool):
        try:
            moment = datetime.fromtimestamp(given / 1000, UTC)
        except (ValueError, OverflowError, OSError):
            moment = None
    if moment is None:
        raise refusal(f"$date: {given!r} is no moment: write it as 2026-01-31T12:00:00Z")
    return moment

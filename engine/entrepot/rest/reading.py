"""Read what clients send: bodies, flags, numbers and moments; whatever cannot be read is refused by name.

Source: the Pulp 2 REST contract, 1.2 and 2.12.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import NoReturn
from urllib.parse import parse_qsl

from entrepot.errors import JSON, BadEncoding, BodyTooLarge, InvalidValue, MalformedBody, MissingValue, WrongBodyType
from entrepot.rest.endpoint import Asked

#: Objects and lists inside each other that a body may have; deeper ones are no configuration of anybody.
DEEPEST = 64
#: For any database.
_TOO_LARGE = 1 << 63


def read_document(body: bytes, *, is_optional: bool) -> dict[str, JSON]:
    """Return the object that a body holds; `{}` for an empty one, where that is allowed.

    Raises `MalformedBody`, `WrongBodyType`, `BodyTooLarge` (too deep).
    """
    if not body.strip() and is_optional:
        return {}
    document = _read(body)
    if not isinstance(document, dict):
        raise WrongBodyType("The body of the request must be a JSON object.", data_type="dict")
    return document


def read_list(body: bytes) -> list[JSON]:
    """Return the list that a body holds; raises as `read_document`."""
    items = _read(body)
    if not isinstance(items, list):
        raise WrongBodyType("The body of the request must be a JSON list.", data_type="list")
    return items


def _read(body: bytes) -> JSON:
    try:
        text = body.decode()
        document: JSON = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        if isinstance(error, RecursionError):
            raise _too_deep() from error
        why = "it is empty" if not body.strip() else str(error)
        raise MalformedBody(f"The body of the request must be JSON: {why}.") from error
    if body.count(b"{") + body.count(b"[") > DEEPEST and _depth(document) > DEEPEST:
        raise _too_deep()
    if b"\\u" in body and not _is_encodable(document):
        raise MalformedBody("The body of the request must be JSON: it holds half of a surrogate pair.")
    return document


def read_json(text: str) -> JSON:
    """Return the value that JSON in the query writes; raises `ValueError` if it is none, too deep, or no text of UTF-8."""
    try:
        value: JSON = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("too deep") from error
    if text.count("{") + text.count("[") > DEEPEST and _depth(value) > DEEPEST:
        raise ValueError("too deep")
    if "\\u" in text and not _is_encodable(value):
        raise ValueError("half of a surrogate pair")
    return value


def read_query(query: bytes) -> dict[str, list[str]]:
    """Return the values of each parameter; raises `BadEncoding` if they are no UTF-8."""
    found: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(query.decode("ascii", "strict"), keep_blank_values=True, errors="strict", max_num_fields=10_000)
    except UnicodeError as error:
        raise BadEncoding(query.decode("utf-8", "backslashreplace")) from error
    except ValueError as error:
        raise BodyTooLarge(f"The query of the request has too many parameters: {error}.") from error
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def flag(asked: Asked, name: str) -> bool:
    """Return whether a parameter of the query is set: only `true`, in any letters, is."""
    return asked.query.get(name, [""])[-1].lower() == "true"


def is_true(value: JSON) -> bool:
    """Return whether a flag in a body is set: JSON's true, or the text, in any letters."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def required(asked: Asked, name: str) -> JSON:
    """Return a field of the body that must be there; raises `MissingValue`."""
    value = asked.document.get(name)
    if value is None:
        raise MissingValue(name)
    return value


def delta(asked: Asked) -> dict[str, JSON]:
    """Return the changes that a body holds as `delta`; raises `MissingValue`, `InvalidValue`."""
    required(asked, "delta")
    return find_object(asked.document, "delta") or {}


def refuse_unknown(document: Mapping[str, JSON], *known: str) -> None:
    """Raise `InvalidValue` that names every field of an object that is none of `known`."""
    unknown = [name for name in document if name not in known]
    if unknown:
        raise InvalidValue(*unknown, why=f"there is only {', '.join(known)}")


def find_object(document: Mapping[str, JSON], name: str) -> dict[str, JSON] | None:
    """Return a field that holds an object, or None if it is absent or null; raises `InvalidValue` if it is neither."""
    value = document.get(name)
    if value is not None and not isinstance(value, dict):
        raise InvalidValue(name, why="it must be an object")
    return value


def find_text(document: Mapping[str, JSON], name: str) -> str | None:
    """Return a field that holds text, or None if it is absent or null; raises `InvalidValue` if it is neither."""
    value = document.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidValue(name, why="it must be text")
    return value


def find_number(document: Mapping[str, JSON], name: str) -> int | None:
    """Return a field that holds a whole number from 1 on, or None if it is absent or null; raises `InvalidValue` otherwise."""
    value = document.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < _TOO_LARGE:
        raise InvalidValue(name, why="it must be a whole number from 1 on")
    return value


def whole_number(text: str) -> int | None:
    """Return the number that text writes in digits, or None if it does not."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None  # noqa: PLR2004 - 64 bits


def moment(text: str) -> datetime | None:
    """Return the moment that a full ISO 8601 date and time names, in UTC where it names no zone; None if it is none."""
    if "T" not in text:
        return None
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _finite(text: str) -> float:
    """Return the number; one that is too large would be answered as `Infinity`, which is no JSON."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:50]} is too large a number")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _too_deep() -> BodyTooLarge:
    return BodyTooLarge(f"The body of the request is nested deeper than {DEEPEST} levels.")


def _depth(document: JSON) -> int:
    """Return how deep the deepest value stands; no recursion, since that is what is to be prevented."""
    depth, level = 0, [document]
    while level:
        depth += 1
        level = [item for value in level for item in _inside(value)]
    return depth


def _inside(value: JSON) -> Iterator[JSON]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _is_encodable(document: JSON) -> bool:
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True

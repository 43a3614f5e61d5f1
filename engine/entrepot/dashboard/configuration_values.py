"""What values of a declared type look like in a form, and what is typed there as a value again. Pure.

`configuration` makes fields and forms of it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

from pydantic import SecretBytes, SecretStr
from pydantic.fields import FieldInfo

from entrepot.errors import JSON
from entrepot.plugin.config import MASK

Kind: TypeAlias = Literal["text", "number", "checkbox", "select", "lines", "json", "secret"]

YES, NO = "true", "false"
_ARMORED = re.compile(r"-----BEGIN .*?-----END [^\n]*-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Shape:
    """What values of an annotation look like in a form. `options` are those of a select."""

    kind: Kind
    is_whole: bool = False
    options: tuple[JSON, ...] = ()


_SHAPES: Mapping[type, Shape] = {
    bool: Shape("checkbox"),
    int: Shape("number", is_whole=True),
    float: Shape("number"),
    str: Shape("text"),
    SecretStr: Shape("secret"),
    SecretBytes: Shape("secret"),
}


def shape_of(info: FieldInfo) -> Shape:
    """Return what values of a field look like."""
    plain = _plain(info.annotation)
    origin, inside = get_origin(plain), get_args(plain)
    if origin is Literal:
        return Shape("select", options=inside)
    if isinstance(plain, type) and issubclass(plain, Enum):
        return Shape("select", options=tuple(item.value for item in plain))
    if plain is bool and not isinstance(info.get_default(), bool):
        return Shape("select", options=(True, False))
    if origin in (list, set, frozenset, tuple) and inside and _plain(inside[0]) in (str, int, float):
        return Shape("lines")
    return _SHAPES.get(plain, Shape("json")) if isinstance(plain, type) else Shape("json")


def _plain(annotation: Any) -> Any:  # noqa: ANN401 - what pydantic calls an annotation
    """Return an annotation without what checks it and without None; a tuple if it is still one of several."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        kinds = [kind for kind in get_args(annotation) if kind is not NoneType]
        return _plain(kinds[0]) if len(kinds) == 1 else tuple(kinds)
    return annotation


def takes_of(shape: Shape, least: float | None, most: float | None) -> str:
    """Return in words what may be typed; the limits are those of numbers."""
    if shape.kind == "number":
        text = "whole number" if shape.is_whole else "number"
        if least is not None and most is not None:
            return f"{text}, {least:,} to {most:,}"
        return text + (f", {least:,} or more" if least is not None else f", {most:,} or less" if most is not None else "")
    if shape.kind == "select" and True not in shape.options:
        return " or ".join(str(option) for option in shape.options)
    words = {"checkbox": "yes or no", "select": "yes or no", "lines": "list of text", "json": "JSON", "secret": "text"}
    return words.get(shape.kind, "text")


def choices_of(shape: Shape, default: object) -> tuple[tuple[str, str], ...]:
    """Return the choices of a select: the default first, then the options."""
    by_default = "by default" + (f": {words}" if (words := words_of(default)) else "")
    return ("", by_default), *((_option(option), words_of(option)) for option in shape.options)


def _option(option: object) -> str:
    return str(option).lower() if isinstance(option, bool) else str(option)


def words_of(value: object) -> str:
    """Return a default or a choice for people; empty for none."""
    if value is None or value in ([], {}, ()):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(map(str, value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, Mapping) else str(value)


def text_of(shape: Shape, value: JSON, *, is_long: bool) -> str:
    """Return a stored or typed value as its control shows it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return _option(value)
    if shape.kind == "lines" and not is_long and isinstance(value, str):
        value = [part.strip() for part in value.split(",")]  # as plugins take a list that was written as text
    if shape.kind == "lines" and isinstance(value, list):
        return "\n".join(map(str, value))
    if isinstance(value, str) and not (shape.kind == "json" and _is_json(value)):
        return value
    return json.dumps(value, indent=2, ensure_ascii=False) if shape.kind == "json" else str(value)


def value_of(shape: Shape, text: str) -> JSON:
    """Return what was typed as the value that is kept; None if it says nothing."""
    plain = text.replace("\r\n", "\n")
    if shape.kind == "checkbox":
        return plain == YES
    if shape.kind != "secret":
        plain = plain.strip()
    if not plain:
        return None
    if shape.kind == "number":
        return number_of(plain, is_whole=shape.is_whole)
    if shape.kind == "select":
        return next((option for option in shape.options if _option(option) == plain), plain)
    if shape.kind == "lines":
        armored: list[JSON] = [*_ARMORED.findall(plain)]
        return armored or [line.strip() for line in plain.splitlines() if line.strip()]
    if shape.kind == "json" and plain != MASK:
        try:
            return json_of(plain)
        except ValueError:
            return plain
    return plain


def number_of(text: str, *, is_whole: bool) -> JSON:
    """Return the number that was typed, or the text if it is none."""
    try:
        if is_whole:
            return int(text)
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def json_of(text: str) -> JSON:
    """Return the JSON that was typed; raises `ValueError` for what is none, or cannot be kept: NaN, 1e999, half a character."""
    try:
        found: JSON = json.loads(text, parse_constant=_finite, parse_float=_finite)
        json.dumps(found, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return found


def _is_json(text: str) -> bool:
    try:
        json_of(text)
    except ValueError:
        return False
    return True


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is no number of JSON's")
    return number

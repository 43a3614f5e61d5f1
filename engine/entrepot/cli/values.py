"""Read arguments: `key=value`, JSON or text, and spans in seconds."""

from __future__ import annotations

import json
from collections.abc import Iterable

import typer

from entrepot.errors import JSON, InvalidValue


def pairs(arguments: Iterable[str] | None, *, option: str) -> dict[str, JSON]:
    """Return `key=value` arguments as a dictionary; a value that is JSON is read as such, any other is text.

    `key=@path` reads the value as text from a file: certificates and keys. Raises `InvalidValue` that names `option`.
    """
    found: dict[str, JSON] = {}
    for argument in arguments or ():
        key, separator, text = argument.partition("=")
        if not separator or not key.strip():
            raise InvalidValue(option, why=f"{argument!r} is not of the form key=value")
        found[key.strip()] = _from_file(text[1:], option) if text.startswith("@") else value(text)
    return found


def value(text: str) -> JSON:
    """Return an argument as the JSON that it is, else as text."""
    try:
        read: JSON = json.loads(text)
    except ValueError:
        return text
    return read


def seconds(text: str) -> float:
    """Return a span that a command is to wait at most; raises `typer.BadParameter`."""
    from entrepot.settings import LONGEST_SECONDS

    try:
        span = float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no number of seconds.") from None
    if not 0 <= span <= LONGEST_SECONDS:
        raise typer.BadParameter(f"{text!r} is no number of seconds from 0 to {LONGEST_SECONDS:,}, a year.")
    return span


def _from_file(path: str, option: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - a plain name as it was typed
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidValue(option, why=f"{path!r} cannot be read ({error})") from error

"""Column types that hold the engine's own values: moments and JSON."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import peewee

from entrepot import clock


def storable(text: str) -> str:
    """Return `text` as both databases can keep it: lone surrogates and NUL are written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


class MomentField(peewee.BigIntegerField):
    """An aware UTC `datetime`, kept as microseconds since 1970."""

    def db_value(self, value: Any) -> int | None:  # noqa: ANN401 - peewee's signature
        """Return what the column keeps for `value`."""
        return clock.to_us(value) if isinstance(value, datetime) else value

    def python_value(self, value: Any) -> datetime | None:  # noqa: ANN401 - peewee's signature
        """Return the moment that the column's `value` stands for."""
        return None if value is None else clock.from_us(value)


class JSONText(peewee.TextField):
    """Any JSON value, kept as text, its keys in the order given."""

    def db_value(self, value: Any) -> str | None:  # noqa: ANN401 - peewee's signature
        """Return what the column keeps for `value`; None is SQL's NULL."""
        return None if value is None else json.dumps(value, separators=(",", ":"))

    def python_value(self, value: Any) -> Any:  # noqa: ANN401 - peewee's signature
        """Return the JSON value that the column holds."""
        return None if value is None else json.loads(value)

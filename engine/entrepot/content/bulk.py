"""Statements for many rows at once, in the form both databases read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TypeVar

_Item = TypeVar("_Item")

#: Rows, or keys, of one statement. Few enough for every SQLite's limit on values (32,766), many enough to be quick.
CHUNK_ROWS = 500


def chunks(items: Sequence[_Item], size: int = CHUNK_ROWS) -> Iterator[Sequence[_Item]]:
    """Yield `items` in pieces of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


@lru_cache(maxsize=2 * CHUNK_ROWS)
def placeholders(count: int) -> str:
    """Return `(?,?,…)` for a list of `count` values."""
    return f"({','.join('?' * count)})"


@lru_cache(maxsize=4 * CHUNK_ROWS)
def value_rows(rows: int, columns: int) -> str:
    """Return `(?,…),(?,…),…` for the `VALUES` of `rows` rows."""
    return ",".join([placeholders(columns)] * rows)

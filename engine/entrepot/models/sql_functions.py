"""What SQLite is given to be searched by: patterns by RE2, in time that grows with the text alone, and JSON in one form.

PostgreSQL has both by itself.
"""

from __future__ import annotations

import json
import sqlite3
from functools import lru_cache
from typing import Any


def add_functions(connection: sqlite3.Connection) -> None:
    """Add `entrepot_finds(pattern, bytes)` and `entrepot_canonical_json(bytes)` to a connection."""
    connection.create_function("entrepot_finds", 2, _finds, deterministic=True)
    connection.create_function("entrepot_canonical_json", 1, _canonical, deterministic=True)


def canonical_json(document: str) -> str:
    """Return a JSON document in the one form that all documents equal to it have: keys sorted, 1.0 written as 1."""
    return json.dumps(_levelled(json.loads(document)), sort_keys=True, separators=(",", ":"))


def _levelled(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_levelled(item) for item in value]
    if isinstance(value, dict):
        return {key: _levelled(item) for key, item in value.items()}
    return value


def _canonical(document: bytes) -> str:
    return canonical_json(document.decode("utf-8", "surrogatepass"))


def _finds(pattern: str, text: bytes | None) -> bool | None:
    return None if text is None else _compiled(pattern).search(text) is not None


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> Any:  # noqa: ANN401 - the library ships no types
    import re2  # late: only a search by pattern needs it

    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern.encode(), options)

"""What the names of a task may be: of what it reserves, its tags, its limit keys, its idempotency key. Pure."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable

from entrepot.errors import InvalidValue

#: Bytes of a name in UTF-8. All of them stand in indexes, and a row of an index on PostgreSQL has room for 2,704 bytes.
LONGEST_NAME_BYTES = 1_000
#: Names of one kind that a task may have.
MOST_NAMES = 1_000


def require_names(kind: str, names: Iterable[object]) -> tuple[str, ...]:
    """Return `names`, each of which is one that both databases can keep; raises `InvalidValue` for property `kind`."""
    given = tuple(names)
    if len(given) > MOST_NAMES:
        raise InvalidValue(kind, why=f"{len(given):,} names are too many: a task has at most {MOST_NAMES:,}")
    return tuple(require_name(kind, name) for name in given)


def require_name(kind: str, name: object) -> str:
    """Return `name` if both databases can keep it; raises `InvalidValue` for property `kind`."""
    problem = _problem(name)
    if problem is not None:
        raise InvalidValue(kind, why=f"{reprlib.repr(name)} is no name: {problem}")
    assert isinstance(name, str)  # noqa: S101 - `_problem` has looked
    return name


def _problem(name: object) -> str | None:
    if not isinstance(name, str):
        return f"it is no string but of type {type(name).__name__}"
    if not name:
        return "it is empty"
    if "\x00" in name:
        return "it contains a NUL character"
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return "it contains half of a surrogate pair, which is no character"
    if size > LONGEST_NAME_BYTES:
        return f"it has {size:,} bytes; the limit is {LONGEST_NAME_BYTES:,}"
    return None

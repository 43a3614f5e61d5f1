"""The beginnings of ids that people type, and the ids that they stand for.

Ids are UUIDs in lower case. That of a task begins with the moment it was enqueued: those of one minute share 7 characters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from entrepot.errors import InvalidValue, MissingResource

if TYPE_CHECKING:
    from entrepot.models import Database

#: Characters of an id that are shown where there is no room for all: of a task's, the moment in milliseconds.
SHOWN_LENGTH = 13
_LEAST_LENGTH = 6
FULL_LENGTH = 36
#: Ids that are counted at most; a short beginning of a task's id stands for all tasks of hours.
MOST_COUNTED = 1000


def full_task_id(database: Database, given: str) -> str:
    """Return the id of the one task whose id begins with `given`; a whole id is returned as it is.

    Raises `MissingResource` if there is none, `InvalidValue` if there are several or `given` is too short.
    """
    ids = _candidates(database, "task", "task_id", given)
    if not ids:
        raise MissingResource(resource_id=given)
    return only_one(ids, "task_id", given)


def full_group_id(database: Database, given: str) -> str:
    """Return the id of the one group of tasks whose id begins with `given`; as `full_task_id` otherwise."""
    ids = _candidates(database, "task_group", "group_id", given)
    if not ids:
        raise MissingResource(task_group=given)
    return only_one(ids, "group_id", given)


def beginning(name: str, given: str) -> str | None:
    """Return what ids begin with that begin with `given`, None if no id can; raises `InvalidValue` if it is too short."""
    if len(given) < _LEAST_LENGTH:
        raise InvalidValue(name, why=f"{given!r} is too short: give at least {_LEAST_LENGTH} characters of the id")
    start = given.lower()
    return start if re.fullmatch(r"[0-9a-f-]+", start) else None


def only_one(ids: Sequence[str], name: str, given: str) -> str:
    """Return the only one of `ids`; raises `InvalidValue` if there are several."""
    if len(ids) > 1:
        count = f"more than {MOST_COUNTED:,}" if len(ids) > MOST_COUNTED else str(len(ids))
        raise InvalidValue(name, why=f"{given!r} is the beginning of {count} ids: give more of it")
    return ids[0]


def _candidates(database: Database, table: str, column: str, given: str) -> list[str]:
    if len(given) >= FULL_LENGTH:
        return [given]
    start = beginning(column, given)
    if start is None:
        return []
    # The range is what the index is used for: no id goes on with a 'g', which is behind all that it may go on with in every
    # collation. Some collations pass over '-', so what the range finds is compared once more.
    query = f"SELECT {column} FROM {table} WHERE {column} >= ? AND {column} < ? AND substr({column}, 1, ?) = ? LIMIT ?"
    return [row[0] for row in database.rows(query, (start, f"{start}g", len(start), start, MOST_COUNTED + 1))]

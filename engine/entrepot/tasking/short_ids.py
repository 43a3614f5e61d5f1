"""The beginnings of ids that people type, and the ids that they stand for.

Ids are UUIDs in lower case. That of a task begins with the moment it was enqueued: those of one minute share 7 characters.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from entrepot.errors import InvalidValue, MissingResource

if TYPE_CHECKING:
    from entrepot.models import Database

#: Characters of an id that are shown where there is no room for all: of a task's, the moment in milliseconds.
SHOWN_LENGTH = 13
_LEAST_LENGTH = 6
_FULL_LENGTH = 36
#: Ids that are counted at most; a short beginning of a task's id stands for all tasks of hours.
_MOST_COUNTED = 1000


def full_task_id(database: Database, given: str) -> str:
    """Return the id of the one task whose id begins with `given`; a whole id is returned as it is.

    Raises `MissingResource` if there is none, `InvalidValue` if there are several or `given` is too short.
    """
    ids = _candidates(database, "task", "task_id", given)
    if not ids:
        raise MissingResource(resource_id=given)
    return _only(ids, "task_id", given)


def full_group_id(database: Database, given: str) -> str:
    """Return the id of the one group of tasks whose id begins with `given`; as `full_task_id` otherwise."""
    ids = _candidates(database, "task_group", "group_id", given)
    if not ids:
        raise MissingResource(task_group=given)
    return _only(ids, "group_id", given)


def _candidates(database: Database, table: str, column: str, given: str) -> list[str]:
    if len(given) >= _FULL_LENGTH:
        return [given]
    if len(given) < _LEAST_LENGTH:
        raise InvalidValue(column, why=f"{given!r} is too short: give at least {_LEAST_LENGTH} characters of the id")
    start = given.lower()
    if not re.fullmatch(r"[0-9a-f-]+", start):
        return []
    # The range is what the index is used for: no id goes on with a 'g', which is behind all that it may go on with in every
    # collation. Some collations pass over '-', so what the range finds is compared once more.
    query = f"SELECT {column} FROM {table} WHERE {column} >= ? AND {column} < ? AND substr({column}, 1, ?) = ? LIMIT ?"
    return [row[0] for row in database.rows(query, (start, f"{start}g", len(start), start, _MOST_COUNTED + 1))]


def _only(ids: list[str], name: str, given: str) -> str:
    if len(ids) > 1:
        count = f"more than {_MOST_COUNTED:,}" if len(ids) > _MOST_COUNTED else str(len(ids))
        raise InvalidValue(name, why=f"{given!r} is the beginning of {count} ids: give more of it")
    return ids[0]

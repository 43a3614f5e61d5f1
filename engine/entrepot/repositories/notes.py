"""Notes that repositories are found by: each text in a note stands in a table of its own, which an index serves.

Clients keep what kind a repository is in a note, and look for all of that kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from entrepot.criteria import Condition
from entrepot.errors import JSON
from entrepot.models import RepositoryNote

if TYPE_CHECKING:
    from entrepot.criteria import Value
    from entrepot.models import Database

#: Longer names and texts have no row, and are looked for in the notes themselves; databases limit how long a key may be.
LONGEST = 255


def write(database: Database, repository: int, notes: Mapping[str, JSON]) -> None:
    """Keep the rows for the notes of a repository (its row id), in the caller's transaction."""
    RepositoryNote.delete().where(RepositoryNote.repository == repository).execute(database.peewee)
    rows = [{"name": name, "value": text, "repository": repository} for name, text in sorted(set(_texts(notes)))]
    if rows:
        RepositoryNote.insert_many(rows).execute(database.peewee)


def lookup(inside: tuple[str, ...], values: Sequence[Value]) -> Condition | None:
    """Return the condition that a note is, or holds, one of `values`; None if the rows do not tell."""
    texts = [value for value in values if isinstance(value, str) and len(value) <= LONGEST]
    if len(inside) != 1 or len(inside[0]) > LONGEST or not texts or len(texts) < len(values):
        return None
    marks = ", ".join("?" * len(texts))
    query = f"SELECT note.repository FROM repository_note AS note WHERE note.name = ? AND note.value IN ({marks})"
    return Condition(f"repository.id IN ({query})", (inside[0], *texts))


def _texts(notes: Mapping[str, JSON]) -> Iterator[tuple[str, str]]:
    for name, value in notes.items():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and max(len(text), len(name)) <= LONGEST:
                yield name, text

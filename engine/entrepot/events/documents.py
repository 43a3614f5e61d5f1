"""Numbers of repositories and units that are theirs for good, as readers of events know them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from entrepot.models import Database

#: What a document may be.
Kind = Literal["repository", "unit"]

#: Names in one statement.
_CHUNK = 500


def numbers_of(database: Database, kind: Kind, names: Sequence[str]) -> dict[str, int]:
    """Return the number of each of `names`, given in the caller's transaction to those that have none yet.

    A name that is gone and comes back has the number it had.
    """
    known = _known(database, kind, names)
    new = sorted({name for name in names if name not in known})  # in one order, so that none waits for another in a ring
    if new:
        database.executemany(
            "INSERT INTO document (kind, name) VALUES (?, ?) ON CONFLICT (kind, name) DO NOTHING",
            ((kind, name) for name in new),
        )
        known |= _known(database, kind, new)
    return known


def _known(database: Database, kind: Kind, names: Sequence[str]) -> dict[str, int]:
    known: dict[str, int] = {}
    for start in range(0, len(names), _CHUNK):
        chunk = names[start : start + _CHUNK]
        marks = ",".join("?" * len(chunk))
        known.update(database.rows(f"SELECT name, id FROM document WHERE kind = ? AND name IN ({marks})", (kind, *chunk)))
    return known

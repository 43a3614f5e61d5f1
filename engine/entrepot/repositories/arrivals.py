"""Bytes that come after their unit: a download, a fetch on demand or a later sync fills what waits for them.

The rows of `unit_file` are written by `content.units`, those of `entry` here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from entrepot.content.units import fill_files

if TYPE_CHECKING:
    from entrepot.models import Database


class Arrival(NamedTuple):
    """The bytes of a file are here: row ids of the unit and of the blob, and the file's path within the unit."""

    unit: int
    path: str
    blob: int


def arrived(database: Database, unit: int, path: str, blob: int) -> None:
    """Give a file of a unit its bytes, and every published entry that waits for them; row ids of unit and blob.

    One transaction, the caller's if there is one, within `BlobStore.keeping`. What has bytes already keeps them.
    """
    arrived_all(database, [Arrival(unit, path, blob)])


def arrived_all(database: Database, arrivals: Iterable[Arrival]) -> None:
    """Do the same for many files."""
    ordered = sorted(set(arrivals))
    if not ordered:
        return
    with database.transaction(durable=False):
        fill_files(database, ordered)
        database.executemany(
            "UPDATE entry SET blob = ? WHERE unit = ? AND file = ? AND blob IS NULL",
            ((arrival.blob, arrival.unit, arrival.path) for arrival in ordered),
        )

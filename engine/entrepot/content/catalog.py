"""The catalog: where the files of units can be fetched from. The only writer of the table `remote_file`.

Each sync notes what its feed offers, so that a file whose bytes were deferred, lost or damaged can be had later from any
feed that knows it. Everything here runs in the caller's transaction, if there is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

from entrepot import clock
from entrepot.content.bulk import chunks, placeholders, value_rows
from entrepot.content.units import stay
from entrepot.models import Database

#: How long a source that gave wrong bytes is not asked again for that file, microseconds: ten minutes.
COOL_DOWN_US = 600_000_000


class Place(NamedTuple):
    """Where a file of a unit (its row id) can be fetched: an address, or a path below the feed of an importer."""

    unit: int
    path: str
    url: str


class Source(NamedTuple):
    """One feed that offers a file: the row id of its importer, and the address or the path below the feed."""

    importer: int
    url: str


def note(database: Database, importer: int, places: Iterable[Place]) -> None:
    """Remember that the feed of the importer (its row id) offers `places`; where nothing is new, nothing is written.

    A file that is offered under another address than before may be asked for at once, whatever came before. Raises
    `peewee.IntegrityError` if a unit is gone.
    """
    offered = {(place.unit, place.path): place.url for place in places}
    for chunk in chunks(sorted({unit for unit, _ in offered})):
        known = database.rows(
            f"SELECT unit, path, url FROM remote_file WHERE importer = ? AND unit IN {placeholders(len(chunk))}",
            (importer, *chunk),
        )
        for unit, path, url in known:
            if offered.get((unit, path)) == url:
                del offered[unit, path]
    rows = [(unit, path, importer, url) for (unit, path), url in sorted(offered.items())]
    stay(database, sorted({unit for unit, _ in offered}))
    for part in chunks(rows):
        database.execute(
            f"INSERT INTO remote_file (unit, path, importer, url) VALUES {value_rows(len(part), 4)} "
            "ON CONFLICT (unit, path, importer) DO UPDATE SET url = excluded.url, failed_at = NULL",
            list(chain.from_iterable(part)),
        )


def sources(database: Database, unit: int, path: str) -> list[Source]:
    """Return the feeds that offer a file of a unit (its row id), those that lately gave wrong bytes left out.

    Those that never did come first, then by importer.
    """
    rows = database.rows(
        "SELECT importer, url FROM remote_file WHERE unit = ? AND path = ? AND (failed_at IS NULL OR failed_at < ?) "
        "ORDER BY failed_at IS NOT NULL, importer",
        (unit, path, clock.now_us() - COOL_DOWN_US),
    )
    return [Source(*row) for row in rows]


def all_sources(database: Database, units: Iterable[int]) -> dict[tuple[int, str], list[Source]]:
    """Return the feeds that offer each file of `units` (row ids), by unit and path; those that lately failed come last."""
    found: dict[tuple[int, str], list[Source]] = {}
    for chunk in chunks(list(units)):
        rows = database.rows(
            f"SELECT unit, path, importer, url FROM remote_file WHERE unit IN {placeholders(len(chunk))} "
            "ORDER BY unit, path, failed_at IS NOT NULL, failed_at, importer",
            chunk,
        )
        for unit, path, importer, url in rows:
            found.setdefault((unit, path), []).append(Source(importer, url))
    return found


def note_failure(database: Database, unit: int, path: str, importer: int) -> None:
    """Remember that what an importer's feed gave for a file was not what was promised; it cools down (`COOL_DOWN_US`)."""
    with database.transaction(durable=False, is_single=True):
        database.execute(
            "UPDATE remote_file SET failed_at = ? WHERE unit = ? AND path = ? AND importer = ?",
            (clock.now_us(), unit, path, importer),
        )


def forget(database: Database, importer: int) -> int:
    """Forget all that the feed of an importer (its row id) offers, and return how many files that were."""
    return int(database.execute("DELETE FROM remote_file WHERE importer = ?", (importer,)).rowcount)


def count(database: Database, importers: Sequence[int]) -> dict[int, int]:
    """Return how many files the feed of each importer (its row id) offers; those that offer none are left out."""
    counts: dict[int, int] = {}
    for chunk in chunks(importers):
        counts.update(
            database.rows(
                f"SELECT importer, COUNT(*) FROM remote_file WHERE importer IN {placeholders(len(chunk))} GROUP BY importer",
                chunk,
            )
        )
    return counts

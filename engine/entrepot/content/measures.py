"""How much is stored: counted by a loop, an hour's last count kept for each hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from entrepot import clock

if TYPE_CHECKING:
    from entrepot.models import Database

#: Counts are kept so long.
KEPT = timedelta(days=400)
#: A round has nothing to do when another process has counted less than so long ago.
_FRESH = timedelta(minutes=8)
_HOUR_US = 3_600_000_000
#: Name and query; each reads a table or an index once.
_QUERIES = (
    ("blobs", "blob_bytes", "SELECT COUNT(*), COALESCE(SUM(size), 0) FROM blob"),
    ("units", None, "SELECT COUNT(*), 0 FROM unit"),
)
_KEEP = """
INSERT INTO hourly_measure (name, hour, value, measured_at) VALUES (?, ?, ?, ?)
ON CONFLICT (name, hour) DO UPDATE SET value = excluded.value, measured_at = excluded.measured_at
"""


@dataclass(frozen=True, slots=True)
class MeasuredHour:
    """What was stored at the last count of the hour that begins at `hour`."""

    hour: datetime
    blobs: int
    blob_bytes: int
    units: int


@dataclass(frozen=True, slots=True)
class Measures:
    """What was stored when it was counted last, at `measured` (None if it never was); and by the hour, the oldest first."""

    measured: datetime | None
    blobs: int
    blob_bytes: int
    units: int
    hours: tuple[MeasuredHour, ...]


def measure(database: Database) -> int:
    """Count what is stored, unless somebody has just done so, and return how many figures were kept: a round of a loop.

    It reads the table of blobs once: some tenths of a second for a million.
    """
    now = clock.now_us()
    row = database.row("SELECT MAX(measured_at) FROM hourly_measure WHERE name = 'units' AND hour >= ?", (now // _HOUR_US - 1,))
    if row is not None and row[0] is not None and now - clock.us(_FRESH) < row[0] <= now:
        return 0
    kept = []
    for first, second, query in _QUERIES:
        counted = database.row(query)
        assert counted is not None  # noqa: S101 - an aggregate has one row
        for name, value in zip((first, second), counted, strict=True):
            if name is not None:
                kept.append((name, now // _HOUR_US, int(value), now))
    with database.transaction(durable=False):
        database.executemany(_KEEP, kept)
        for name, *_ in kept:
            database.execute(
                "DELETE FROM hourly_measure WHERE name = ? AND hour < ?", (name, (now - clock.us(KEPT)) // _HOUR_US)
            )
    return len(kept)


def list_measures(database: Database, *, since: timedelta) -> Measures:
    """Return the last count, whenever it was, and those of the hours that ended less than `since` ago."""
    last = database.row("SELECT MAX(hour) FROM hourly_measure WHERE name = 'units'")
    if last is None or last[0] is None:
        return Measures(None, 0, 0, 0, ())
    first = min(last[0], (clock.now_us() - clock.us(since)) // _HOUR_US)
    counts: dict[int, dict[str, int]] = {}
    measured = 0
    for name, hour, value, moment in database.rows(
        "SELECT name, hour, value, measured_at FROM hourly_measure "
        "WHERE name IN ('blobs', 'blob_bytes', 'units') AND hour >= ? ORDER BY hour",
        (first,),
    ):
        counts.setdefault(hour, {})[name] = value
        measured = max(measured, moment)
    hours = tuple(
        MeasuredHour(clock.from_us(hour * _HOUR_US), *(figures.get(name, 0) for name in ("blobs", "blob_bytes", "units")))
        for hour, figures in counts.items()
    )
    latest, window = hours[-1], clock.now() - since - timedelta(hours=1)
    recent = tuple(hour for hour in hours if hour.hour >= window)
    return Measures(clock.from_us(measured), latest.blobs, latest.blob_bytes, latest.units, recent)

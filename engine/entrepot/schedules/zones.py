"""Time zones by their IANA names, and which instant a time on the wall means.

Twice a year a wall clock is set. Two rules say what becomes of a time on it: one that is **skipped** means the next instant
there is (02:30 of the night that jumps from 02:00 to 03:00 means 03:00), and one that comes **twice** means the first.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

#: What IANA's names look like; whatever else a folder of zone files holds (`posixrules`, `right/…`) is not among them.
_NAME = re.compile(r"(?!posix|right/|local|leap|tz)[A-Za-z0-9][A-Za-z0-9_+-]{0,31}(/[A-Za-z0-9_+-]{1,31}){0,2}")
_SECOND = timedelta(seconds=1)


def find_zone(name: str) -> ZoneInfo | None:
    """Return the time zone with this IANA name (`Europe/Zurich`), or None if there is none."""
    if not _NAME.fullmatch(name):
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):  # OSError: the name is that of a folder
        return None


def instant(wall: datetime, zone: tzinfo) -> datetime:
    """Return the instant, in UTC, at which clocks in `zone` show `wall` (naive), by the two rules above.

    It never decreases while `wall` grows. Raises `OverflowError` beyond the calendar of `datetime`.
    """
    first = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == wall:
        return first
    earlier = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return _change(earlier.replace(microsecond=0) - _SECOND, first, zone)


def wall_time(moment: datetime, zone: tzinfo) -> datetime:
    """Return what clocks in `zone` show at `moment`, as a naive datetime."""
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def _change(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """Return the second at which the offset of `zone` changes between two instants."""
    old = before.astimezone(zone).utcoffset()
    low, high = 0, -((before - after) // _SECOND)
    while high - low > 1:
        middle = (low + high) // 2
        if (before + middle * _SECOND).astimezone(zone).utcoffset() == old:
            low = middle
        else:
            high = middle
    return before + high * _SECOND

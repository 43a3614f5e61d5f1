"""How long it is from one run to the next: calendar months, and a span beside them.

Occurrences stand on a grid that begins with the first run: the one of number k lies k intervals after it, months counted on
the calendar and clamped to the last day there is. So 31 January, 28 February, 31 March: the day never drifts, and which
occurrence comes next takes no walk through those before.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from entrepot.schedules.zones import instant, wall_time

SHORTEST = timedelta(seconds=1)
LONGEST = timedelta(days=36_525)  # a hundred years
LONGEST_MONTHS = 1200  # a hundred years
_LAST_YEAR = 9999
_DAY = timedelta(days=1)
#: A year of the Gregorian calendar has 365.2425 days.
_MEAN_MONTH = timedelta(days=365.2425) / 12
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Interval:
    """`months` on the calendar and `span` together; not both are zero."""

    months: int
    span: timedelta

    @property
    def is_calendar(self) -> bool:
        """True if it is made of days, weeks, months and years: then it follows the wall clock, where a zone is named."""
        return bool(self.months) or not self.span % _DAY


@dataclass(frozen=True, slots=True)
class Grid:
    """The occurrences that begin at `anchor` (UTC), every `interval`.

    `wall` is what the clocks of `zone` show, or should show, at the anchor.
    """

    anchor: datetime
    wall: datetime
    interval: Interval
    zone: tzinfo

    def at(self, number: int) -> datetime | None:
        """Return the occurrence of this number, in UTC, or None beyond the year 9999."""
        interval = self.interval
        if number == 0:
            return self.anchor
        try:
            if not self._follows_wall_clock:
                return self.anchor + number * interval.span
            return instant(_add_months(self.wall, number * interval.months) + number * interval.span, self.zone)
        except OverflowError:
            return None

    def number_at_or_before(self, moment: datetime) -> int | None:
        """Return the number of the last occurrence that is not after `moment`, or None before the first."""
        if moment < self.anchor:
            return None
        if not self._follows_wall_clock:
            return (moment - self.anchor) // self.interval.span
        mean = self.interval.months * _MEAN_MONTH + self.interval.span
        number = max(0, (moment - self.anchor) // mean - 1)
        while number > 0 and self._is_after(number, moment):
            number -= 1
        while not self._is_after(number + 1, moment):
            number += 1
        return number

    @property
    def _follows_wall_clock(self) -> bool:
        return bool(self.interval.months) or (isinstance(self.zone, ZoneInfo) and self.interval.is_calendar)

    def _is_after(self, number: int, moment: datetime) -> bool:
        occurrence = self.at(number)
        return occurrence is None or occurrence > moment


def grid_from(anchor: datetime, interval: Interval, zone: tzinfo, wall: datetime | None = None) -> Grid:
    """Return the grid from `anchor` on; `wall` is the time on the wall that it was meant to be, if that is skipped."""
    shown = wall if wall is not None and instant(wall, zone) == anchor else wall_time(anchor, zone)
    return Grid(anchor.astimezone(UTC), shown, interval, zone)


def _add_months(wall: datetime, months: int) -> datetime:
    """Return `wall` so many months later, on the last day of the month if that has fewer days."""
    if not months:
        return wall
    year, month = divmod(wall.year * 12 + wall.month - 1 + months, 12)
    if year > _LAST_YEAR:
        raise OverflowError
    return wall.replace(year=year, month=month + 1, day=min(wall.day, calendar.monthrange(year, month + 1)[1]))

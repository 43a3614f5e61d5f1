"""The text of an ISO 8601 recurrence, taken apart: `R<n>`, a start, an interval, in any order, between `/` or `--`.

Each part is known by its looks: `R…` is a count, `P…` an interval, anything else a start. The syntax is Pulp's with its
fixes: the REST contract, 1.8.1. Nothing here takes long, however hostile the text: it is short before it is looked at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal

import isodate

from entrepot.schedules.interval import LONGEST, LONGEST_MONTHS, SHORTEST, Interval

#: Characters; the longest text that says something has less than a hundred.
LONGEST_TEXT = 200
#: Runs; a run each second takes thirty years for so many.
MOST_RUNS = 1_000_000_000
#: So that no time zone's clock leaves the calendar of `datetime`.
_YEARS = range(1000, 9999)

_NUMBER = r"[0-9]{1,12}([.,][0-9]{1,9})?"
_INTERVAL = re.compile(
    rf"P(?P<years>{_NUMBER}Y)?(?P<months>{_NUMBER}M)?({_NUMBER}W)?({_NUMBER}D)?"
    rf"(T({_NUMBER}H)?({_NUMBER}M)?({_NUMBER}S)?)?"
)
_COUNT = re.compile(r"R([0-9]{1,12})")
_CALENDAR_DATE = re.compile(r"[0-9]{4}(-[0-9]{2}-[0-9]{2}|[0-9]{4})")
_ORDINAL_DATE = re.compile(r"(?P<year>[0-9]{4})-?[0-9]{3}")
_WEEK_DATE = re.compile(r"(?P<year>[0-9]{4})-?W(?P<week>[0-9]{2})-?[1-7]")
_TIME_OF_DAY = re.compile(r"T?(?P<time>[0-9]{2}:[0-9]{2}(:[0-9]{2})?)(?P<zone>Z|[+-][0-9]{2}(:?[0-9]{2})?)?")


class BadSchedule(ValueError):
    """Why a text is no schedule, worded to follow it."""


class BadTimeZone(ValueError):
    """Why a name is that of no time zone."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a text says; `start` is naive if it names no time zone, and so is `time_of_day`."""

    interval: Interval
    count: int | None = None
    start: datetime | None = None
    time_of_day: time | None = None


def take_apart(text: str) -> Parts:
    """Return the parts of a recurrence; raises `BadSchedule`."""
    counts, intervals, starts = list[str](), list[str](), list[str]()
    for part in re.split(r"/|--", text):
        (counts if part[:1] == "R" else intervals if part[:1] == "P" else starts).append(part)
    if len(intervals) != 1:
        raise BadSchedule("needs exactly one interval, such as PT1H or P1D")
    if len(counts) > 1 or len(starts) > 1:
        raise BadSchedule("may hold one R<n> and one start at most: R<n>/<start>/<interval>")
    interval = _interval(intervals[0])
    count = _count(counts[0]) if counts else None
    if not starts:
        if interval.months:
            raise BadSchedule("needs a start, such as 2026-01-31T00:00:00Z/P1M: months and years are not equally long")
        return Parts(interval, count)
    if of_day := _TIME_OF_DAY.fullmatch(starts[0]):
        return Parts(interval, count, time_of_day=_time_of_day(of_day))
    return Parts(interval, count, start=_start(starts[0]))


def _interval(text: str) -> Interval:
    match = _INTERVAL.fullmatch(text)
    if match is None or text in ("P", "PT"):
        raise BadSchedule(f"has no interval in {text!r}: write P1D, PT1H, P1W, P1DT12H, …")
    try:
        found = isodate.parse_duration(text, as_timedelta_if_possible=False)
        months = found.years * 12 + found.months
        if any(value and not _is_whole(value) for value in (match["years"], match["months"])):
            raise BadSchedule("cannot take fractions of a year or a month")
        interval = Interval(int(months), found.tdelta)
    except OverflowError as error:
        raise BadSchedule(f"has an interval that is too long: at most {LONGEST_MONTHS // 12} years") from error
    if not interval.months and not interval.span:
        raise BadSchedule("has an interval of no length")
    if not interval.months and interval.span < SHORTEST:
        raise BadSchedule("has an interval shorter than one second")
    if interval.months > LONGEST_MONTHS or interval.span > LONGEST:
        raise BadSchedule(f"has an interval that is too long: at most {LONGEST_MONTHS // 12} years")
    return interval


def _is_whole(value: str) -> bool:
    number = Decimal(value[:-1].replace(",", "."))
    return number == number.to_integral_value()


def _count(text: str) -> int:
    match = _COUNT.fullmatch(text)
    count = int(match[1]) if match else 0
    if not 1 <= count <= MOST_RUNS:
        raise BadSchedule(f"has no count in {text!r}: write R1 to R{MOST_RUNS}")
    return count


def _start(text: str) -> datetime:
    date, designator, _ = text.partition("T")
    if not designator:
        raise BadSchedule(f"has no start in {text!r}: write 2026-01-31T02:00:00Z, or 02:00Z for the next such time of day")
    try:
        start: datetime = isodate.parse_datetime(text)
        if not _is_date(date, start):
            raise BadSchedule(f"starts on {date!r}, which is no day: write 2026-01-31, 2026-W05-6 or 2026-031")
        if start.year not in _YEARS:
            raise BadSchedule(f"starts in the year {start.year}, and may from {_YEARS[0]} to {_YEARS[-1]}")
        start = start.replace(tzinfo=_own_zone(start))
    except (ValueError, OverflowError) as error:
        raise error if isinstance(error, BadSchedule) else BadSchedule(f"has no start in {text!r}: {error}") from error
    return start


def _is_date(text: str, found: datetime) -> bool:
    """Tell whether `text` is a complete date: the library rolls a day that does not exist on, and accepts centuries."""
    if _CALENDAR_DATE.fullmatch(text):
        return True
    if week := _WEEK_DATE.fullmatch(text):
        return found.isocalendar()[:2] == (int(week["year"]), int(week["week"]))
    ordinal = _ORDINAL_DATE.fullmatch(text)
    return ordinal is not None and found.year == int(ordinal["year"])


def _own_zone(start: datetime) -> tzinfo | None:
    offset = start.utcoffset()
    if offset is None:
        return None
    return timezone(offset) if offset else UTC


def _time_of_day(match: re.Match[str]) -> time:
    try:
        found: time = isodate.parse_time(match[0].removeprefix("T"))
        if match["zone"] is None:
            return found
        return found.replace(tzinfo=timezone(found.utcoffset() or timedelta()))
    except ValueError as error:
        raise BadSchedule(f"starts at {match[0]!r}, which is no time of day: {error}") from error

"""What a person would say of a recurrence: "every day at 02:00 UTC"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, time, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entrepot.schedules.interval import Interval

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = "January February March April May June July August September October November December".split()  # noqa: SIM905 - read as words
_CRON_WEEKDAYS = {"sun": 6, "mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5}
_LAST_DAY_OF_ALL = 28  # days that every month has
_DAYS_OF_A_WEEK = 7
_NUMBER = re.compile(r"[0-9]{1,2}")
_STEP = re.compile(r"\*/([0-9]{1,2})")


def interval_sentence(interval: Interval, day: date | None, at: time | None, zone: str, count: int | None) -> str:
    """Return a sentence for `interval`, the first occurrence of which is on `day` at the time `at`, where that is known."""
    times = "" if count is None else ", once" if count == 1 else f", {count} times"
    clock = "" if at is None or not interval.is_calendar else f" at {_clock(at)} {zone}"
    days = interval.span.days if interval.is_calendar else 0
    if interval.months and interval.span:
        pieces = [*_months(interval.months), *_units(interval.span)]
        since = f" from {day}" if day is not None else ""
        return f"every {_every(pieces)}{since}{clock}{times}"
    if interval.months:
        return f"every {_every(_months(interval.months))}{_day_of_month(interval.months, day)}{clock}{times}"
    if days and days % _DAYS_OF_A_WEEK == 0:
        weekday = f" on {_WEEKDAYS[day.weekday()]}" if day is not None else ""
        return f"every {_every([_counted(days // _DAYS_OF_A_WEEK, 'week')])}{weekday}{clock}{times}"
    return f"every {_every(_units(interval.span))}{clock}{times}"


def cron_sentence(fields: Sequence[str], zone: str) -> str:
    """Return a sentence for the five fields of a cron expression; for what has no plain one, the expression itself."""
    minute, hour, day, month, weekday = fields
    if [hour, day, month, weekday] == ["*"] * 4:
        step = _STEP.fullmatch(minute)
        if minute == "*" or (step and int(step[1]) == 1):
            return "every minute"
        if step and 60 % int(step[1]) == 0:
            return f"every {int(step[1])} minutes"
        if _NUMBER.fullmatch(minute):
            return f"every hour at minute {int(minute)}"
    if _NUMBER.fullmatch(minute) and _NUMBER.fullmatch(hour) and month == "*":
        at = f" at {int(hour):02}:{int(minute):02} {zone}"
        days = _cron_weekdays(weekday)
        if day == "*" and days:
            return f"{days}{at}"
        if weekday == "*" and _NUMBER.fullmatch(day):
            also = "" if int(day) <= _LAST_DAY_OF_ALL else ", in months that have it,"
            return f"every month on day {int(day)}{also}{at}"
    return f"whenever cron's {' '.join(fields)!r} matches the clock of {zone}"


def _cron_weekdays(field: str) -> str | None:
    if field == "*":
        return "every day"
    first, dash, last = (_cron_weekday(part) if part != "-" else 0 for part in field.partition("-"))
    if first is None or (dash == 0 and last is None):
        return None
    if "-" not in field:
        return f"every {_WEEKDAYS[first]}"
    return None if last is None else f"{_WEEKDAYS[first]} to {_WEEKDAYS[last]}"


def _cron_weekday(value: str) -> int | None:
    if value in tuple("01234567"):
        return (int(value) - 1) % _DAYS_OF_A_WEEK
    return _CRON_WEEKDAYS.get(value.lower())


def _day_of_month(months: int, day: date | None) -> str:
    if day is None:
        return ""
    last = " (or the last)" if day.day > _LAST_DAY_OF_ALL else ""
    if months % 12:
        return f" on day {day.day}{last}"
    return f" on {day.day} {_MONTHS[day.month - 1]}{last if day.month == 2 else ''}"  # noqa: PLR2004 - February


def _months(months: int) -> list[str]:
    years, months = divmod(months, 12)
    return [_counted(number, unit) for number, unit in ((years, "year"), (months, "month")) if number]


def _units(span: timedelta) -> list[str]:
    minutes, seconds = divmod(span.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    exact = seconds + span.microseconds / 1_000_000
    parts = ((span.days, "day"), (hours, "hour"), (minutes, "minute"), (exact, "second"))
    return [_counted(number, unit) for number, unit in parts if number]


def _counted(number: float, unit: str) -> str:
    return f"{number:g} {unit}{'' if number == 1 else 's'}"


def _every(pieces: Sequence[str]) -> str:
    """Join `pieces`; a single one of which there is one needs no figure: "every day"."""
    if len(pieces) == 1:
        return pieces[0].removeprefix("1 ")
    return f"{', '.join(pieces[:-1])} and {pieces[-1]}"


def _clock(at: time) -> str:
    return at.strftime("%H:%M:%S" if at.second else "%H:%M")

"""Moments as clients write them, compared with events by the millisecond, which is all that clients see of an event.

Source: ISO 8601-1:2019, 5.4, with seconds or a date only, and RFC 3339, 5.6.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from entrepot import clock

_FORM = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    # An offset's `+` that was not encoded in the query has arrived as a blank.
    r"(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,30}))?)?(?:(Z)|([+ -])([0-9]{2}):?([0-9]{2})))?"
)
_MILLISECOND = timedelta(milliseconds=1)
_HIGHEST_OFFSET_HOURS, _MINUTES = 23, 59
_BEGINNING, _END = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Moment:
    """Whole `milliseconds` since 1970, and whether that is all, or a part of the next one follows."""

    milliseconds: int
    is_whole: bool

    @property
    def at_or_after(self) -> datetime:
        """The first moment whose millisecond is not before this."""
        return _datetime(self.milliseconds if self.is_whole else self.milliseconds + 1)

    @property
    def after(self) -> datetime:
        """The first moment whose millisecond is after this."""
        return _datetime(self.milliseconds + 1)


def find_moment(text: str) -> Moment | None:
    """Return the moment that `text` is, None if it is none; a date is its midnight in UTC, a time needs `Z` or an offset."""
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, _, sign, hours, minutes = match.groups()
    if int(hours or 0) > _HIGHEST_OFFSET_HOURS or int(minutes or 0) > _MINUTES:
        return None
    try:
        written = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC)
    except ValueError:
        return None
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) // _MILLISECOND
    digits = fraction or ""
    whole = (written - clock.EPOCH) // _MILLISECOND + int(digits[:3].ljust(3, "0"))
    return Moment(whole + (offset if sign == "-" else -offset), is_whole=not digits[3:].strip("0"))


def _datetime(milliseconds: int) -> datetime:
    """Return the moment, or the end of the calendar that lies next to it."""
    try:
        return clock.EPOCH + milliseconds * _MILLISECOND
    except OverflowError:
        return _END if milliseconds > 0 else _BEGINNING

"""Cron expressions: five fields (minute, hour, day of month, month, day of week), as crontab reads them.

croniter finds the minutes that match on a calendar without time zones; `zones` says which instants those are. What croniter
understands beyond five plain fields (seconds, years, hashes, random minutes) is refused before it sees it, as is whatever
it would have to enumerate.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property

from croniter import CroniterError, croniter

from entrepot.schedules.grammar import BadSchedule
from entrepot.schedules.zones import instant, wall_time

PREFIX = "cron:"
_FIELDS = 5
_VALUE = r"([0-9]{1,2}|[A-Za-z]{3})"
_ITEM = rf"(\*|{_VALUE}(-{_VALUE})?)(/[0-9]{{1,2}})?"
_FIELD = re.compile(rf"{_ITEM}(,{_ITEM})*")
#: 29 February comes again after eight years at the latest.
_YEARS = 9
#: A moment from which every expression that ever matches finds its next within `_YEARS`.
_PROBE = datetime(2024, 1, 1)  # noqa: DTZ001 - it is asked for on a calendar without time zones
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Cron:
    """A cron expression, on the clocks of `zone`."""

    expression: str
    zone: tzinfo

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first instant strictly after `moment` at which it matches, in UTC; None beyond the calendar."""
        try:
            for wall in self._walls(wall_time(moment, self.zone), forward=True):
                found = instant(wall, self.zone)
                if found > moment:
                    return found
        except OverflowError:
            return None
        return None

    def latest_at_or_before(self, moment: datetime) -> datetime | None:
        """Return the last instant that is not after `moment` at which it matches, in UTC; None before the calendar."""
        try:
            # In an hour that comes twice, all of its minutes count as of the first time.
            offset = wall_time(moment, self.zone).replace(tzinfo=self.zone, fold=0).utcoffset() or timedelta()
            wall = moment.astimezone(UTC).replace(tzinfo=None) + offset
            for found in self._walls(wall + _MINUTE, forward=False):
                if (at := instant(found, self.zone)) <= moment:
                    return at
        except OverflowError:
            return None
        return None

    @cached_property
    def fields(self) -> list[str]:
        """The five fields."""
        return self.expression.split()

    def _walls(self, wall: datetime, *, forward: bool) -> Iterator[datetime]:
        """Yield the times on the wall that match, strictly after `wall`, or strictly before it."""
        clock = croniter(self.expression, wall, ret_type=datetime, max_years_between_matches=_YEARS)
        step = clock.get_next if forward else clock.get_prev
        while True:
            try:
                yield step()
            except CroniterError:
                return


def parse_cron(text: str, zone: tzinfo) -> Cron:
    """Return the cron expression that `text` holds, with or without `cron:` before it; raises `BadSchedule`."""
    fields = text.removeprefix(PREFIX).split()
    if len(fields) != _FIELDS:
        raise BadSchedule("is no cron expression: that has five fields, minute, hour, day of month, month and day of week")
    for field in fields:
        if not _FIELD.fullmatch(field):
            raise BadSchedule(f"has no cron field in {field!r}: write *, 5, 1-5, */10, mon-fri, or several with commas")
    cron = Cron(" ".join(fields), zone)
    try:
        found = croniter(cron.expression, _PROBE, ret_type=datetime, max_years_between_matches=_YEARS)
        found.get_next()
    except CroniterError as error:
        reason = "never comes" if "failed to find" in str(error) else f"is no cron expression: {error}"
        raise BadSchedule(reason) from error
    return cron

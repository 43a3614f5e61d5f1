"""When a schedule runs: an ISO 8601 recurrence or a cron expression. Pure: it reads no clock and no table.

    P1D                          every day, from the moment it was created
    R5/2026-01-31T02:00:00Z/P1M  five times, on the last day of each month
    02:00Z/P1D                   every day, from the next 02:00 on
    cron:0 3 * * mon-fri         at 03:00 on workdays

Times are UTC unless the schedule names a time zone. With one, what is made of days, weeks, months and years follows its wall
clock (02:00 stays 02:00), and so does cron; hours, minutes and seconds are elapsed time. `zones` says what becomes of a time
that a wall clock skips or shows twice. Source: ISO 8601-1:2019, 5.6; the Pulp 2 REST contract, 1.8.1, with its fixes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import lru_cache

from entrepot.errors import InvalidValue
from entrepot.schedules.cron import PREFIX, Cron, parse_cron
from entrepot.schedules.grammar import LONGEST_TEXT, BadSchedule, BadTimeZone, take_apart
from entrepot.schedules.interval import Grid, Interval, grid_from
from entrepot.schedules.sentences import cron_sentence, interval_sentence
from entrepot.schedules.zones import find_zone, instant, wall_time

#: Characters of a refused text that its refusal repeats.
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Recurrence:
    """When a schedule runs.

    One whose text holds no start of its own (`P1D`, `02:00Z/P1D`) begins with `starting(first_run)`. `count` is n of
    `R<n>`, or None: how often it runs is counted by the schedule, for a run that was missed is not used up.
    """

    text: str
    zone: str | None
    count: int | None
    _clock: tzinfo  # whose days and months count
    _rule: Interval | Cron
    _time_of_day: time | None
    _start: datetime | None  # aware, with the offset of the text
    _wall: datetime | None  # what the text says of the start, where it names no offset

    @staticmethod
    def parse(text: str, zone: str | None = None) -> Recurrence:
        """Return what `text` means, on the clocks of `zone` (an IANA name) if given.

        Raises `InvalidValue("schedule")` or `InvalidValue("time_zone")` that says why, in less than 5 ms whatever they hold.
        """
        try:
            return Recurrence.read(text, zone)
        except BadTimeZone as error:
            raise InvalidValue("time_zone", why=str(error)) from error
        except BadSchedule as error:
            raise InvalidValue("schedule", why=str(error)) from error

    @staticmethod
    def read(text: str, zone: str | None = None) -> Recurrence:
        """Return the same as `parse`; raises `BadTimeZone` or `BadSchedule`, for whoever has more to refuse."""
        if zone is not None and find_zone(zone) is None:
            raise BadTimeZone(f"{zone[:_SHOWN]!r} is no IANA time zone, such as Europe/Zurich")
        try:
            if len(text) > LONGEST_TEXT:
                raise BadSchedule(f"is longer than {LONGEST_TEXT} characters")
            return _parsed(text, zone)
        except BadSchedule as error:
            raise BadSchedule(f"{text[:_SHOWN]!r} {error}") from error

    def first_run(self, now: datetime) -> datetime:
        """Return the start that the text names; else its next time of day, its next match (cron), or `now`.

        It is in whole seconds and has the offset that the text gives, UTC if none.
        """
        if self._start is not None:
            return self._start
        moment = now.astimezone(UTC).replace(microsecond=0)
        if isinstance(self._rule, Cron):
            return self._rule.next_after(moment - timedelta(seconds=1)) or moment
        return moment if self._time_of_day is None else self._next_time_of_day(moment, self._time_of_day)

    def starting(self, first_run: datetime) -> Recurrence:
        """Return the same recurrence with its grid laid through `first_run`; nothing comes before it."""
        if isinstance(self._rule, Cron):
            return replace(self, _start=first_run)
        wall = self._wall
        if self._time_of_day is not None:
            wall = datetime.combine(wall_time(first_run, self._clock), self._time_of_day.replace(tzinfo=None))
        return replace(self, _start=first_run, _wall=wall)

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first run strictly after `moment`, in UTC, or None when there is none before the year 10000.

        `moment` is aware. However long ago the first run was, it takes no longer.
        """
        first = self._first()
        if moment < first:
            return first.astimezone(UTC)
        if isinstance(self._rule, Cron):
            return self._rule.next_after(moment)
        grid = self._grid(self._rule, first)
        number = grid.number_at_or_before(moment)
        return grid.at(0 if number is None else number + 1)

    def latest_at_or_before(self, moment: datetime) -> datetime | None:
        """Return the last run that is not after `moment`, in UTC, or None if the first comes later."""
        first = self._first()
        if moment < first:
            return None
        if isinstance(self._rule, Cron):
            latest = self._rule.latest_at_or_before(moment)
            return latest if latest is not None and latest >= first else first.astimezone(UTC)
        grid = self._grid(self._rule, first)
        return grid.at(grid.number_at_or_before(moment) or 0)

    def sentence(self) -> str:
        """Return what a person would say: "every day at 02:00 UTC"."""
        if isinstance(self._rule, Cron):
            return cron_sentence(self._rule.fields, self._clock_name(None))
        start, of_day = self._start, self._time_of_day
        if start is None:
            return interval_sentence(self._rule, None, of_day, self._clock_name(of_day), self.count)
        shown = self._wall or wall_time(start, self._clock)
        return interval_sentence(self._rule, shown.date(), shown.time(), self._clock_name(of_day), self.count)

    def _clock_name(self, of_day: time | None) -> str:
        if self._start is None and of_day is not None and of_day.tzinfo is not None:
            return str(of_day.tzinfo)
        return self.zone or str(self._clock)

    def _first(self) -> datetime:
        if self._start is None:
            msg = f"{self.text!r} names no start: say when it begins with starting(first_run)"
            raise ValueError(msg)
        return self._start

    def _grid(self, interval: Interval, first: datetime) -> Grid:
        return grid_from(first, interval, self._clock, self._wall)

    def _next_time_of_day(self, moment: datetime, of_day: time) -> datetime:
        clock = of_day.tzinfo or self._clock
        day = wall_time(moment, clock).date() - timedelta(days=1)
        while True:
            found = instant(datetime.combine(day, of_day.replace(tzinfo=None)), clock)
            if found >= moment:
                return found if of_day.tzinfo is None else found.astimezone(of_day.tzinfo)
            day += timedelta(days=1)


@lru_cache(maxsize=1024)
def _parsed(text: str, zone: str | None) -> Recurrence:
    clock: tzinfo | None = find_zone(zone) if zone else None
    if not text.isascii() or not text.isprintable():
        raise BadSchedule("holds characters that no schedule has")
    if text.startswith(PREFIX) or " " in text.strip(" "):
        cron = parse_cron(text, clock or UTC)
        return Recurrence(text, zone, None, cron.zone, cron, None, None, None)
    parts = take_apart(text)
    start, wall, of_day = parts.start, None, parts.time_of_day
    own_zone = (start.tzinfo if start else None) or (of_day.tzinfo if of_day else None)
    clock = clock or own_zone or UTC
    if start is not None and start.tzinfo is None:
        wall = start
        start = instant(wall, clock)
    return Recurrence(text, zone, parts.count, clock, parts.interval, of_day, start, wall)

"""The next run and the latest, against a walk through the calendar day by day, and across changes of clocks."""

from __future__ import annotations

import calendar
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.schedules import Recurrence

ZURICH = "Europe/Zurich"
ZONES = [ZURICH, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo", "Pacific/Apia", "UTC"]
WALLS = st.datetimes(datetime(2010, 1, 1), datetime(2027, 1, 1)).map(lambda wall: wall.replace(microsecond=0))  # noqa: DTZ001
MOMENTS = WALLS.map(lambda wall: wall.replace(tzinfo=UTC))
SECOND = timedelta(seconds=1)


@given(MOMENTS, st.integers(1, 40 * 86_400), st.integers(0, 10**9))
def test_a_fixed_interval_is_a_grid_from_the_first_run(first: datetime, interval: int, later: int) -> None:
    recurrence = Recurrence.parse(f"{_text(first)}/PT{interval}S")
    moment = first + timedelta(seconds=later)

    latest, following = recurrence.latest_at_or_before(moment), recurrence.next_after(moment)

    assert latest == first + later // interval * timedelta(seconds=interval)
    assert following == latest + timedelta(seconds=interval)


@settings(deadline=None)
@given(MOMENTS, st.integers(1, 40), st.integers(0, 40), st.integers(0, 10_000 * 86_400))
def test_months_and_years_agree_with_a_walk_through_the_calendar(first: datetime, months: int, days: int, later: int) -> None:
    recurrence = Recurrence.parse(f"{_text(first)}/P{months // 12}Y{months % 12}M{days}D")
    moment = first + timedelta(seconds=later)

    walked = _walk(first, months, days, until=moment)

    assert recurrence.latest_at_or_before(moment) == walked[-2]
    assert recurrence.next_after(moment) == walked[-1]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ZONES), WALLS, st.integers(1, 10), st.integers(0, 400 * 86_400))
def test_days_on_a_wall_clock_agree_with_a_walk_through_its_days(zone: str, wall: datetime, days: int, later: int) -> None:
    recurrence = Recurrence.parse(f"{wall.isoformat()}/P{days}D", zone)
    walked = [recurrence.first_run(datetime(2026, 1, 1, tzinfo=UTC))]
    moment = walked[0] + timedelta(seconds=later)

    while walked[-1] <= moment:
        wall += timedelta(days=days)
        walked.append(_first_instant(wall, ZoneInfo(zone)))

    assert recurrence.latest_at_or_before(moment) == walked[-2]
    assert recurrence.next_after(moment) == walked[-1]


#: Expressions, and which times on the wall they match.
CRONS = {
    "30 2 * * *": lambda wall: (wall.hour, wall.minute) == (2, 30),
    "*/20 * * * *": lambda wall: wall.minute % 20 == 0,
    "15 1-3 * * sun": lambda wall: wall.minute == 15 and 1 <= wall.hour <= 3 and wall.weekday() == 6,
    "0 0 * * 1-5": lambda wall: (wall.hour, wall.minute) == (0, 0) and wall.weekday() < 5,
    "59 23 1,8,15,22,29 * *": lambda wall: (wall.hour, wall.minute) == (23, 59) and wall.day % 7 == 1,
}
#: Hours around which clocks are set, in UTC, and others.
RESTLESS = [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC), datetime(2026, 11, 1, 4, tzinfo=UTC)]
RESTLESS += [datetime(2026, 10, 3, 14, tzinfo=UTC), datetime(2011, 12, 30, 9, tzinfo=UTC), datetime(2018, 11, 4, tzinfo=UTC)]
NEAR_A_CHANGE = st.builds(lambda moment, more: moment + more * SECOND, st.sampled_from(RESTLESS), st.integers(0, 4 * 3600))


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(ZONES), st.sampled_from(sorted(CRONS)), st.one_of(MOMENTS, NEAR_A_CHANGE))
def test_cron_agrees_with_a_walk_through_the_minutes(zone: str, expression: str, moment: datetime) -> None:
    recurrence = Recurrence.parse(expression, zone).starting(datetime(2000, 1, 1, tzinfo=UTC))

    following, latest = recurrence.next_after(moment), recurrence.latest_at_or_before(moment)

    minute = moment.replace(second=0, microsecond=0)
    assert following == _nearest(minute, timedelta(minutes=1), ZoneInfo(zone), CRONS[expression], begin=1)
    assert latest == _nearest(minute, -timedelta(minutes=1), ZoneInfo(zone), CRONS[expression], begin=0)


@pytest.mark.parametrize(
    ("first", "months", "runs"),
    [
        ("2026-01-31", 1, ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31", "2026-06-30"]),
        ("2024-01-30", 1, ["2024-02-29", "2024-03-30", "2024-04-30"]),
        ("2024-02-29", 12, ["2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]),
        ("2096-02-29", 48, ["2100-02-28", "2104-02-29"]),
        ("2026-12-31", 2, ["2027-02-28", "2027-04-30", "2027-06-30"]),
    ],
)
def test_the_day_of_a_month_never_drifts(first: str, months: int, runs: list[str]) -> None:
    recurrence = Recurrence.parse(f"{first}T00:00:00Z/P{months}M")

    found, moment = list[str](), recurrence.first_run(datetime(2026, 1, 1, tzinfo=UTC))
    for _ in runs:
        moment = recurrence.next_after(moment) or moment
        found.append(moment.date().isoformat())

    assert found == runs


#: What a wall clock says; its zone; the runs around a change of the clock, in UTC.
CHANGES = [
    # skipped: Zurich jumps from 02:00 to 03:00, so 02:30 means 03:00
    ("2026-03-27T02:30/P1D", ZURICH, ["2026-03-27 01:30", "2026-03-28 01:30", "2026-03-29 01:00", "2026-03-30 00:30"]),
    ("30 2 * * *", ZURICH, ["2026-03-27 01:30", "2026-03-28 01:30", "2026-03-29 01:00", "2026-03-30 00:30"]),
    # twice: Zurich goes back from 03:00 to 02:00, and 02:30 means the first
    ("2026-10-23T02:30/P1D", ZURICH, ["2026-10-23 00:30", "2026-10-24 00:30", "2026-10-25 00:30", "2026-10-26 01:30"]),
    ("30 2 * * *", ZURICH, ["2026-10-23 00:30", "2026-10-24 00:30", "2026-10-25 00:30", "2026-10-26 01:30"]),
    # several minutes of a skipped hour are one run
    ("*/30 2 * * *", ZURICH, ["2026-03-28 01:00", "2026-03-28 01:30", "2026-03-29 01:00", "2026-03-30 00:00"]),
    # half an hour, on an island
    ("2026-10-03T02:15/P1D", "Australia/Lord_Howe", ["2026-10-02 15:45", "2026-10-03 15:30", "2026-10-04 15:15"]),
    # midnight itself is skipped
    ("2018-11-03T00:00/P1D", "America/Sao_Paulo", ["2018-11-03 03:00", "2018-11-04 03:00", "2018-11-05 02:00"]),
    # a whole day is skipped
    ("2011-12-29T12:00/P1D", "Pacific/Apia", ["2011-12-29 22:00", "2011-12-30 10:00", "2011-12-30 22:00"]),
    # elapsed time is not moved by clocks
    ("2026-03-29T00:00/PT1H", ZURICH, ["2026-03-28 23:00", "2026-03-29 00:00", "2026-03-29 01:00", "2026-03-29 02:00"]),
    ("2026-03-28T12:00/PT24H", ZURICH, ["2026-03-28 11:00", "2026-03-29 10:00", "2026-03-30 10:00"]),
    ("2026-02-28T02:30/P1M", ZURICH, ["2026-02-28 01:30", "2026-03-28 01:30", "2026-04-28 00:30"]),
    # without a zone it is UTC
    ("2026-03-28T02:30/P1D", None, ["2026-03-28 02:30", "2026-03-29 02:30", "2026-03-30 02:30"]),
]


@pytest.mark.parametrize(("text", "zone", "runs"), CHANGES)
def test_a_wall_clock_that_is_set_skips_no_run_and_doubles_none(text: str, zone: str | None, runs: list[str]) -> None:
    expected = [datetime.fromisoformat(f"{run}:00+00:00") for run in runs]
    recurrence = Recurrence.parse(text, zone)
    if "/" not in text or " " in text:
        recurrence = recurrence.starting(expected[0] - timedelta(days=1))

    found = [expected[0]]
    while len(found) < len(expected):
        found.append(recurrence.next_after(found[-1]) or found[-1])

    assert found == expected
    assert [recurrence.latest_at_or_before(run) for run in expected] == expected


def test_a_time_of_day_that_is_skipped_on_the_first_day_comes_on_the_others() -> None:
    recurrence = Recurrence.parse("02:30/P1D", ZURICH)

    first = recurrence.first_run(datetime(2026, 3, 29, 0, 0, tzinfo=UTC))
    started = recurrence.starting(first)

    assert first == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)  # 03:00, there is no 02:30
    assert started.next_after(first) == datetime(2026, 3, 30, 0, 30, tzinfo=UTC)


def test_nothing_comes_before_the_first_run() -> None:
    recurrence = Recurrence.parse("2026-01-01T00:00:00Z/P1D")
    before = datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC)

    assert recurrence.latest_at_or_before(before) is None
    assert recurrence.next_after(before) == before + SECOND


def test_the_calendar_ends_with_the_year_9999() -> None:
    texts = ["9998-12-31T23:59:59Z/PT1S", "9998-12-01T00:00:00Z/P1M", "9990-01-01T00:00:00Z/P10Y"]
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)

    assert [Recurrence.parse(text).next_after(last) for text in texts] == [None, None, None]
    assert [Recurrence.parse(text, ZURICH).next_after(last) for text in texts] == [None, None, None]
    assert Recurrence.parse("* * * * *").starting(last - SECOND).next_after(last) is None


@pytest.mark.parametrize("text", ["1926-01-01T00:00:00Z/PT1S", "1926-01-31T00:00:00Z/P1M", "1926-01-01T00:00:00Z/P1D"])
@pytest.mark.parametrize("zone", [None, ZURICH])
def test_a_start_a_hundred_years_ago_costs_nothing(text: str, zone: str | None) -> None:
    recurrence = Recurrence.parse(text, zone)
    moment = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)

    spent = min(_seconds(lambda: recurrence.next_after(moment)) for _ in range(20))

    assert spent < 0.001


def _walk(first: datetime, months: int, days: int, *, until: datetime) -> list[datetime]:
    """Return the occurrences up to the first after `until`, by counting."""
    walked, number = [first], 0
    while walked[-1] <= until:
        number += 1
        year, month = first.year, first.month
        for _ in range(number * months):
            month += 1
            if month > 12:
                year, month = year + 1, 1
        day = min(first.day, calendar.monthrange(year, month)[1])
        walked.append(first.replace(year=year, month=month, day=day) + number * timedelta(days=days))
    return walked


def _nearest(minute: datetime, step: timedelta, zone: ZoneInfo, matches, *, begin: int) -> datetime:
    """Return the nearest minute that is a run: a first one that matches, or the first behind skipped ones that do."""
    moment = minute + begin * step
    while True:
        shown, before = moment.astimezone(zone), (moment - timedelta(minutes=1)).astimezone(zone)
        wall = before.replace(tzinfo=None, fold=0) + timedelta(minutes=1)
        skipped = []
        while wall < shown.replace(tzinfo=None, fold=0):
            skipped.append(wall)
            wall += timedelta(minutes=1)
        if not shown.fold and (matches(shown) or any(matches(wall) for wall in skipped)):
            return moment
        moment += step


def _first_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the first instant at which clocks in `zone` show `wall` or later, to the minute if it is skipped."""
    moment = wall.replace(tzinfo=UTC) - timedelta(hours=15)
    while (missing := wall - moment.astimezone(zone).replace(tzinfo=None)) > timedelta():
        moment += (
            missing if missing < timedelta(minutes=1) else min(missing - missing % timedelta(minutes=1), timedelta(minutes=1))
        )
    return moment


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _seconds(call) -> float:
    before = time.perf_counter()
    call()
    return time.perf_counter() - before

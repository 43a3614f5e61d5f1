"""What is a schedule and what is none, row by row of the contract's grammar."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime

import pytest

from entrepot.errors import InvalidValue
from entrepot.schedules import Recurrence

NOW = datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC)
MIDNIGHT = "2026-11-23T00:00:00+00:00"

#: Text; its first run; its first run after NOW.
ACCEPTED = [
    # fixed length, from now on
    ("PT1H", "2026-11-22T10:00:00+00:00", "2026-11-22T11:00:00+00:00"),
    ("P1D", "2026-11-22T10:00:00+00:00", "2026-11-23T10:00:00+00:00"),
    ("P1DT", "2026-11-22T10:00:00+00:00", "2026-11-23T10:00:00+00:00"),
    ("P1W", "2026-11-22T10:00:00+00:00", "2026-11-29T10:00:00+00:00"),
    ("P1W2D", "2026-11-22T10:00:00+00:00", "2026-12-01T10:00:00+00:00"),
    ("P0.5D", "2026-11-22T10:00:00+00:00", "2026-11-22T22:00:00+00:00"),
    ("PT1,5H", "2026-11-22T10:00:00+00:00", "2026-11-22T11:30:00+00:00"),
    ("PT90S", "2026-11-22T10:00:00+00:00", "2026-11-22T10:01:30+00:00"),
    ("P1DT12H", "2026-11-22T10:00:00+00:00", "2026-11-23T22:00:00+00:00"),
    # months and years, from their start on
    ("P1M/2014-01-31T00:00:00Z", "2014-01-31T00:00:00+00:00", "2026-11-30T00:00:00+00:00"),
    ("2014-01-01T00:00:00Z/P1Y", "2014-01-01T00:00:00+00:00", "2027-01-01T00:00:00+00:00"),
    ("2014-01-01T00:00:00Z/P1Y2M3D", "2014-01-01T00:00:00+00:00", "2026-12-04T00:00:00+00:00"),
    # the order of the parts is free, and so is what stands between them
    ("R5/PT1H", "2026-11-22T10:00:00+00:00", "2026-11-22T11:00:00+00:00"),
    ("PT1H/R3", "2026-11-22T10:00:00+00:00", "2026-11-22T11:00:00+00:00"),
    ("R5/2014-01-01T00:00:00Z/PT1H", "2014-01-01T00:00:00+00:00", "2026-11-22T11:00:00+00:00"),
    ("R5--2014-01-01T00:00:00Z--PT1H", "2014-01-01T00:00:00+00:00", "2026-11-22T11:00:00+00:00"),
    # dates and times in all their forms
    ("20140101T000000Z/PT1H", "2014-01-01T00:00:00+00:00", "2026-11-22T11:00:00+00:00"),
    ("2014-W01-1T00Z/PT1H", "2013-12-30T00:00:00+00:00", "2026-11-22T11:00:00+00:00"),
    ("2014W011T00Z/PT1H", "2013-12-30T00:00:00+00:00", "2026-11-22T11:00:00+00:00"),
    ("2014-001T00:00Z/PT1H", "2014-01-01T00:00:00+00:00", "2026-11-22T11:00:00+00:00"),
    ("2012366T00Z/PT1H", "2012-12-31T00:00:00+00:00", "2026-11-22T11:00:00+00:00"),
    ("2014-01-01T00Z/PT1H", "2014-01-01T00:00:00+00:00", "2026-11-22T11:00:00+00:00"),
    ("2014-01-01T00:00Z/PT1H", "2014-01-01T00:00:00+00:00", "2026-11-22T11:00:00+00:00"),
    ("2014-01-01T00:00:00+02:00/PT1H", "2014-01-01T00:00:00+02:00", "2026-11-22T11:00:00+00:00"),
    ("2014-01-01T00:00:00-0230/P1D", "2014-01-01T00:00:00-02:30", "2026-11-23T02:30:00+00:00"),
    ("2014-01-01T00:00:00/PT1H", "2014-01-01T00:00:00+00:00", "2026-11-22T11:00:00+00:00"),
    ("2027-01-01T00:00:00Z/PT1H", "2027-01-01T00:00:00+00:00", "2027-01-01T00:00:00+00:00"),
    ("9998-12-31T23:59:59Z/P1Y", "9998-12-31T23:59:59+00:00", "9998-12-31T23:59:59+00:00"),
    # the next such time of day
    ("00:00:00Z/P1DT", MIDNIGHT, MIDNIGHT),
    ("T00:00:00Z/P1DT", MIDNIGHT, MIDNIGHT),
    ("00:00/P1D", MIDNIGHT, MIDNIGHT),
    ("10:00Z/P1D", "2026-11-22T10:00:00+00:00", "2026-11-23T10:00:00+00:00"),
    ("02:00+02:00/P1W", "2026-11-23T02:00:00+02:00", MIDNIGHT),
    ("R3/00:00Z/P1M", MIDNIGHT, MIDNIGHT),
    # cron
    ("cron:0 3 * * *", "2026-11-23T03:00:00+00:00", "2026-11-23T03:00:00+00:00"),
    ("0 3 * * *", "2026-11-23T03:00:00+00:00", "2026-11-23T03:00:00+00:00"),
    ("0 10 * * *", "2026-11-22T10:00:00+00:00", "2026-11-23T10:00:00+00:00"),
    ("*/7 * * * *", "2026-11-22T10:00:00+00:00", "2026-11-22T10:07:00+00:00"),
    ("0 0 1,15 jan-mar mon-fri", "2027-01-01T00:00:00+00:00", "2027-01-01T00:00:00+00:00"),
    ("0 0 29 2 *", "2028-02-29T00:00:00+00:00", "2028-02-29T00:00:00+00:00"),
    ("0 0 * * 7", "2026-11-29T00:00:00+00:00", "2026-11-29T00:00:00+00:00"),
]

#: Text; what the refusal says.
REFUSED = [
    ("P1M", "needs a start"),
    ("P1Y", "needs a start"),
    ("P1Y1D", "needs a start"),
    ("R/PT1H", "no count"),
    ("R0/PT1H", "no count"),
    ("R-1/PT1H", "no count"),
    ("R9999999999999999999/PT1H", "no count"),
    ("R5/R5/PT1H", "one R<n>"),
    ("R5", "exactly one interval"),
    ("2014-01-01/P1D", "no start"),
    ("2014-01-01T00:00:00Z", "exactly one interval"),
    ("2014-01-01T00:00:00Z/2015-01-01T00:00:00Z", "exactly one interval"),
    ("2014-01-01T00:00:00Z/2015-01-01T00:00:00Z/P1D", "one start"),
    ("P1D/P1D", "exactly one interval"),
    ("pt1h", "exactly one interval"),
    ("PT1h", "no interval"),
    ("2014-01-01t00:00:00Z/PT1H", "no start"),
    ("PT1H ", "no interval"),
    (" PT1H", "exactly one interval"),
    ("PT1H\n", "characters"),
    ("PT1H\0", "characters"),
    ("PT١H", "characters"),  # noqa: RUF001 - a digit, and none of ours
    ("", "exactly one interval"),
    ("/", "exactly one interval"),
    ("PT1H/", "no start"),
    ("P1H", "no interval"),
    ("PT1D", "no interval"),
    ("P-1D", "no interval"),
    ("-P1D", "exactly one interval"),
    ("-PT1H", "exactly one interval"),
    ("P1D1W", "no interval"),
    ("P20140101T000000", "no interval"),
    ("P", "no interval"),
    ("PT", "no interval"),
    ("PT0S", "no length"),
    ("P0D", "no length"),
    ("P0Y0M0DT0H0M0S", "no length"),
    ("PT0.5S", "shorter than one second"),
    ("P9999999999D", "too long"),
    ("P99999999999D", "too long"),
    ("PT999999999999S", "too long"),
    ("P999999999999Y/2014-01-01T00:00:00Z", "too long"),
    ("P36526D", "too long"),
    ("P1.5M/2014-01-01T00:00:00Z", "fractions"),
    ("P0,5Y/2014-01-01T00:00:00Z", "fractions"),
    ("2014-02-30T00:00:00Z/P1D", "no start"),
    ("2014-13-01T00:00:00Z/P1D", "no start"),
    ("2014-366T00:00:00Z/P1D", "no day"),
    ("2014-000T00:00:00Z/P1D", "no day"),
    ("2014-W53-1T00:00:00Z/P1D", "no day"),
    ("2014-W01T00:00:00Z/P1D", "no day"),
    ("20T00:00:00Z/P1D", "no day"),
    ("2014-01-01T24:00:00Z/P1D", "no start"),
    ("2014-01-01T00:00:60Z/P1D", "no start"),
    ("2014-01-01T00:00:00+99:99/P1D", "no start"),
    ("0001-01-01T00:00:00+10:00/P1D", "in the year 1,"),
    ("9999-12-31T23:59:59-10:00/P1D", "in the year 9999,"),
    ("24:00Z/P1D", "no time of day"),
    ("02:60Z/P1D", "no time of day"),
    ("02:00+99:00/P1D", "no time of day"),
    ("cron:", "five fields"),
    ("cron:0 3 * *", "five fields"),
    ("* * * * * *", "five fields"),
    ("cron:@daily", "five fields"),
    ("60 * * * *", "no cron expression"),
    ("0 24 * * *", "no cron expression"),
    ("0 0 0 * *", "no cron expression"),
    ("0 0 * 13 *", "no cron expression"),
    ("0 0 * * 8", "no cron expression"),
    ("*/0 * * * *", "no cron expression"),
    ("0 0 * foo *", "no cron expression"),
    ("H H * * *", "no cron field"),
    ("R R * * *", "no cron field"),
    ("0 0 L * *", "no cron field"),
    ("-1 * * * *", "no cron field"),
    ("0-999999999999 * * * *", "no cron field"),
    ("*/999999999999 * * * *", "no cron field"),
    ("0 0 30 2 *", "never comes"),
    ("0 0 31 4,6,9,11 *", "never comes"),
    ("nonsense", "exactly one interval"),
]

HOSTILE = [
    "P" + "9" * 10_000 + "D",
    "PT1" * 4_000,
    "R" * 10_000,
    "/" * 10_000,
    "-" * 10_000,
    "2014-01-01T" + "0" * 10_000 + "Z/PT1H",
    "0-59," * 2_000 + "1 * * * *",
    ("0-59," * 32)[:-1] + " * * * *",
    "cron:" + "*/1," * 40 + "* * * * *",
    "* " * 5_000,
    "P" + "0." * 90 + "D",
    "0 0 30 2 *",
    "0 0 31 2,4,6,9,11 *",
    "P99999999999D",
    "R999999999999999999/P99999999999999999999Y/99999-99-99T99:99:99Z",
    "\ud800" * 100,
    "٣" * 10_000,
]


@pytest.mark.parametrize(("text", "first", "following"), ACCEPTED)
def test_a_schedule_has_a_first_run_and_one_after_now(text: str, first: str, following: str) -> None:
    recurrence = Recurrence.parse(text)

    first_run = recurrence.first_run(NOW)

    assert first_run.isoformat() == first
    assert _iso(recurrence.starting(first_run).next_after(NOW)) == following
    assert recurrence.text == text


@pytest.mark.parametrize(("text", "why"), REFUSED)
def test_what_is_no_schedule_is_refused_with_a_reason(text: str, why: str) -> None:
    with pytest.raises(InvalidValue, match=why) as refused:
        Recurrence.parse(text)

    assert refused.value.data == {"property_names": ["schedule"]}


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_text_is_answered_in_less_than_five_milliseconds(text: str) -> None:
    fastest = min(_seconds_to_parse(f"{text}{' ' * number}") for number in range(5))  # another text each, so that none is known

    assert fastest < 0.005


@pytest.mark.parametrize(
    ("text", "count"), [("R5/PT1H", 5), ("PT1H/R1", 1), ("PT1H", None), ("R1000000000/PT1H", 1_000_000_000)]
)
def test_the_count_of_runs_is_known(text: str, count: int | None) -> None:
    assert Recurrence.parse(text).count == count


@pytest.mark.parametrize(
    "zone",
    [
        "",
        "Europe",
        "Europe/Zurich ",
        "Mars/Olympus",
        "../etc/passwd",
        "/etc/localtime",
        "localtime",
        "a" * 10_000,
        "x\0y",
        "posixrules",
    ],
)
def test_what_is_no_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(InvalidValue, match="IANA") as refused:
        Recurrence.parse("PT1H", zone)

    assert refused.value.data == {"property_names": ["time_zone"]}


def test_a_start_without_a_zone_is_read_in_the_time_zone_of_the_schedule() -> None:
    recurrence = Recurrence.parse("2026-07-01T02:00:00/P1D", "Europe/Zurich")

    assert recurrence.first_run(NOW) == datetime(2026, 7, 1, 0, 0, tzinfo=UTC)


def test_a_recurrence_without_a_start_needs_to_be_told_when_it_begins() -> None:
    recurrence = Recurrence.parse("PT1H")

    with pytest.raises(ValueError, match="starting"):
        recurrence.next_after(NOW)


@pytest.mark.parametrize(
    ("text", "zone", "sentence"),
    [
        ("PT1H", None, "every hour"),
        ("PT15M", None, "every 15 minutes"),
        ("PT1,5H", None, "every 1 hour and 30 minutes"),
        ("P1D", None, "every day at 10:00 UTC"),
        ("02:00Z/P1D", None, "every day at 02:00 UTC"),
        ("02:00/P1D", "Europe/Zurich", "every day at 02:00 Europe/Zurich"),
        ("R3/P1W", None, "every week on Sunday at 10:00 UTC, 3 times"),
        ("R1/P2W", None, "every 2 weeks on Sunday at 10:00 UTC, once"),
        ("2014-01-31T00:00:00Z/P1M", None, "every month on day 31 (or the last) at 00:00 UTC"),
        ("2014-01-15T00:00:30Z/P2M", None, "every 2 months on day 15 at 00:00:30 UTC"),
        ("2012-02-29T00:00:00Z/P1Y", None, "every year on 29 February (or the last) at 00:00 UTC"),
        ("2014-01-01T00:00:00+02:00/P1D", None, "every day at 00:00 UTC+02:00"),
        ("2014-01-01T00:00:00Z/P1Y2M3D", None, "every 1 year, 2 months and 3 days from 2014-01-01 at 00:00 UTC"),
        ("* * * * *", None, "every minute"),
        ("*/5 * * * *", None, "every 5 minutes"),
        ("*/7 * * * *", None, "whenever cron's '*/7 * * * *' matches the clock of UTC"),
        ("*/01 * * * *", None, "every minute"),
        ("*/5,* * * * *", None, "whenever cron's '*/5,* * * * *' matches the clock of UTC"),
        ("30 * * * *", None, "every hour at minute 30"),
        ("0 3 * * *", "Europe/Zurich", "every day at 03:00 Europe/Zurich"),
        ("0 3 * * mon-fri", None, "Monday to Friday at 03:00 UTC"),
        ("0 3 * * 0", None, "every Sunday at 03:00 UTC"),
        ("0 3 * * 1,3", None, "whenever cron's '0 3 * * 1,3' matches the clock of UTC"),
        ("0 3 31 * *", None, "every month on day 31, in months that have it, at 03:00 UTC"),
        ("0 3 1 1 *", None, "whenever cron's '0 3 1 1 *' matches the clock of UTC"),
    ],
)
def test_a_schedule_can_be_said_in_words(text: str, zone: str | None, sentence: str) -> None:
    recurrence = Recurrence.parse(text, zone)

    assert recurrence.starting(recurrence.first_run(NOW)).sentence() == sentence


def test_a_schedule_that_has_not_begun_can_be_said_in_words_too() -> None:
    texts = ["P1D", "02:00+02:00/P1W", "R2/02:00/P1M"]

    sentences = [Recurrence.parse(text).sentence() for text in texts]

    assert sentences == ["every day", "every week at 02:00 UTC+02:00", "every month at 02:00 UTC, 2 times"]


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _seconds_to_parse(text: str) -> float:
    before = time.perf_counter()
    with contextlib.suppress(InvalidValue):
        Recurrence.parse(text)
    return time.perf_counter() - before

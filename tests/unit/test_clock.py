"""The clock turns moments into what the tables keep, and back, without loss."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from entrepot import clock

MOMENTS = st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


@given(MOMENTS)
def test_a_moment_survives_the_way_through_a_table(moment: datetime) -> None:
    assert clock.from_us(clock.to_us(moment)) == moment


@given(MOMENTS, MOMENTS)
def test_moments_in_a_table_sort_as_they_do_in_life(one: datetime, other: datetime) -> None:
    assert (clock.to_us(one) < clock.to_us(other)) == (one < other)


def test_the_table_counts_microseconds_since_1970() -> None:
    assert clock.to_us(datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC)) == 1_000_005


def test_now_is_aware_and_agrees_with_what_the_tables_keep() -> None:
    before = clock.now_us()
    moment = clock.now()
    after = clock.now_us()

    assert moment.utcoffset() == timedelta(0)
    assert before <= clock.to_us(moment) <= after


def test_a_span_is_a_whole_number_of_microseconds() -> None:
    assert clock.us(timedelta(seconds=2.5)) == 2_500_000


def test_clients_see_whole_seconds_in_utc() -> None:
    berlin = timezone(timedelta(hours=2))

    assert clock.iso(datetime(2016, 4, 5, 14, 30, 15, 999_999, tzinfo=berlin)) == "2016-04-05T12:30:15Z"


def test_the_clocks_that_measure_never_go_back() -> None:
    boots = [clock.boot_us() for _ in range(5)]
    monotonics = [clock.monotonic() for _ in range(5)]

    assert boots == sorted(boots)
    assert monotonics == sorted(monotonics)

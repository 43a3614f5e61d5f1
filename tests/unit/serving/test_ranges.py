"""Which parts of a file a Range header asks for."""

from __future__ import annotations

import pytest

from entrepot.serving.ranges import MOST_PARTS, asked_parts


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("bytes=0-9", range(10)),
        ("bytes=90-", range(90, 100)),
        ("bytes=-1", range(99, 100)),
        ("bytes=-1000", range(100)),
        ("bytes=5-1000", range(5, 100)),
    ],
)
def test_a_range_is_served_as_far_as_the_file_goes(value: str, part: range) -> None:
    assert asked_parts(value, 100) == [part]


@pytest.mark.parametrize(
    "value", ["items=0-9", "bytes", "bytes=", "bytes=a-b", "bytes=9-0", "bytes=-", "bytes=0-1;2-3", "bytes=+1-2"]
)
def test_an_unknown_unit_or_a_malformed_range_is_ignored(value: str) -> None:
    assert asked_parts(value, 100) is None


def test_a_range_behind_the_end_is_left_out_if_another_remains() -> None:
    assert asked_parts("bytes=0-9, 200-300, -0", 100) == [range(10)]


@pytest.mark.parametrize("value", ["bytes=100-", "bytes=200-300,400-", "bytes=-0"])
def test_of_ranges_that_are_all_behind_the_end_nothing_is_left(value: str) -> None:
    assert asked_parts(value, 100) == []


def test_no_range_of_an_empty_file_is_satisfiable() -> None:
    assert asked_parts("bytes=0-0,-5", 0) == []


def test_empty_members_and_spaces_do_not_count() -> None:
    assert asked_parts("Bytes = , 0-1 ,,4-5", 10) == [range(2), range(4, 6)]


def test_ranges_are_sent_in_order_and_those_that_overlap_or_touch_as_one() -> None:
    assert asked_parts("bytes=50-59,0-9,5-19,20-29", 100) == [range(30), range(50, 60)]


def test_who_asks_for_too_many_ranges_gets_the_whole_file() -> None:
    many = ",".join(f"{number * 2}-{number * 2}" for number in range(MOST_PARTS + 1))

    assert asked_parts(f"bytes={many}", 10_000) is None


def test_a_number_with_thousands_of_digits_is_ignored() -> None:
    assert asked_parts("bytes=" + "9" * 5000 + "-", 100) is None

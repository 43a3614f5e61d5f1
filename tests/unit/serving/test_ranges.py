"""What of a Range header is honoured."""

from __future__ import annotations

import pytest

from entrepot.serving.ranges import honoured_range


@pytest.mark.parametrize("value", ["bytes=0-9", "bytes=90-", "bytes=-1", "bytes=0-0,99-99", "bytes=5-1000"])
def test_a_satisfiable_range_is_served_as_asked(value: str) -> None:
    assert honoured_range(value, 100) == value


@pytest.mark.parametrize(
    "value", ["items=0-9", "bytes", "bytes=", "bytes=a-b", "bytes=9-0", "bytes=-", "bytes=0-1;2-3", "bytes=+1-2"]
)
def test_an_unknown_unit_or_a_malformed_range_is_ignored(value: str) -> None:
    assert honoured_range(value, 100) is None


def test_a_range_behind_the_end_is_left_out_if_another_remains() -> None:
    assert honoured_range("bytes=0-9, 200-300, -0", 100) == "bytes=0-9"


@pytest.mark.parametrize("value", ["bytes=100-", "bytes=200-300,400-", "bytes=-0"])
def test_ranges_that_are_all_behind_the_end_are_kept_for_a_refusal(value: str) -> None:
    assert honoured_range(value, 100) == value


def test_no_range_of_an_empty_file_is_satisfiable() -> None:
    assert honoured_range("bytes=0-0,-5", 0) == "bytes=0-0,-5"


def test_empty_members_and_spaces_do_not_count() -> None:
    assert honoured_range("Bytes = , 0-1 ,,2-3", 10) == "bytes=0-1,2-3"


def test_a_number_with_thousands_of_digits_is_ignored() -> None:
    assert honoured_range("bytes=" + "9" * 5000 + "-", 100) is None

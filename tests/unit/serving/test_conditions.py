"""Answers to conditional requests."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from entrepot.serving.conditions import http_date, refusal

_DATE = "Mon, 02 Nov 2026 10:20:30 GMT"
_TAG = '"abc"'


def test_a_date_is_written_as_http_does() -> None:
    assert http_date(datetime(2026, 11, 2, 10, 20, 30, 999_999, tzinfo=UTC)) == _DATE


@pytest.mark.parametrize("value", [_TAG, 'W/"abc"', '"x", "abc"', "*", ' W/"x",W/"abc" '])
def test_a_tag_that_the_client_has_is_not_sent_again(value: str) -> None:
    assert refusal({"if-none-match": value}, _TAG, _DATE) == 304


@pytest.mark.parametrize(
    "headers", [{}, {"if-none-match": '"abcd"'}, {"if-none-match": "abc"}, {"if-modified-since": "nonsense"}]
)
def test_anything_else_is_sent(headers: dict[str, str]) -> None:
    assert refusal(headers, _TAG, _DATE) is None


def test_the_date_that_was_sent_is_not_modified_and_an_other_one_is() -> None:
    assert refusal({"if-modified-since": _DATE}, _TAG, _DATE) == 304
    assert refusal({"if-modified-since": "Tue, 03 Nov 2026 10:20:30 GMT"}, _TAG, _DATE) is None


def test_a_tag_counts_more_than_a_date() -> None:
    assert refusal({"if-none-match": '"other"', "if-modified-since": _DATE}, _TAG, _DATE) is None


@pytest.mark.parametrize(
    "headers",
    [{"if-match": '"other"'}, {"if-match": 'W/"abc"'}, {"if-unmodified-since": "Sun, 01 Nov 2026 10:20:30 GMT"}],
)
def test_a_precondition_that_fails_is_said(headers: dict[str, str]) -> None:
    assert refusal(headers, _TAG, _DATE) == 412


@pytest.mark.parametrize("headers", [{"if-match": _TAG}, {"if-match": "*"}, {"if-unmodified-since": _DATE}])
def test_a_precondition_that_holds_changes_nothing(headers: dict[str, str]) -> None:
    assert refusal(headers, _TAG, _DATE) is None

"""What is made of bodies and queries, and how the rest is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from entrepot.errors import BadEncoding, BodyTooLarge, EntrepotError, MalformedBody, WrongBodyType
from entrepot.rest.reading import DEEPEST, moment, read_document, read_list, read_query, whole_number


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", MalformedBody),
        (b"  \n", MalformedBody),
        (b"{", MalformedBody),
        (b'{"a": NaN}', MalformedBody),
        (b'{"a": Infinity}', MalformedBody),
        (b'{"a": 1e999}', MalformedBody),
        (b'{"a": [-1e999]}', MalformedBody),
        (b'{"a": "\xff"}', MalformedBody),
        (b'{"a": "\\ud800"}', MalformedBody),
        (b'{"a": ' + b"1" * 5000 + b"}", MalformedBody),
        (b"[]", WrongBodyType),
        (b"null", WrongBodyType),
        (b"5", WrongBodyType),
        (b'{"a": ' + b"[" * DEEPEST + b"]" * DEEPEST + b"}", BodyTooLarge),
        (b"[" * 100_000, BodyTooLarge),
    ],
)
def test_a_body_that_is_no_object_is_refused(body: bytes, error: type[EntrepotError]) -> None:
    with pytest.raises(error):
        read_document(body, is_optional=False)


def test_a_list_is_read_where_one_is_wanted() -> None:
    assert read_list(b'[1, {"a": null}]') == [1, {"a": None}]
    for body, error in ((b"", MalformedBody), (b"[", MalformedBody), (b"{}", WrongBodyType), (b"null", WrongBodyType)):
        with pytest.raises(error):
            read_list(body)


def test_an_object_is_read_as_it_is() -> None:
    deep: object = 1
    for _ in range(DEEPEST - 2):
        deep = [deep]
    document = {"a": "\N{PILE OF POO}", "b": [None, True, 1.5], "deep": deep}

    assert read_document(json.dumps(document).encode(), is_optional=False) == document


def test_an_empty_body_counts_as_an_empty_object_where_it_may_be_left_out() -> None:
    assert read_document(b" ", is_optional=True) == {}


def test_a_query_keeps_the_order_of_repeated_parameters() -> None:
    assert read_query(b"tag=a&state=&tag=b%20c") == {"tag": ["a", "b c"], "state": [""]}


def test_a_query_that_is_no_utf_8_is_refused() -> None:
    with pytest.raises(BadEncoding) as refusal:
        read_query(b"tag=%FF")

    assert refusal.value.data == {"value": "tag=%FF"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2014-01-01T00:00:00Z", datetime(2014, 1, 1, tzinfo=UTC)),
        ("2014-01-01T02:00:00+02:00", datetime(2014, 1, 1, tzinfo=UTC)),
        ("2014-01-01T00:00:00", datetime(2014, 1, 1, tzinfo=UTC)),
        ("20140101T000000Z", datetime(2014, 1, 1, tzinfo=UTC)),
        ("2014-01-01", None),
        ("0001-01-01T00:00:00+02:00", None),
        ("yesterdayT", None),
    ],
)
def test_a_moment_is_a_full_date_and_time(text: str, found: datetime | None) -> None:
    assert moment(text) == found


@pytest.mark.parametrize(("text", "found"), [("12", 12), ("-1", None), ("٣", None), ("1" * 19, None), ("", None)])
def test_a_whole_number_is_written_in_digits(text: str, found: int | None) -> None:
    assert whole_number(text) == found

"""What queries for publication events mean, and which are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.events import UnitTypes
from entrepot.facades.livingdocs.filters import Filters, read_filters, unit_types_of
from entrepot.facades.livingdocs.moments import find_moment
from entrepot.facades.livingdocs.refusals import Refusal

MILLISECOND = timedelta(milliseconds=1)
moments = st.datetimes(datetime(1971, 1, 1), datetime(2199, 1, 1))  # noqa: DTZ001 - they get their zone below


def filters(*query: tuple[str, str]) -> Filters:
    found = read_filters(query)
    assert isinstance(found, Filters)
    return found


def test_nothing_asked_for_is_the_oldest_hundred() -> None:
    assert filters() == Filters(None, None, None, None, None, None, newest_first=False, limit=100)


def test_bounds_meet_at_the_narrowest() -> None:
    found = filters(("id.gte", "3"), ("id.gt", "3"), ("id.lte", "9"), ("id.lt", "9"))

    assert (found.first_id, found.last_id) == (4, 8)


def test_each_parameter_that_is_refused_is_named() -> None:
    query = (
        ("limit", "0"),
        ("reverse", "x"),
        ("id.gt", "1.0"),
        ("documentTypes", "a"),
        ("contentTypes", "a,,b"),
        ("after", ""),
    )

    found = read_filters((*query, ("createdAt.lt", "2016-02-30"), ("foo", "bar"), ("foo", "baz")))

    assert isinstance(found, Refusal)
    named = found.document["error_details"]
    assert isinstance(named, dict)
    assert named.keys() == {name for name, _ in query} | {"createdAt.lt"}


def test_a_list_of_types_has_an_end() -> None:
    names = [f"type{number}" for number in range(101)]

    assert filters(("contentTypes", ",".join(names[:100]))).content_types == tuple(names[:100])
    assert isinstance(read_filters((("contentTypes", ",".join(names)),)), Refusal)


def test_equal_questions_are_known_as_such() -> None:
    one = filters(("documentTypes", "page,article"), ("id.gt", "1"))
    other = filters(("id.gte", "2"), ("documentTypes", "article,page,article"), ("limit", "100"))

    assert one.canonical == other.canonical


@pytest.mark.parametrize(
    ("wanted", "types", "expected"),
    [
        ({"article"}, {}, UnitTypes((), are_excluded=True)),
        ({"page"}, {}, UnitTypes(())),
        ({"page"}, {"deb": "page", "iso": "article"}, UnitTypes(("deb",))),
        ({"article"}, {"deb": "page", "iso": "article"}, UnitTypes(("deb",), are_excluded=True)),
        ({"article", "page"}, {"deb": "page", "row": "data-record"}, UnitTypes(("row",), are_excluded=True)),
    ],
)
def test_document_types_stand_for_types_of_units(wanted: set[str], types: dict[str, str], expected: UnitTypes) -> None:
    assert unit_types_of(wanted, types) == expected


@given(moments, moments, st.integers(-23 * 60 - 59, 23 * 60 + 59))
def test_moments_are_compared_by_the_millisecond_that_clients_see(given: datetime, event: datetime, offset: int) -> None:
    bound = given.replace(tzinfo=timezone(timedelta(minutes=offset)))
    created = event.replace(tzinfo=UTC)
    seen = created.replace(microsecond=created.microsecond // 1000 * 1000)

    found = find_moment(bound.isoformat())

    assert found is not None
    assert (created >= found.at_or_after) is (seen >= bound)
    assert (created >= found.after) is (seen > bound)


@given(moments)
def test_a_millisecond_that_an_event_shows_finds_that_event(event: datetime) -> None:
    shown = event.isoformat(timespec="milliseconds") + "Z"

    found = find_moment(shown)

    assert found is not None
    assert found.at_or_after <= event.replace(tzinfo=UTC) < found.after
    assert found.after - found.at_or_after == MILLISECOND


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2021-05-01", "2021-05-01T00:00:00+00:00"),
        ("2021-05-01T00:00Z", "2021-05-01T00:00:00+00:00"),
        ("2021-05-01T02:00:00.1234567+0200", "2021-05-01T00:00:00.124+00:00"),
        ("0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00+00:00"),
        ("9999-12-31T23:59:59.9999Z", "9999-12-31T23:59:59.999999+00:00"),
    ],
)
def test_dates_and_times_are_read(text: str, moment: str) -> None:
    found = find_moment(text)

    assert found is not None
    assert found.at_or_after == datetime.fromisoformat(moment)


@pytest.mark.parametrize(
    "text", ["", "2021", "2021-05-01T00:00:00", "2021-05-01 00:00:00Z", "2021-05-01T24:00:00Z", "٢٠٢١-05-01"]
)
def test_what_is_no_moment_is_none(text: str) -> None:
    assert find_moment(text) is None

"""The units of a repository are found by their own fields and by those of their association with it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from entrepot.criteria import UnitCriteria
from entrepot.engine import Engine
from entrepot.errors import InvalidValue
from entrepot.repositories import Repository
from tests.integration.repositories.conftest import Feed, run

#: Criteria, and the names that they find; without a sort in any order.
CASES: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["a.txt", "b.txt", "c.txt"]),
    ({"filters": None, "sort": None, "limit": None, "skip": None, "fields": None}, ["a.txt", "b.txt", "c.txt"]),
    ({"type_ids": ["iso"]}, ["a.txt", "b.txt", "c.txt"]),
    ({"type_ids": "iso"}, ["a.txt", "b.txt", "c.txt"]),
    ({"type_ids": ["rpm"]}, []),
    ({"type_ids": []}, []),
    ({"filters": {"unit": {"name": {"$in": ["a.txt", "c.txt"]}}}}, ["a.txt", "c.txt"]),
    ({"filters": {"unit": {"size": {"$gt": 1, "$lt": 3}}}}, ["b.txt"]),
    ({"filters": {"unit": {"arch": None}}}, ["a.txt", "b.txt", "c.txt"]),
    ({"filters": {"unit": {"arch": "noarch"}}}, []),
    ({"filters": {"unit": {"downloaded": True}}}, ["a.txt", "b.txt", "c.txt"]),
    ({"filters": {"unit": {"pulp_user_metadata.x": {"$exists": False}, "size": 3}}}, ["c.txt"]),
    ({"filters": {"association": {"created": {"$gt": "2013-01-01T00:00:00Z"}}}}, ["a.txt", "b.txt", "c.txt"]),
    ({"filters": {"association": {"created": {"$lt": {"$date": "2013-01-01T00:00:00Z"}}}}}, []),
    ({"filters": {"association": {"repo_id": "zoo", "unit_type_id": "iso"}, "unit": {"size": 2}}}, ["b.txt"]),
    ({"sort": {"unit": [["name", "descending"]]}}, ["c.txt", "b.txt", "a.txt"]),
    ({"sort": {"unit": [["size", -1]]}, "limit": 1, "skip": 1}, ["b.txt"]),
    ({"remove_duplicates": True, "limit": "2", "sort": {"unit": [["name", 1]]}}, ["a.txt", "b.txt"]),
]


@pytest.fixture
def full_zoo(engine: Engine, zoo: Repository) -> Repository:
    """The zoo with its three files a.txt, b.txt and c.txt, of one, two and three bytes."""
    run(engine, zoo.sync())
    return zoo


def names(repository: Repository, **criteria: object) -> list[Any]:
    return [unit.data["name"] for unit in repository.search_units(UnitCriteria.parse(criteria))]


def test_a_unit_is_shown_with_what_the_repository_knows_of_it(full_zoo: Repository) -> None:
    unit = full_zoo.search_units(UnitCriteria.parse({"filters": {"unit": {"name": "a.txt"}}}))[0]

    assert (unit.unit_type_id, unit.repository_id, unit.downloaded, unit.user_metadata) == ("iso", "zoo", True, {})
    assert unit.data["size"] == 1
    assert unit.created == unit.updated
    assert abs((datetime.now(UTC) - unit.created).total_seconds()) < 600


def test_units_are_found_by_their_fields(full_zoo: Repository) -> None:
    found = [(criteria, names(full_zoo, **criteria)) for criteria, _ in CASES]

    in_order = [(criteria, listed if criteria.get("sort") else sorted(listed)) for criteria, listed in found]
    assert in_order == CASES


def test_units_come_in_one_order_whatever_page_is_asked_for(full_zoo: Repository) -> None:
    pages = [names(full_zoo, limit=1, skip=skip) for skip in range(3)]

    assert [name for page in pages for name in page] == names(full_zoo)


def test_a_unit_is_found_by_its_id_which_is_the_same_in_every_repository(
    engine: Engine, full_zoo: Repository, feed: Feed
) -> None:
    other = engine.repositories.create("other", importer_type_id="iso_importer", importer_config={"feed": feed.url})
    run(engine, other.sync())
    unit = full_zoo.search_units(UnitCriteria.parse({"limit": 1}))[0]

    assert names(other, filters={"unit": {"_id": unit.unit_id}}) == [unit.data["name"]]
    assert names(other, filters={"association": {"unit_id": unit.unit_id}}) == [unit.data["name"]]
    twin = other.search_units(UnitCriteria.parse({"limit": 1}))[0]
    assert (twin.unit_id, twin.association_id == unit.association_id) == (unit.unit_id, False)


def test_a_unit_that_left_is_found_no_more(engine: Engine, full_zoo: Repository, feed: Feed) -> None:
    del feed.files["b.txt"]
    run(engine, full_zoo.sync())

    assert names(full_zoo) == ["a.txt", "c.txt"]


@pytest.mark.parametrize(
    ("criteria", "refused"),
    [
        ({"filter": {}}, ["filter"]),
        ({"filters": {"units": {}}}, ["units"]),
        ({"filters": []}, ["filters"]),
        ({"filters": "name"}, ["filters"]),
        ({"sort": [["name", 1]]}, ["sort"]),
        ({"sort": {"unit": [["name"]]}}, ["sort"]),
        ({"fields": ["name"]}, ["fields"]),
        ({"fields": {"unit": "name"}}, ["fields"]),
        ({"type_ids": 5}, ["type_ids"]),
        ({"limit": 0}, ["limit"]),
        ([], ["criteria"]),
        ({"filters": {"unit": {"$where": "1"}}}, ["criteria"]),
    ],
)
def test_criteria_that_cannot_be_read_are_refused_by_name(criteria: object, refused: list[str]) -> None:
    with pytest.raises(InvalidValue) as error:
        UnitCriteria.parse(criteria)

    assert error.value.data["property_names"] == refused

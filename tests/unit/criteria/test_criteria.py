"""Criteria are read as Pulp's clients write them, and refused by the names of what is wrong."""

from __future__ import annotations

import pytest

from entrepot.criteria import Criteria
from entrepot.criteria.filters import EVERYTHING, Compared, Equal, On
from entrepot.errors import InvalidValue


def test_nothing_and_nulls_select_everything() -> None:
    nulls = {"filters": None, "sort": None, "limit": None, "skip": None, "fields": None}

    assert Criteria.parse({}) == Criteria.parse(nulls) == Criteria()
    assert Criteria.parse({"filters": {}}).filters == EVERYTHING


def test_everything_that_may_be_said_is_read() -> None:
    read = Criteria.parse(
        {
            "filters": {"a.b": {"$gt": 5}},
            "sort": [["a", "ascending"], ["b", "DESCENDING"], ["c", 1], ["d", -1], ["e", "1"], ["f", "-1"]],
            "limit": "10",
            "skip": 0,
            "fields": ["a", "b.c"],
        }
    )

    assert read.filters == On(("a", "b"), Compared(">", 5))
    assert read.sort == (("a", False), ("b", True), ("c", False), ("d", True), ("e", False), ("f", True))
    assert (read.limit, read.skip, read.fields) == (10, 0, ("a", "b.c"))


def test_no_fields_are_not_all_fields() -> None:
    assert (Criteria.parse({"fields": []}).fields, Criteria.parse({}).fields) == ((), None)


@pytest.mark.parametrize(
    ("document", "names"),
    [
        (None, ["criteria"]),
        ([], ["criteria"]),
        ("all", ["criteria"]),
        ({"filter": {}, "order": 1, "limit": 1}, ["filter", "order"]),
        ({"filters": []}, ["filters"]),
        ({"filters": "a"}, ["filters"]),
        ({"sort": "a"}, ["sort"]),
        ({"sort": {"a": 1}}, ["sort"]),
        ({"sort": [["a"]]}, ["sort"]),
        ({"sort": [["a", 1, 1]]}, ["sort"]),
        ({"sort": ["a"]}, ["sort"]),
        ({"sort": [[1, 1]]}, ["sort"]),
        ({"sort": [["a", "up"]]}, ["sort"]),
        ({"sort": [["a", 0]]}, ["sort"]),
        ({"sort": [["a", True]]}, ["sort"]),
        ({"sort": [["a", 1.0]]}, ["sort"]),
        ({"sort": [["a\x00", 1]]}, ["sort"]),
        ({"limit": 0}, ["limit"]),
        ({"limit": -1}, ["limit"]),
        ({"limit": True}, ["limit"]),
        ({"limit": "many"}, ["limit"]),
        ({"limit": "²"}, ["limit"]),
        ({"limit": 1.5}, ["limit"]),
        ({"limit": []}, ["limit"]),
        ({"skip": -1}, ["skip"]),
        ({"skip": False}, ["skip"]),
        ({"skip": "-1"}, ["skip"]),
        ({"fields": "a"}, ["fields"]),
        ({"fields": [1]}, ["fields"]),
        ({"fields": {"a": 1}}, ["fields"]),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(document: object, names: list[str]) -> None:
    with pytest.raises(InvalidValue) as refused:
        Criteria.parse(document)

    assert refused.value.data["property_names"] == names


@pytest.mark.parametrize(
    ("filters", "reason"),
    [
        ({"$where": "sleep(1)"}, r"'\$where' is unknown"),
        ({"$text": {"$search": "a"}}, r"'\$text' is unknown"),
        ({"a": {"$near": [1, 2]}}, r"'\$near' is unknown"),
        ({"a": {"$gt": 5, "b": 1}}, "'b' is unknown"),
        ({"a": {"b": 1, "$gt": 5}}, "cannot stand inside a value"),
        ({"a": {"b": {"$gt": 5}}}, "cannot stand inside a value"),
        ({"$and": []}, r"\$and needs a list"),
        ({"$or": {"a": 1}}, r"\$or needs a list"),
        ({"$nor": [1]}, r"\$nor must be an object"),
        ({"a": {"$in": 5}}, r"\$in needs a list"),
        ({"a": {"$in": [{"$gt": 5}]}}, "cannot stand inside a value"),
        ({"a": {"$in": list(range(10_001))}}, "10000 values at most"),
        ({"a": {"$all": "x"}}, r"\$all needs a list"),
        ({"a": {"$not": 5}}, r"\$not needs"),
        ({"a": {"$not": {}}}, r"\$not needs"),
        ({"a": {"$gt": [1]}}, "no lists or objects"),
        ({"a": {"$gt": {"b": 1}}}, "no lists or objects"),
        ({"a": {"$regex": 5}}, "must be text"),
        ({"a": {"$regex": "a", "$options": 5}}, "must be text"),
        ({"a": {"$options": "i"}}, r"\$options needs a \$regex"),
        ({"a": {"$size": "2"}}, r"\$size needs"),
        ({"a": {"$size": -1}}, r"\$size needs"),
        ({"a": {"$type": "text"}}, "is no type"),
        ({"a": {"$type": []}}, "is no type"),
        ({"a": {"$type": {"x": 1}}}, "is no type"),
        ({"a": {"$mod": [0, 1]}}, r"\$mod needs"),
        ({"a": {"$mod": 4}}, r"\$mod needs"),
        ({"a": {"$mod": [4, "1"]}}, r"\$mod needs"),
        ({"a": {"$elemMatch": 5}}, "must be an object"),
        ({"a": {"$date": "yesterday"}}, "is no moment"),
        ({"a": {"$date": {}}}, "is no moment"),
        ({"a": {"$date": 1e300}}, "is no moment"),
        ({"a": [{"$date": "never"}]}, "is no moment"),
        ({"a": float("nan")}, "a number is too large, or is none"),
        ({"a": 10**400}, "a number is too large, or is none"),
        ({"a": "\x00"}, "no character"),
        ({"a": "\ud800"}, "no character"),
        ({"\x00": 1}, "no character"),
        ({".".join("a" * 21): 1}, "20 names"),
        ({"1.2.3.4": 1}, "3 numbers"),
        ({f"f{number}": 1 for number in range(1001)}, "1000 tests at most"),
    ],
)
def test_filters_that_cannot_be_asked_are_refused_with_the_reason(filters: object, reason: str) -> None:
    with pytest.raises(InvalidValue, match=reason) as refused:
        Criteria.parse({"filters": filters})

    assert refused.value.data["property_names"] == ["criteria"]
    assert [error.code for error in refused.value.sub_errors] == ["PLP0000"]


@pytest.mark.parametrize("key", ["$and", "$elemMatch", "value", "$not"])
def test_filters_that_are_nested_without_end_are_refused(key: str) -> None:
    deep: object = {"a": 1}
    for _ in range(200):
        deep = {"$and": [deep]} if key == "$and" else {"a": {key: deep}} if key == "$elemMatch" else {"a": deep}
    if key == "$not":
        deep = {"$exists": True}
        for _ in range(200):
            deep = {"$not": deep}
        deep = {"a": deep}

    with pytest.raises(InvalidValue, match="nested more than"):
        Criteria.parse({"filters": deep})


def test_a_single_condition_is_read_without_a_junction_around_it() -> None:
    assert Criteria.parse({"filters": {"$and": [{"a": 1}]}}).filters == On(("a",), Equal(1))

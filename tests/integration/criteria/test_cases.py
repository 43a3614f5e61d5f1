"""The meaning of filters, case by case, on each database. Source: the Pulp 2 REST contract, 4.3, and MongoDB's manual."""

from __future__ import annotations

from typing import Any

import pytest

from entrepot.errors import InvalidValue
from tests.integration.criteria.conftest import Shelf
from tests.integration.criteria.matcher import matches

NO, YES = False, True

#: A filter, a document, and whether it is found.
CASES: list[tuple[Any, Any, bool]] = [
    # equality and its types
    ({}, {}, YES),
    ({"a": 1}, {"a": 1}, YES),
    ({"a": 1}, {"a": 1.0}, YES),
    ({"a": 1.0}, {"a": 1}, YES),
    ({"a": 1}, {"a": "1"}, NO),
    ({"a": "1"}, {"a": 1}, NO),
    ({"a": 1}, {"a": True}, NO),
    ({"a": True}, {"a": 1}, NO),
    ({"a": True}, {"a": True}, YES),
    ({"a": False}, {"a": 0}, NO),
    ({"a": False}, {"a": False}, YES),
    ({"a": False}, {}, NO),
    ({"a": "x"}, {"a": "x"}, YES),
    ({"a": "x"}, {"a": "X"}, NO),
    ({"a": ""}, {"a": ""}, YES),
    ({"a": ""}, {"a": None}, NO),
    ({"a": "é"}, {"a": "é"}, YES),
    ({"a": "😀"}, {"a": "😀"}, YES),
    ({"a": 'it\'s "it" \\ ? % {}'}, {"a": 'it\'s "it" \\ ? % {}'}, YES),
    ({'it\'s "it" ? %s {}': 1}, {'it\'s "it" ? %s {}': 1}, YES),
    ({"é": 1}, {"é": 1}, YES),
    ({"": 1}, {"": 1}, YES),
    ({"a": 0.1}, {"a": 0.1}, YES),
    ({"a": 0.30000000000000004}, {"a": 0.3}, NO),
    ({"a": 9007199254740993}, {"a": 9007199254740993}, YES),
    ({"a": 9007199254740993}, {"a": 9007199254740992}, NO),
    ({"a": 1e22}, {"a": 1e22}, YES),
    ({"a": 10**30}, {"a": 10**30}, YES),
    ({"a": {"$eq": 1}}, {"a": 1}, YES),
    ({"a": {"$eq": {"b": 1}}}, {"a": {"b": 1}}, YES),
    # null and absence
    ({"a": None}, {"a": None}, YES),
    ({"a": None}, {}, YES),
    ({"a": None}, {"a": 0}, NO),
    ({"a": None}, {"a": [1, None]}, YES),
    ({"a": None}, {"a": []}, NO),
    ({"a": {"$ne": None}}, {}, NO),
    ({"a": {"$ne": None}}, {"a": 1}, YES),
    ({"a": {"$exists": True}}, {"a": None}, YES),
    ({"a": {"$exists": True}}, {}, NO),
    ({"a": {"$exists": False}}, {}, YES),
    ({"a": {"$exists": 0}}, {"a": 1}, NO),
    ({"a": {"$exists": True}}, {"a": []}, YES),
    ({"a": {"$gte": None}}, {}, YES),
    ({"a": {"$gt": None}}, {"a": None}, NO),
    # arrays
    ({"a": "x"}, {"a": ["w", "x"]}, YES),
    ({"a": "x"}, {"a": ["w"]}, NO),
    ({"a": "x"}, {"a": []}, NO),
    ({"a": "x"}, {"a": [["x"]]}, NO),
    ({"a": ["x"]}, {"a": ["x"]}, YES),
    ({"a": ["x"]}, {"a": [["x"], "y"]}, YES),
    ({"a": ["x", "y"]}, {"a": ["y", "x"]}, NO),
    ({"a": []}, {"a": []}, YES),
    ({"a": []}, {"a": [1]}, NO),
    ({"a": [1]}, {"a": [1.0]}, YES),
    ({"a": [True]}, {"a": [1]}, NO),
    ({"a": {"$ne": "x"}}, {"a": ["w", "x"]}, NO),
    ({"a": {"$ne": "x"}}, {}, YES),
    ({"a": {"$gt": 5}}, {"a": [1, 9]}, YES),
    ({"a": {"$gt": 5, "$lt": 4}}, {"a": [1, 9]}, YES),
    ({"a": {"$size": 2}}, {"a": [1, 2]}, YES),
    ({"a": {"$size": 2}}, {"a": [[1, 2]]}, NO),
    ({"a": {"$size": 0}}, {"a": []}, YES),
    ({"a": {"$size": 0}}, {}, NO),
    ({"a": {"$size": 1}}, {"a": {"b": 1}}, NO),
    # subdocuments
    ({"a": {"b": 1}}, {"a": {"b": 1}}, YES),
    ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, NO),
    ({"a": {"b": 1, "c": 2}}, {"a": {"c": 2, "b": 1}}, YES),
    ({"a": {"b": 1}}, {"a": [{"b": 1}]}, YES),
    ({"a": {"b": None}}, {"a": {}}, NO),
    ({"a": {}}, {"a": {}}, YES),
    ({"a": {}}, {"a": None}, NO),
    ({"a": {"b": {"c": [1, {"d": "é"}]}}}, {"a": {"b": {"c": [1, {"d": "é"}]}}}, YES),
    # dotted paths
    ({"a.b": 1}, {"a": {"b": 1}}, YES),
    ({"a.b": 1}, {"a": [{"b": 2}, {"b": 1}]}, YES),
    ({"a.b": 1}, {"a": [{"b": [3, 1]}]}, YES),
    ({"a.b": 1}, {"a": [[{"b": 1}]]}, NO),
    ({"a.b": 1}, {"a.b": 1}, NO),
    ({"a.b": None}, {}, YES),
    ({"a.b": None}, {"a": 4}, YES),
    ({"a.b": None}, {"a": {}}, YES),
    ({"a.b": None}, {"a": []}, NO),
    ({"a.b": None}, {"a": [1, 2]}, NO),
    ({"a.b": None}, {"a": [{"b": 1}, {}]}, YES),
    ({"a.b": {"$ne": None}}, {"a": []}, YES),
    ({"a.b": {"$exists": False}}, {"a": [{"b": 1}, {}]}, NO),
    ({"a.0": "x"}, {"a": ["x", "y"]}, YES),
    ({"a.1": "x"}, {"a": ["x", "y"]}, NO),
    ({"a.0": "x"}, {"a": {"0": "x"}}, YES),
    ({"a.0": 1}, {"a": [[1, 2]]}, YES),
    ({"a.0.b": 1}, {"a": [{"b": 1}]}, YES),
    ({"a.1.b": 1}, {"a": [{"b": 1}]}, NO),
    ({"a.0": None}, {"a": [{"b": 1}]}, YES),
    ({"a.0": None}, {"a": []}, NO),
    ({"a.00": 1}, {"a": [1]}, NO),
    ({"a.0.0": 2}, {"a": [[2]]}, YES),
    ({"a.b.c.d": 1}, {"a": {"b": [{"c": {"d": 1}}]}}, YES),
    # order
    ({"a": {"$gt": 5}}, {"a": 6}, YES),
    ({"a": {"$gt": 5}}, {"a": "6"}, NO),
    ({"a": {"$gt": 5}}, {"a": 5}, NO),
    ({"a": {"$gte": 5}}, {"a": 5.0}, YES),
    ({"a": {"$lt": 5}}, {"a": -1}, YES),
    ({"a": {"$lt": 5}}, {"a": None}, NO),
    ({"a": {"$lt": 5}}, {}, NO),
    ({"a": {"$lte": 5}}, {"a": 5.5}, NO),
    ({"a": {"$gt": 1, "$lte": 3}}, {"a": 3}, YES),
    ({"a": {"$gt": "a"}}, {"a": "b"}, YES),
    ({"a": {"$gt": "a"}}, {"a": "B"}, NO),
    ({"a": {"$gt": "Z"}}, {"a": "a"}, YES),
    ({"a": {"$gt": "z"}}, {"a": "é"}, YES),
    ({"a": {"$gt": "a"}}, {"a": 9}, NO),
    ({"a": {"$gt": False}}, {"a": True}, YES),
    ({"a": {"$gte": False}}, {"a": False}, YES),
    ({"a": {"$lt": True}}, {"a": 0}, NO),
    ({"a": {"$not": {"$gt": 5}}}, {"a": "6"}, YES),
    ({"a": {"$not": {"$gt": 5}}}, {}, YES),
    # lists of values
    ({"a": {"$in": [1, "x", None]}}, {"a": "x"}, YES),
    ({"a": {"$in": [1, "x", None]}}, {}, YES),
    ({"a": {"$in": [1, "x"]}}, {"a": "1"}, NO),
    ({"a": {"$in": [True]}}, {"a": 1}, NO),
    ({"a": {"$in": [1]}}, {"a": [3, 1]}, YES),
    ({"a": {"$in": [[3, 1]]}}, {"a": [3, 1]}, YES),
    ({"a": {"$in": [{"b": 1}, 2]}}, {"a": {"b": 1}}, YES),
    ({"a": {"$in": []}}, {"a": 1}, NO),
    ({"a": {"$nin": []}}, {"a": 1}, YES),
    ({"a": {"$nin": [1]}}, {"a": [3, 1]}, NO),
    ({"a": {"$nin": [1]}}, {}, YES),
    ({"a": {"$nin": [None]}}, {}, NO),
    ({"a": {"$all": ["x", "y"]}}, {"a": ["y", "z", "x"]}, YES),
    ({"a": {"$all": ["x", "y"]}}, {"a": ["y"]}, NO),
    ({"a": {"$all": ["x"]}}, {"a": "x"}, YES),
    ({"a": {"$all": []}}, {"a": []}, NO),
    ({"a": {"$all": [["x"]]}}, {"a": ["x"]}, YES),
    # patterns
    ({"a": {"$regex": "b"}}, {"a": "abc"}, YES),
    ({"a": {"$regex": "^b"}}, {"a": "abc"}, NO),
    ({"a": {"$regex": "B"}}, {"a": "abc"}, NO),
    ({"a": {"$regex": "B", "$options": "i"}}, {"a": "abc"}, YES),
    ({"a": {"$options": "i", "$regex": "^É$"}}, {"a": "é"}, YES),
    ({"a": {"$regex": "5"}}, {"a": 5}, NO),
    ({"a": {"$regex": "x"}}, {"a": ["w", "xx"]}, YES),
    ({"a": {"$regex": ""}}, {"a": ""}, YES),
    ({"a": {"$regex": ""}}, {}, NO),
    ({"a": {"$not": "x"}}, {"a": "xyz"}, NO),
    ({"a": {"$not": "x"}}, {}, YES),
    ({"a": {"$not": {"$regex": "x"}}}, {"a": "y"}, YES),
    # types, remainders, elements
    ({"a": {"$type": "string"}}, {"a": "x"}, YES),
    ({"a": {"$type": "string"}}, {"a": [1, "x"]}, YES),
    ({"a": {"$type": "array"}}, {"a": []}, YES),
    ({"a": {"$type": ["null", "bool"]}}, {"a": False}, YES),
    ({"a": {"$type": "null"}}, {}, NO),
    ({"a": {"$type": "number"}}, {"a": True}, NO),
    ({"a": {"$type": "object"}}, {"a": {}}, YES),
    ({"a": {"$mod": [4, 1]}}, {"a": 9}, YES),
    ({"a": {"$mod": [4, 1]}}, {"a": 9.7}, YES),
    ({"a": {"$mod": [4, -1]}}, {"a": -9}, YES),
    ({"a": {"$mod": [4, 1]}}, {"a": "9"}, NO),
    ({"a": {"$mod": [-4, 1]}}, {"a": [2, 5]}, YES),
    ({"a": {"$elemMatch": {"$gt": 5, "$lt": 4}}}, {"a": [1, 9]}, NO),
    ({"a": {"$elemMatch": {"$gt": 1, "$lt": 4}}}, {"a": [1, 3]}, YES),
    ({"a": {"$elemMatch": {"$gt": 1}}}, {"a": 3}, NO),
    ({"a": {"$elemMatch": {"b": 1, "c": 2}}}, {"a": [{"b": 1, "c": 3}, {"b": 0, "c": 2}]}, NO),
    ({"a": {"$elemMatch": {"b": 1, "c": 2}}}, {"a": [{"b": 1, "c": 2}]}, YES),
    ({"a": {"$elemMatch": {"$or": [{"b": 1}, {"c": 2}]}}}, {"a": [{"c": 2}]}, YES),
    ({"a": {"$elemMatch": {"b": {"$elemMatch": {"$gt": 3}}}}}, {"a": [{"b": [1]}, {"b": [4]}]}, YES),
    ({"a": {"$elemMatch": {"b": {"$ne": 1}}}}, {"a": [{"b": 1}, {"b": 2}]}, YES),
    ({"a": {"$elemMatch": {}}}, {"a": [{}]}, YES),
    ({"a": {"$not": {"$elemMatch": {"b": 1}}}}, {"a": [{"b": 1}]}, NO),
    # junctions
    ({"a": 1, "b": 2}, {"a": 1, "b": 2}, YES),
    ({"a": 1, "b": 2}, {"a": 1}, NO),
    ({"$and": [{"a": 1}, {"b": 2}]}, {"a": 1, "b": 2}, YES),
    ({"$or": [{"a": 1}, {"b": 2}]}, {"b": 2}, YES),
    ({"$or": [{"a": 1}, {"b": 2}]}, {}, NO),
    ({"$nor": [{"a": 1}, {"b": 2}]}, {"b": 2}, NO),
    ({"$nor": [{"a": 1}, {"b": 2}]}, {"a": 2}, YES),
    ({"$nor": [{"$and": [{"a": None}, {"$or": [{"b": 1}, {"b": 2}]}]}]}, {"b": 3}, YES),
    ({"$or": [{}]}, {"a": 1}, YES),
]


def test_there_are_enough_cases_and_no_two_of_them_alike() -> None:
    assert len(CASES) >= 150
    assert len({repr(case) for case in CASES}) == len(CASES)


def test_each_filter_finds_the_document_or_does_not(shelf: Shelf) -> None:
    wrong = []
    for filters, document, expected in CASES:
        shelf.put(document)
        if (shelf.found(filters) == [1]) is not expected:
            wrong.append((filters, document, expected))

    assert wrong == []


def test_the_measure_of_the_compiler_agrees_with_the_cases() -> None:
    assert [case for case in CASES if matches(case[0], case[1]) is not case[2]] == []


def test_moments_and_object_ids_in_documents_are_met_as_they_are_shown(shelf: Shelf) -> None:
    shelf.put({"at": "2019-01-01T00:00:00Z", "of": {"$oid": "0" * 24}})

    for filters in (
        {"data.at": {"$date": "2019-01-01T02:00:00+02:00"}},
        {"data.at": {"$date": 1546300800000}},
        {"data.at": {"$in": [5, {"$date": "2019-01-01T00:00:00Z"}]}},
        {"data.at": {"$lt": {"$date": "2019-01-02T00:00:00Z"}}},
        {"data.of": {"$oid": "0" * 24}},
    ):
        assert shelf.found(filters) == [1], filters


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"name": "a"}, [1]),
        ({"name": None}, [3]),
        ({"name": {"$ne": "a"}}, [2, 3]),
        ({"name": {"$in": ["a", None]}}, [1, 3]),
        ({"name": {"$nin": ["a"]}}, [2, 3]),
        ({"name": {"$gt": "B"}}, [1]),
        ({"name": {"$not": {"$gt": "B"}}}, [2, 3]),
        ({"name": {"$exists": True}}, [1, 2, 3]),
        ({"name": {"$type": "string"}}, [1, 2]),
        ({"name": {"$type": "null"}}, [3]),
        ({"name": {"$regex": "^[AB]$"}}, [2]),
        ({"name": 5}, []),
        ({"name": ["a"]}, []),
        ({"name": {"$all": ["a"]}}, [1]),
        ({"name": {"$size": 1}}, []),
        ({"name.first": None}, [1, 2, 3]),
        ({"name.first": 1}, []),
        ({"size": 5}, [1]),
        ({"size": 5.0}, [1]),
        ({"size": "5"}, []),
        ({"size": True}, []),
        ({"size": {"$in": [5, 2.5, 10**30]}}, [1]),
        ({"size": {"$gt": 4.5}}, [1]),
        ({"size": {"$lt": 10**30}}, [1, 2]),
        ({"size": {"$lte": None}}, [3]),
        ({"size": {"$mod": [3, 2]}}, [1]),
        ({"size": {"$mod": [3, -1]}}, [2]),
        ({"size": {"$type": "int"}}, [1, 2]),
        ({"size": {"$regex": "5"}}, []),
        ({"is_new": True}, [1]),
        ({"is_new": {"$ne": True}}, [2, 3]),
        ({"is_new": 1}, []),
        ({"is_new": {"$gt": False}}, [1]),
        ({"is_new": {"$in": [False, None]}}, [2, 3]),
        ({"at": "1970-01-01T00:00:01Z"}, [1]),
        ({"at": {"$date": "1970-01-01T01:00:01+01:00"}}, [1]),
        ({"at": {"$gt": "1970-01-01T00:00:01Z"}}, [2]),
        ({"at": {"$gte": "1970-01-01T00:00:01Z"}}, [1, 2]),
        ({"at": {"$lt": "1970-01-01T00:00:02Z"}}, [1]),
        ({"at": {"$lte": "1970-01-01T00:00:01.5Z"}}, [1]),
        ({"at": {"$gt": "1970-01-01T00:00:00.5Z"}}, [1, 2]),
        ({"at": "1970-01-01T00:00:01.5Z"}, []),
        ({"at": {"$in": ["1970-01-01T00:00:01Z", None]}}, [1, 3]),
        ({"at": {"$nin": ["1970-01-01T00:00:01Z"]}}, [2, 3]),
        ({"at": {"$regex": "^1970"}}, [1, 2]),
        ({"at": {"$gt": "1970-01-01T00:00:0"}}, [1, 2]),
        ({"at": {"$gt": "yesterday"}}, []),
        ({"at": {"$gt": "1970-01-01"}}, [1, 2]),
        ({"at": 1}, []),
        ({"at": {"$type": "date"}}, [1, 2]),
        ({"_id": "0" * 23 + "2"}, [2]),
        ({"_id": {"$oid": "0" * 23 + "2"}}, [2]),
        ({"_id": {"$in": ["0" * 23 + "2", {"$oid": "0" * 23 + "3"}, "zz", 1]}}, [2, 3]),
        ({"_id": {"$nin": ["0" * 23 + "2"]}}, [1, 3]),
        ({"_id": {"$gt": "0" * 23 + "1"}}, [2, 3]),
        ({"_id": "f" * 24}, []),
        ({"_id": 2}, []),
        ({"_id": {"$ne": "zz"}}, [1, 2, 3]),
        ({"data": None}, [1, 2, 3]),
        ({"data.x": {"$exists": True}}, []),
    ],
)
def test_columns_are_compared_with_their_own_kind_only(shelf: Shelf, filters: object, expected: list[int]) -> None:
    rows = [(1, "a", 5, 1_200_000, True), (2, "B", -7, 2_900_000, False), (3, None, None, None, None)]
    shelf.database.executemany("INSERT INTO thing (id, name, size, at_us, is_new) VALUES (?, ?, ?, ?, ?)", rows)

    assert shelf.found(filters) == expected


def test_a_row_whose_json_a_database_cannot_hold_fails_no_search(shelf: Shelf) -> None:
    shelf.put({"a": 1})
    documents = [r'{"a": "\u0000", "b": 2}', r'{"a": "\ud800", "b": 2}', r'{"a": "\\u0000", "b": 2}', '{"a": NaN}']
    documents += [r'{"a": "\u0000\u0000\u0000", "b": 2}', r'{"a": "\ud83d\ude00 \\\u0000", "b": 2}']
    rows = list(enumerate(documents, start=2))
    shelf.database.executemany("INSERT INTO thing (id, data) VALUES (?, ?)", rows)

    assert shelf.found({"data.a": 1}) == [1]
    assert shelf.found({"data.b": 2}) == [2, 3, 4, 6, 7]
    assert shelf.found({"data.a": {"$regex": "^no"}}) == []
    assert shelf.found({"data": {"a": 1}}) == [1]
    assert shelf.found({"data.b": None}) == [1, 5]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ([["data.a", 1]], [1, 8, 4, 2, 6, 3, 5, 7]),
        ([["data.a", -1]], [7, 5, 3, 2, 6, 4, 1, 8]),
        ([["data.b", "DESCENDING"], ["data.a", "ascending"]], [3, 8, 1, 4, 2, 6, 5, 7]),
        ([["missing", 1]], [1, 2, 3, 4, 5, 6, 7, 8]),
    ],
)
def test_json_is_sorted_by_type_and_value_with_nothing_first(shelf: Shelf, sort: object, expected: list[int]) -> None:
    shelf.put(
        {},
        {"a": 10},
        {"a": "Z", "b": 1},
        {"a": -2.5},
        {"a": "é"},
        {"a": 10.0},
        {"a": True},
        {"a": None, "b": 1} | {"b": 0},
    )

    assert shelf.found(None, sort=sort) == expected


@pytest.mark.parametrize(("direction", "expected"), [(1, [3, 2, 1]), ("-1", [1, 2, 3])])
def test_columns_are_sorted_bytewise_with_null_first(shelf: Shelf, direction: object, expected: list[int]) -> None:
    rows = [(1, "a", 2, 9, True), (2, "Z", 1, 5, False), (3, None, None, None, None)]
    shelf.database.executemany("INSERT INTO thing (id, name, size, at_us, is_new) VALUES (?, ?, ?, ?, ?)", rows)

    for name in ("name", "size", "at", "is_new"):
        assert shelf.found(None, sort=[[name, direction]]) == expected, name


def test_a_page_is_cut_out_of_what_is_found(shelf: Shelf) -> None:
    shelf.put(*({"a": number} for number in range(5)))

    assert shelf.found({"a": {"$gt": 0}}, limit=2, skip="1") == [3, 4]
    assert shelf.found({"a": {"$gt": 0}}, skip=3) == [5]
    assert shelf.found(None, limit=10**30) == [1, 2, 3, 4, 5]


def test_a_filter_as_large_as_may_be_is_answered(shelf: Shelf) -> None:
    shelf.put({"a": 5}, {"a": 10_001})
    deep: Any = {"a": 5}
    for _ in range(45):
        deep = {"$nor": [deep]}
    nested: Any = {"a": 5}
    for _ in range(3):
        nested = {"a": {"$elemMatch": nested}}
    literal: Any = 5
    for _ in range(45):
        literal = {"a": literal}

    assert shelf.found({"a": {"$in": list(range(10_000))}}) == [1]
    assert shelf.found({"$or": [{"a": number} for number in range(900)]}) == [1]
    assert shelf.found({"$and": [{"a": {"$ne": number}} for number in range(6, 900)]}) == [1, 2]
    assert shelf.found(deep) == [2]
    assert shelf.found(nested) == []
    assert shelf.found(literal) == []
    assert shelf.found({".".join(["a"] * 20): 1}) == []
    assert shelf.found({"a.0.0.0": 1}) == []


def test_more_than_a_database_could_answer_is_refused(shelf: Shelf) -> None:
    nested: Any = {"a": 5}
    for _ in range(4):
        nested = {"a": {"$elemMatch": nested}}

    with pytest.raises(InvalidValue, match="nested"):
        shelf.found(nested)

"""What the compiler makes of a filter selects on both databases what the filter means."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.criteria.conftest import Shelf
from tests.integration.criteria.matcher import matches

NAMES = ["a", "b", "0", "1"]
TEXTS = ["", "a", "B", "ab", "é", "5", "a\nb", "😀"]
NUMBERS = [0, 1, -1, 5, 1.0, 0.5, 0.1, 2**53, -7.25, 1e22]

scalars = st.one_of(st.none(), st.booleans(), st.sampled_from(NUMBERS), st.sampled_from(TEXTS))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)),
    max_leaves=6,
)
documents = st.dictionaries(st.sampled_from(NAMES), values, max_size=3)
paths = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map(".".join)
patterns = st.sampled_from(["a", "^a", "b$", "a.b", "[ab]+", "^$", "A|5", "\\d", "é"])


def only(name: str, operand: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return operand.map(lambda value: {name: value})


plain_operators = st.one_of(
    *(only(name, values) for name in ("$eq", "$ne")),
    *(only(name, scalars) for name in ("$gt", "$gte", "$lt", "$lte")),
    *(only(name, st.lists(values, max_size=3)) for name in ("$in", "$nin", "$all")),
    only("$exists", st.booleans()),
    only("$size", st.integers(0, 3)),
    only("$type", st.sampled_from(["number", "string", "bool", "null", "object", "array"])),
    st.tuples(st.sampled_from([2, 3, -2]), st.integers(-1, 2)).map(lambda pair: {"$mod": list(pair)}),
    st.tuples(patterns, st.sampled_from(["", "i", "m", "s"])).map(lambda pair: {"$regex": pair[0], "$options": pair[1]}),
)
operators = st.one_of(plain_operators, only("$not", plain_operators), only("$elemMatch", plain_operators))
conditions = st.one_of(values, operators)
simple = st.dictionaries(paths, conditions, min_size=1, max_size=2)
nested = st.dictionaries(paths, st.one_of(operators, simple.map(lambda part: {"$elemMatch": part})), min_size=1, max_size=2)
filters = st.recursive(
    st.one_of(simple, nested),
    lambda inner: st.one_of(*(only(name, st.lists(inner, min_size=1, max_size=2)) for name in ("$and", "$or", "$nor"))),
    max_leaves=4,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(held=st.lists(documents, min_size=1, max_size=5), searches=st.lists(filters, min_size=1, max_size=4))
def test_both_databases_select_what_the_filter_means(shelf: Shelf, held: list[Any], searches: list[Any]) -> None:
    shelf.put(*held)

    for search in searches:
        expected = [number for number, document in enumerate(held, start=1) if matches(search, document)]
        assert shelf.found(search) == expected, search

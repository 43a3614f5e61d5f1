"""How the options of commands choose units."""

from __future__ import annotations

from typing import Any

import pytest

from entrepot.cli.unit_choice import criteria, has_choice, unit_criteria
from entrepot.errors import InvalidValue


@pytest.mark.parametrize(
    ("match", "filter_", "filters"),
    [
        (None, None, {}),
        (["name=bear"], None, {"name": "bear"}),
        (["version=4.1"], None, {"version": {"$in": ["4.1", 4.1]}}),
        (["url=a=b"], None, {"url": "a=b"}),
        (["tags=[1]"], None, {"tags": "[1]"}),
        (["a=x", "b=true"], None, {"$and": [{"a": "x"}, {"b": {"$in": ["true", True]}}]}),
        (None, '{"size": {"$gt": 1}}', {"size": {"$gt": 1}}),
        (["a=x"], '{"b": 1}', {"$and": [{"a": "x"}, {"b": 1}]}),
    ],
)
def test_options_become_a_query_document(match: list[str] | None, filter_: str | None, filters: dict[str, Any]) -> None:
    assert criteria(match, filter_, limit=3).source == {"filters": filters, "limit": 3}
    chosen = unit_criteria(["rpm"], match, filter_)
    assert chosen.source == {"filters": {"unit": filters}, "type_ids": ["rpm"]}


@pytest.mark.parametrize("match", ["name", "=x", " =x", ""])
def test_a_match_is_a_field_and_a_value(match: str) -> None:
    with pytest.raises(InvalidValue, match="FIELD=VALUE"):
        criteria([match], None)


@pytest.mark.parametrize("filter_", ["{", "[]", "5", '"text"', '{"a": {"$near": 1}}'])
def test_a_filter_is_a_query_document(filter_: str) -> None:
    with pytest.raises(InvalidValue):
        criteria(None, filter_)


def test_any_option_is_a_choice() -> None:
    assert not has_choice(None, [], None)
    assert has_choice(["rpm"], None, None)
    assert has_choice(None, ["a=b"], None)
    assert has_choice(None, None, "{}")

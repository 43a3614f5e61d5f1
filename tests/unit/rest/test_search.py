"""Cut documents to the fields that a search asks for. Source: the Pulp 2 REST contract, 4.4."""

from __future__ import annotations

from typing import Any

import pytest

from entrepot.rest.repository_shapes import linked
from entrepot.rest.search import cut, tree_of

DOCUMENT: dict[str, Any] = {
    "id": "zoo",
    "notes": {"a": {"b": 1, "c": 2}, "d": [{"e": 1, "f": 2}, 5, [{"e": 3}]]},
    "description": None,
}


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ([], {}),
        (["no"], {}),
        (["description"], {"description": None}),
        (["description.x"], {}),
        (["notes.a"], {"notes": {"a": {"b": 1, "c": 2}}}),
        (["notes.a.b", "notes.a.c"], {"notes": {"a": {"b": 1, "c": 2}}}),
        (["notes.d.e"], {"notes": {"d": [{"e": 1}, [{"e": 3}]]}}),
        (["notes.a.b", "notes.a"], {"notes": {"a": {"b": 1, "c": 2}}}),
        (["notes.a", "notes.a.b"], {"notes": {"a": {"b": 1, "c": 2}}}),
        (["remarks.a.b"], {"notes": {"a": {"b": 1}}}),
        ([""], {}),
        (["notes."], {"notes": {}}),
    ],
)
def test_a_document_keeps_its_id_and_what_the_fields_name(fields: list[str], kept: dict[str, Any]) -> None:
    assert cut(DOCUMENT, tree_of(fields, {"remarks": "notes"}), ("id",)) == {"id": "zoo"} | kept


def test_a_field_of_a_thousand_parts_is_cut_as_any() -> None:
    assert cut(DOCUMENT, tree_of([".".join(["notes"] * 1000)]), ("id",)) == {"id": "zoo", "notes": {}}


@pytest.mark.parametrize("result", [None, 5, [], {}, {"_ns": ["x"]}, {"_ns": "repos", "id": "zoo"}])
def test_a_result_that_is_no_plugin_stays_as_it_is(result: Any) -> None:
    assert linked(result) == result

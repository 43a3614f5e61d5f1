"""An entry names what a document gives, and never says what."""

from __future__ import annotations

from entrepot.access import names_in
from entrepot.access.audit import MOST_FIELDS


def test_names_of_objects_within_are_dotted_and_values_are_left_out() -> None:
    document = {
        "id": "zoo",
        "importer_config": {"feed": "http://secret.example.org/", "proxy": {"password": "secret"}},
        "list": [{"secret": 1}],
        "none": None,
    }

    assert names_in(document) == [
        "id",
        "importer_config",
        "importer_config.feed",
        "importer_config.proxy",
        "importer_config.proxy.password",
        "list",
        "none",
    ]


def test_there_are_at_most_so_many_and_not_too_deep() -> None:
    deep = {"a": {"b": {"c": {"d": {"e": 1}}}}}

    assert names_in(deep)[-1] == "a.b.c.d"
    assert len(names_in({str(number): {"x": 1} for number in range(1000)})) == MOST_FIELDS
    assert names_in({}) == []

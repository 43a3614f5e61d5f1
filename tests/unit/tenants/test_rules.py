"""What each facade allows, before any database is asked."""

from __future__ import annotations

from typing import Any

import pytest

from entrepot.errors import InvalidValue, MissingResource
from entrepot.tenants import FACADES, rules_of
from entrepot.tenants.rules import merged


@pytest.mark.parametrize(
    ("facade", "good", "bad"),
    [
        ("edgecast", ["0001", "DFA6E", "dfa6e"], ["", "XYZ", "1 ", "0x1", "1" * 17, 1, None]),
        ("livingdocs", ["1", "4567"], ["", "0", "01", "-1", "1.5", "x", "٣", "1" * 19]),
        ("pugpig", ["acme", "a", "acme-2"], ["", "Acme", "-a", "a-", "a.b", "a" * 64, "a\n"]),
    ],
)
def test_a_tenant_is_called_as_the_facade_calls_it(facade: str, good: list[str], bad: list[Any]) -> None:
    rules = rules_of(facade)

    for name in good:
        rules.check_name(name)
    assert [name for name in bad if rules.canonical(name) is not None] == []
    with pytest.raises(InvalidValue, match="name"):
        rules.check_name(bad[0])


@pytest.mark.parametrize(
    ("facade", "good", "bad"),
    [
        ("edgecast", [""], ["web", None]),
        ("livingdocs", ["web", "print.ch-2"], ["", "a/b", ".web", "a" * 101]),
        ("pugpig", ["weekly", "Week_2"], ["", "a.b", "-a", "a" * 65]),
    ],
)
def test_a_channel_is_called_as_the_facade_calls_it(facade: str, good: list[str], bad: list[Any]) -> None:
    for handle in good:
        rules_of(facade).check_handle(handle)
    for handle in bad:
        with pytest.raises(InvalidValue, match="handle"):
            rules_of(facade).check_handle(handle)


def test_zeros_in_front_count_and_letters_do_not() -> None:
    canonical = rules_of("edgecast").canonical

    assert canonical("0001") != canonical("1")
    assert canonical("dfa6e") == canonical("DFA6E")


def test_a_facade_that_there_is_not_is_missing() -> None:
    assert FACADES == ("edgecast", "livingdocs", "pugpig")
    with pytest.raises(MissingResource):
        rules_of("akamai")


def test_a_token_may_only_read_unless_more_is_asked_for() -> None:
    rules = rules_of("pugpig")

    assert rules.scopes_for(None) == ("monitor",)
    assert rules.scopes_for(["act", "monitor", "act"]) == ("monitor", "act")
    for scopes in ([], ["status"], "monitor"):
        with pytest.raises(InvalidValue, match="scopes"):
            rules.scopes_for(scopes)


def test_settings_are_merged_and_null_removes_one() -> None:
    known = rules_of("livingdocs").settings

    kept = merged({}, {"document_types": {"iso": "article"}}, known)
    assert merged(kept, None, known) == {"document_types": {"iso": "article"}}
    assert merged(kept, {"document_types": None}, known) == {}


@pytest.mark.parametrize(
    "settings",
    [
        {"document_types": {"iso": "film"}},
        {"document_types": {"i\0o": "page"}},
        {"document_types": {"\ud800": "page"}},
        {"document_types": {str(number): "page" for number in range(1001)}},
        {"document_types": {"iso": ["page"]}},
        {"document_types": []},
        {"color": 1},
        {1: 2},
        [],
        "x",
    ],
)
def test_settings_that_are_refused_are_named(settings: Any) -> None:
    with pytest.raises(InvalidValue) as refused:
        merged({}, settings, rules_of("livingdocs").settings)

    names = list(map(str, settings)) if isinstance(settings, dict) else ["settings"]
    assert refused.value.data["property_names"] == names

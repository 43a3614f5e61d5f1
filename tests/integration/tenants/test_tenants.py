"""Accounts and projects, their channels and what those show."""

from __future__ import annotations

import pytest

from entrepot.engine import Engine
from entrepot.errors import DuplicateResource, InvalidValue, MissingResource, OperationRefused
from entrepot.tenants import Tenants


def test_an_account_is_found_in_any_letters_and_kept_as_it_was_given(tenants: Tenants) -> None:
    made = tenants.add("edgecast", "dFA6E")
    tenants.add("edgecast", "0001")

    assert tenants.get("edgecast", "DFA6e") == made
    assert [one.name for one in tenants.list("edgecast")] == ["0001", "dFA6E"]
    with pytest.raises(DuplicateResource):
        tenants.add("edgecast", "Dfa6E")
    with pytest.raises(MissingResource):
        tenants.get("edgecast", "1")


def test_an_edgecast_account_has_one_channel_that_stays(tenants: Tenants) -> None:
    account = tenants.add("edgecast", "0001")

    assert [(one.handle, one.is_default) for one in account.channels] == [("", True)]
    with pytest.raises(OperationRefused):
        tenants.remove_channel("edgecast", "0001", "")
    with pytest.raises(InvalidValue, match="handle"):
        tenants.set_channel("edgecast", "0001", "web")


def test_the_same_name_in_two_facades_is_two_tenants(tenants: Tenants) -> None:
    tenants.add("livingdocs", "12", {"document_types": {"iso": "article"}})
    tenants.add("edgecast", "12")

    assert [(one.facade, one.name) for one in tenants.list()] == [("edgecast", "12"), ("livingdocs", "12")]
    assert tenants.update("livingdocs", "12", {"document_types": None}).settings == {}
    tenants.remove("livingdocs", "12")
    assert [one.facade for one in tenants.list()] == ["edgecast"]


def test_sources_are_added_replaced_and_removed(tenants: Tenants) -> None:
    tenants.add("edgecast", "0001")

    tenants.add_source("edgecast", "0001", "zoo")
    added = tenants.add_source("edgecast", "0001", "zoo", "files")
    assert tenants.add_source("edgecast", "0001", "zoo", "files") == added
    assert added.channels[0].sources == (("zoo", "*"), ("zoo", "files"))

    assert tenants.set_channel("edgecast", "0001", "", sources=[("zoo", "files")]).channels[0].sources == (("zoo", "files"),)
    assert tenants.remove_source("edgecast", "0001", "zoo", "files").channels[0].sources == ()
    with pytest.raises(MissingResource):
        tenants.remove_source("edgecast", "0001", "zoo", "files")


def test_a_source_that_is_not_there_is_refused_and_nothing_is_changed(tenants: Tenants) -> None:
    tenants.add("livingdocs", "12")

    for source in (("farm", "*"), ("zoo", "other")):
        with pytest.raises(MissingResource):
            tenants.set_channel("livingdocs", "12", "web", sources=[("zoo", "files"), source])
    with pytest.raises(InvalidValue, match="sources"):
        tenants.set_channel("livingdocs", "12", "web", sources=["zo"])  # type: ignore[list-item]  # what a client may send

    assert tenants.get("livingdocs", "12").channels == ()


def test_the_first_channel_is_the_default_until_another_is(tenants: Tenants) -> None:
    tenants.add("livingdocs", "12")
    tenants.set_channel("livingdocs", "12", "web")
    before = tenants.set_channel("livingdocs", "12", "print", sources=[("zoo", "*")])
    after = tenants.set_channel("livingdocs", "12", "print", is_default=True)

    default = before.find_channel(None), after.find_channel(None)
    assert [one and one.handle for one in default] == ["web", "print"]
    assert after.channels[1].sources == (("zoo", "*"),)
    assert [one.handle for one in tenants.remove_channel("livingdocs", "12", "web").channels] == ["print"]


def test_a_publication_shows_one_repository(tenants: Tenants, engine: Engine) -> None:
    engine.repositories.create("farm")
    tenants.add("pugpig", "acme")
    tenants.set_channel("pugpig", "acme", "weekly", sources=[("zoo", "files")], settings={"endpoint_prefix": "prod"})

    with pytest.raises(InvalidValue, match="sources"):
        tenants.add_source("pugpig", "acme", "farm", handle="weekly")
    with pytest.raises(InvalidValue, match="endpoint_prefix"):
        tenants.set_channel("pugpig", "acme", "weekly", settings={"endpoint_prefix": "a.b"})

    (weekly,) = tenants.set_channel("pugpig", "acme", "weekly", sources=[("farm", "*")]).channels
    assert (weekly.sources, weekly.settings) == ((("farm", "*"),), {"endpoint_prefix": "prod"})


def test_what_a_tenant_had_goes_with_it(tenants: Tenants) -> None:
    tenants.add("pugpig", "acme")
    tenants.set_channel("pugpig", "acme", "weekly", sources=[("zoo", "*")])
    _, secret = tenants.issue_token("pugpig", "acme", "app", handle="weekly")

    tenants.remove("pugpig", "acme")
    again = tenants.add("pugpig", "acme")

    assert (again.channels, again.tokens) == ((), ())
    assert tenants.authenticate("pugpig", secret) is None

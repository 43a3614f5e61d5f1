"""Tenants of facades by way of a client: the reports and the errors are those of the engine."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from entrepot import Client
from entrepot.engine import Engine
from entrepot.errors import DuplicateResource, EntrepotError, InvalidValue, MissingResource


@pytest.fixture
def database_kind() -> str:
    """What is asked here is no matter of the database."""
    return "sqlite"


def to_the_second(report: Any) -> str:
    """Return a report as text, without the fractions of its moments."""
    return (
        repr(report).partition("created=")[0] + repr(report.channels) + repr([(one.name, one.handle) for one in report.tokens])
    )


def test_reports_are_those_of_the_engine(engine: Engine, client: Client) -> None:
    engine.repositories.create("zoo")
    expires = datetime(2999, 1, 1, tzinfo=UTC)

    made = client.tenants.add("livingdocs", "12", {"document_types": {"iso": "article"}})
    client.tenants.set_channel("livingdocs", "12", "web", sources=[("zoo", "*")])
    token, secret = client.tenants.issue_token("livingdocs", "12", "feed", expires=expires)
    client.tenants.add("edgecast", "0001")
    client.tenants.add_source("edgecast", "0001", "zoo")

    reports = engine.tenants.list()
    assert [to_the_second(one) for one in client.tenants.list()] == [to_the_second(one) for one in reports]
    assert to_the_second(client.tenants.get("livingdocs", "12")) == to_the_second(reports[1])
    assert made.settings == reports[1].settings == {"document_types": {"iso": "article"}}
    assert (token.name, token.expires, token.scopes) == ("feed", expires, ("public-api:read",))
    assert engine.tenants.authenticate("livingdocs", secret) is not None


def test_what_is_removed_is_gone(engine: Engine, client: Client) -> None:
    engine.repositories.create("zoo")
    client.tenants.add("pugpig", "acme")
    client.tenants.set_channel("pugpig", "acme", "weekly", sources=[("zoo", "*")], settings={"endpoint_prefix": "prod"})
    client.tenants.issue_token("pugpig", "acme", "app", handle="weekly", scopes=["monitor", "act"])

    assert client.tenants.remove_source("pugpig", "acme", "zoo", handle="weekly").channels[0].sources == ()
    client.tenants.revoke_token("pugpig", "acme", "app")
    assert client.tenants.get("pugpig", "acme").tokens == ()
    assert client.tenants.remove_channel("pugpig", "acme", "weekly").channels == ()
    assert client.tenants.update("pugpig", "acme", {}).settings == {}
    client.tenants.remove("pugpig", "acme")
    assert client.tenants.list("pugpig") == engine.tenants.list("pugpig") == []


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda one: one.get("edgecast", "7"), MissingResource),
        (lambda one: one.list("akamai"), MissingResource),
        (lambda one: one.add("edgecast", "0001"), DuplicateResource),
        (lambda one: one.add("edgecast", "XYZ"), InvalidValue),
        (lambda one: one.add_source("edgecast", "0001", "farm"), MissingResource),
        (lambda one: one.issue_token("edgecast", "0001", "third"), InvalidValue),
    ],
)
def test_errors_are_those_of_the_engine(engine: Engine, client: Client, call: Any, kind: type[EntrepotError]) -> None:
    engine.tenants.add("edgecast", "0001")
    errors = []
    for tenants in (engine.tenants, client.tenants):
        with pytest.raises(kind) as raised:
            call(tenants)
        errors.append((raised.value.code, raised.value.message, raised.value.data))

    assert errors[0] == errors[1]

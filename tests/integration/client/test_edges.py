"""The edge by way of a client: the reports and the errors are those of the engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from entrepot import Client
from entrepot.engine import Engine
from entrepot.errors import DuplicateResource, EntrepotError, InvalidValue, MissingResource, OperationConflict
from entrepot.testing import drain
from tests.integration.rest.conftest import engine as _engine

engine = _engine  # with the plugins that are installed


@pytest.fixture
def database_kind() -> str:
    """What is asked here is no matter of the database."""
    return "sqlite"


@pytest.fixture
def pop_id(engine: Engine) -> int:
    """A POP without servers, and a repository that is deployed to it."""
    repository = engine.repositories.create("zoo")
    repository.add_distributor("iso_distributor", None, distributor_id="web")
    repository.add_distributor("edge_distributor", {"source": "web"}, distributor_id="edge")
    repository.publish("web")
    drain(engine)
    return engine.edges.add_pop("Europe : Berlin").pop_id


def to_the_second(pushes: list[Any]) -> list[Any]:
    """Return pushes without the fractions of their moments."""
    return [
        replace(push, **{name: (at := getattr(push, name)) and at.replace(microsecond=0) for name in ("started", "acked")})
        for push in pushes
    ]


def test_reports_are_those_of_the_engine(engine: Engine, client: Client, pop_id: int, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("a", "b", "c")]
    for folder in folders:
        folder.mkdir()
    tokyo = client.edges.add_pop("Asia : Tokyo (TYO)", network="press", max_pushes=2)
    client.edges.add_server(pop_id, str(folders[0]))
    client.edges.add_servers(pop_id, map(str, folders[1:]))

    deploy = client.edges.request_deploy("zoo", "edge", message="spring")
    assert deploy == engine.edges.get_deploy(deploy.deploy_id)
    drain(engine)

    assert client.edges.list_pops() == engine.edges.list_pops()
    assert client.edges.list_pops("press") == [tokyo] == engine.edges.list_pops("press")
    assert [one.url for one in client.edges.list_servers(pop_id)] == list(map(str, folders))
    assert client.edges.get_deploy(deploy.deploy_id) == engine.edges.get_deploy(deploy.deploy_id)
    assert client.edges.list_deploys(repository_ids=["zoo"], states=["propagated"], limit=5) == engine.edges.list_deploys()
    assert client.edges.list_deploys(repository_ids=[]) == client.edges.list_deploys(before=deploy.deploy_id) == []
    pushes = client.edges.list_pushes(deploy.deploy_id, pop_id=pop_id)
    assert to_the_second(pushes) == to_the_second(engine.edges.list_pushes(deploy.deploy_id))
    assert {push.state for push in pushes} == {"done"}


def test_what_is_stopped_or_removed_is_so_on_the_server(engine: Engine, client: Client, pop_id: int) -> None:
    server = client.edges.add_server(pop_id, "sftp://web@example.org/srv", options={"password": "secret"})
    again = client.edges.request_deploy("zoo", "edge")
    drain(engine, limit=1)

    assert server.options == {"password": "*****"}
    assert client.edges.cancel(again.deploy_id).state == "canceled"
    assert client.edges.push_again(again.deploy_id, server_id=server.server_id).state == "propagating"
    client.edges.remove_server(server.server_id)
    assert engine.edges.list_servers() == []
    client.edges.remove_pop(pop_id)
    assert engine.edges.list_pops() == []


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda one: one.add_pop("Europe : Berlin"), DuplicateResource),
        (lambda one: one.add_pop("Berlin"), InvalidValue),
        (lambda one: one.remove_pop(77), MissingResource),
        (lambda one: one.add_server(1, "gopher://x"), InvalidValue),
        (lambda one: one.add_servers(77, []), MissingResource),
        (lambda one: one.list_servers(77), MissingResource),
        (lambda one: one.get_deploy(77), MissingResource),
        (lambda one: one.list_pushes(77), MissingResource),
        (lambda one: one.cancel(77), MissingResource),
        (lambda one: one.request_deploy("farm", "edge"), MissingResource),
        (lambda one: one.request_deploy("zoo", "web"), InvalidValue),
        (lambda one: [one.request_deploy("zoo", "edge"), one.request_deploy("zoo", "edge")], OperationConflict),
        (lambda one: one.list_deploys(limit=0), InvalidValue),
    ],
)
def test_errors_are_those_of_the_engine(
    engine: Engine, client: Client, pop_id: int, call: Any, kind: type[EntrepotError]
) -> None:
    errors = []
    for edges in (engine.edges, client.edges):
        with pytest.raises(kind) as raised:
            call(edges)
        errors.append((raised.value.code, raised.value.message, raised.value.data))

    assert errors[0] == errors[1]


def test_a_client_does_not_say_who_asks(client: Client) -> None:
    with pytest.raises(InvalidValue, match="the server writes down who asks it"):
        client.edges.request_deploy("zoo", "edge", requested_by="ann")

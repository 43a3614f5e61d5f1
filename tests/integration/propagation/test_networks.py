"""POPs and their servers: added, listed, removed."""

from __future__ import annotations

import pytest

from entrepot.engine import Engine
from entrepot.errors import DuplicateResource, InvalidValue, MissingResource

from .conftest import Network

BERLIN = "Europe : Berlin"


def test_pops_are_listed_by_network_and_name_with_how_many_servers_they_have(engine: Engine, network: Network) -> None:
    made = engine.edges.add_pop("Europe : Berlin (BER)", max_pushes=9)
    engine.edges.add_pop("Asia : Tokyo")
    engine.edges.add_pop("Europe : Aachen", network="backup")
    engine.edges.add_servers(made.pop_id, ["/b/1", "/b/2"])

    listed = [(pop.network, pop.name, pop.servers) for pop in engine.edges.list_pops()]

    assert listed == [("backup", "Europe : Aachen", 0), ("default", "Asia : Tokyo", 0), ("default", "Europe : Berlin (BER)", 2)]
    assert [pop.name for pop in engine.edges.list_pops("backup")] == ["Europe : Aachen"]
    assert (made.region, made.location, made.code, made.max_pushes) == ("Europe", "Berlin", "BER", 9)


def test_a_pop_or_a_server_that_is_there_already_is_refused_and_nothing_is_added(engine: Engine, network: Network) -> None:
    berlin = engine.edges.add_pop(BERLIN)
    engine.edges.add_server(berlin.pop_id, "/b/1")

    with pytest.raises(DuplicateResource):
        engine.edges.add_pop(BERLIN)
    with pytest.raises(DuplicateResource):
        engine.edges.add_servers(berlin.pop_id, ["/b/2", "/b/1"])

    assert [(server.url, server.pop, server.network) for server in engine.edges.list_servers()] == [("/b/1", BERLIN, "default")]


def test_what_cannot_be_is_refused(engine: Engine, network: Network) -> None:
    berlin = engine.edges.add_pop(BERLIN)

    for options in ({"max_pushes": 0}, {"max_pushes": 101}, {"network": "a b"}):
        with pytest.raises(InvalidValue):
            engine.edges.add_pop("Europe : Bonn", **options)
    for missing in (
        lambda: engine.edges.add_server(berlin.pop_id + 1, "/b"),
        lambda: engine.edges.list_servers(berlin.pop_id + 1),
    ):
        with pytest.raises(MissingResource):
            missing()


def test_a_pop_goes_with_its_servers(engine: Engine, network: Network) -> None:
    berlin = engine.edges.add_pop(BERLIN)
    engine.edges.add_servers(berlin.pop_id, ["/b/1", "/b/2"])

    engine.edges.remove_pop(berlin.pop_id)

    assert (engine.edges.list_pops(), engine.edges.list_servers()) == ([], [])
    with pytest.raises(MissingResource):
        engine.edges.remove_pop(berlin.pop_id)
    with pytest.raises(MissingResource):
        engine.edges.remove_server(1)


@pytest.mark.parametrize("url", ["https://ann:secret@edge.example.org/", "https://ann:secret@[", "gopher://edge.example.org/"])
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_an_address_that_cannot_be_used_is_refused_without_its_password(engine: Engine, url: str) -> None:
    berlin = engine.edges.add_pop(BERLIN)

    with pytest.raises(InvalidValue, match="url") as refused:
        engine.edges.add_server(berlin.pop_id, url)

    assert "secret" not in str(refused.value)

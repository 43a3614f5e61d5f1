"""Repositories by way of a client: what the engine has done is told alike, and what the client asks for is done."""

from __future__ import annotations

from typing import Any

import pytest

from entrepot import Client
from entrepot.cli.output import as_document
from entrepot.criteria import Criteria, UnitCriteria
from entrepot.engine import Engine
from entrepot.errors import (
    DuplicateResource,
    EntrepotError,
    InvalidValue,
    MissingResource,
    OperationRefused,
    RefusedConfiguration,
    UnknownImporterType,
)
from tests.integration.rest.repositories.conftest import ZOO


@pytest.fixture
def zoo(client: Client) -> Any:
    """The repository `zoo`, made by the client."""
    options = {name: value for name, value in ZOO.items() if name != "id"}
    return client.repositories.create("zoo", notes={"kept": True}, description="animals", **options)


def test_a_repository_is_made_seen_and_changed(engine: Engine, client: Client, zoo: Any) -> None:
    of_engine = engine.repositories.get("zoo")

    assert as_document(zoo.report()) == as_document(of_engine.report())
    assert (zoo.report().display_name, zoo.report().importer.config["basic_auth_password"]) == ("zoo", "*****")
    changed = zoo.update(
        display_name=None,
        description="beasts",
        notes={"kept": None, "new": [1]},
        scratchpad={"a": {}},
        importer_config={"num_units": 3, "basic_auth_password": "*****"},
        distributor_configs={"d1": {"a": 7}},
    )
    assert as_document(changed) == as_document(of_engine.report())
    assert (changed.display_name, changed.description, changed.notes) == (None, "beasts", {"new": [1]})
    assert (changed.scratchpad, changed.importer.config["num_units"], changed.distributors[0].config["a"]) == ({"a": {}}, 3, 7)
    assert engine.tasks.list() == []


def test_all_are_listed_and_searched(engine: Engine, client: Client, zoo: Any) -> None:
    client.repositories.create("bare", display_name="Bare")

    assert [one.repository_id for one in client.repositories.list()] == ["bare", "zoo"]
    assert as_document(client.repositories.reports()) == as_document(engine.repositories.reports())
    criteria = Criteria.parse({"filters": {"notes.kept": True}, "fields": ["id"]})
    assert as_document(client.repositories.search(criteria)) == as_document(engine.repositories.search(criteria))
    criteria = Criteria.parse({"filters": {"repo_id": "zoo"}})
    found = client.repositories.search_distributors(criteria)
    assert as_document(found) == as_document(engine.repositories.search_distributors(criteria))
    assert [one.distributor_id for one in found] == ["d1"]


def test_a_repository_is_synced_published_and_rolled_back(engine: Engine, client: Client, zoo: Any, run_tasks: Any) -> None:
    of_engine = engine.repositories.get("zoo")
    handles = []
    for number in (2, 3):
        handles.append(zoo.sync({"num_units": number}))
        handles.append(zoo.publish("d1"))
    handles.append(zoo.request_download(verify_all_units=True))
    run_tasks()

    assert [handle.wait(5).state for handle in handles] == ["finished"] * 5
    for kind in ("sync", "publish"):
        assert zoo.history(kind) == of_engine.history(kind)
    assert zoo.history("publish", distributor_id="d1", limit=1, sort="ascending") == of_engine.history(
        "publish", distributor_id="d1", limit=1, sort="ascending"
    )
    assert as_document(zoo.publications("d1")) == as_document(of_engine.publications("d1"))
    first = zoo.publications("d1")[-1].revision
    assert zoo.roll_back("d1", first).is_live
    assert of_engine.distributor("d1").live_revision == first == zoo.distributor("d1").live_revision
    assert zoo.locally_stored_units() == of_engine.locally_stored_units()
    criteria = UnitCriteria.parse({"filters": {"unit": {"colour": "red"}}, "fields": {"unit": []}})
    assert as_document(zoo.search_units(criteria)) == as_document(of_engine.search_units(criteria))
    assert [unit.data["name"] for unit in zoo.search_units(criteria)] == ["thing-1"]


def test_plugins_are_set_changed_and_removed(engine: Engine, client: Client, zoo: Any, run_tasks: Any) -> None:
    of_engine = engine.repositories.get("zoo")

    added = zoo.add_distributor("harness_distributor", {"a": 2}, distributor_id="d2", auto_publish=True)
    zoo.request_set_importer("other_importer", {"num_units": 1})
    zoo.request_update_importer("harness_importer", {"num_units": 9})  # fails in its task: it is gone by then
    (changed,) = zoo.request_distributor_updates({"d1": {"a": 3}})
    zoo.request_update_distributor("d2", {"a": 4}, auto_publish=False)
    zoo.request_publish_unchecked("nowhere")
    run_tasks()

    assert (added.auto_publish, added.config["a"], changed.state) == (True, 2, "finished")
    assert as_document(zoo.distributors()) == as_document(of_engine.distributors())
    assert [(one.distributor_id, one.config["a"], one.auto_publish) for one in zoo.distributors()] == [
        ("d1", 3, False),
        ("d2", 4, False),
    ]
    assert as_document(zoo.importer()) == as_document(of_engine.importer())
    assert zoo.importers() == [zoo.importer("other_importer")]
    assert [report.state for report in client.tasks.list(states=["error"])] == ["error", "error"]
    zoo.request_remove_importer("other_importer")
    zoo.request_remove_distributor("d1")
    run_tasks()
    assert (zoo.importers(), [one.distributor_id for one in zoo.distributors()]) == ([], ["d2"])


def test_a_repository_is_deleted(client: Client, zoo: Any, run_tasks: Any) -> None:
    handle = client.repositories.delete("zoo")
    run_tasks()

    assert handle.wait(5).state == "finished"
    with pytest.raises(MissingResource):
        client.repositories.get("zoo")


@pytest.mark.parametrize(
    ("ask", "error"),
    [
        (lambda one: one.repositories.get("nowhere"), MissingResource),
        (lambda one: one.repositories.delete("nowhere"), MissingResource),
        (lambda one: one.repositories.get("zoo").publish("nowhere"), MissingResource),
        (lambda one: one.repositories.get("zoo").roll_back("d1", 77), MissingResource),
        (lambda one: one.repositories.get("zoo").importer("nowhere"), MissingResource),
        (lambda one: one.repositories.get("zoo").request_remove_importer("nowhere"), MissingResource),
        (lambda one: one.repositories.get("zoo").history("publish", distributor_id="nowhere"), MissingResource),
        (lambda one: one.repositories.create("zoo"), DuplicateResource),
        (lambda one: one.repositories.create("a b"), InvalidValue),
        (lambda one: one.repositories.create("x", importer_type_id="nowhere"), UnknownImporterType),
        (lambda one: one.repositories.get("zoo").update(importer_config={"num_units": -1}), RefusedConfiguration),
        (lambda one: one.repositories.get("zoo").update(notes=3), InvalidValue),
    ],
)
def test_errors_are_those_of_the_engine(engine: Engine, client: Client, zoo: Any, ask: Any, error: type[EntrepotError]) -> None:
    told = []
    for one in (engine, client):
        with pytest.raises(error) as raised:
            ask(one)
        told.append((type(raised.value), raised.value.message, raised.value.data))

    assert told[0] == told[1]


def test_what_a_distributor_refuses_has_the_code_that_pulp_has_for_it(client: Client, zoo: Any) -> None:
    with pytest.raises(OperationRefused, match="a must not be negative"):
        zoo.update(distributor_configs={"d1": {"a": -1}})


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_no_name_leads_to_another_resource(client: Client, zoo: Any, name: str) -> None:
    for ask in (zoo.request_remove_importer, zoo.request_remove_distributor, client.repositories.delete):
        with pytest.raises(MissingResource):
            ask(name)

    assert client.repositories.get("zoo").report().importer is not None
    assert client.tasks.list() == []

"""Units that come into a repository from another one or an upload, and leave it. Source: the Pulp 2 REST contract, 5.1."""

from __future__ import annotations

from typing import Any

import pytest

from entrepot.access import Operation
from entrepot.engine import Engine
from tests.integration.rest.conftest import Api
from tests.integration.rest.repositories.conftest import ZOO, Tasks, problem

AT = "repositories/stable/actions/"


@pytest.fixture
def database_kind() -> str:
    """What is asked here is no matter of the database."""
    return "sqlite"


@pytest.fixture
def stable(api: Api, zoo: dict[str, Any], tasks: Tasks) -> None:
    """A repository beside `zoo`, which holds five things."""
    tasks.run_one(api.post("repositories/zoo/actions/sync/"))
    assert api.post("repositories/", ZOO | {"id": "stable", "distributors": []}).status_code == 201


def names(api: Api, repository_id: str) -> list[str]:
    found = api.post(f"repositories/{repository_id}/search/units/", {"criteria": {}}).json()
    return sorted(unit["metadata"]["name"] for unit in found)


def test_a_copy_brings_what_the_criteria_select_and_names_it(api: Api, tasks: Tasks, stable: None) -> None:
    criteria = {"type_ids": ["thing"], "filters": {"unit": {"colour": "red"}}}

    task = tasks.run_one(api.post(f"{AT}associate/", {"source_repo_id": "zoo", "criteria": criteria}))

    assert task["task_type"] == "pulp.server.managers.repo.unit_association.associate_from_repo"
    assert task["tags"] == ["pulp:repository:stable", "pulp:repository:zoo", "pulp:action:associate"]
    assert (task["state"], task["spawned_tasks"]) == ("finished", [])
    units = task["result"]["units_successful"]
    assert sorted(unit["unit_key"]["name"] for unit in units) == ["thing-1", "thing-3"]
    assert {unit["type_id"] for unit in units} == {"thing"}
    assert names(api, "stable") == ["thing-1", "thing-3"]


@pytest.mark.parametrize("criteria", [{}, {"criteria": None}, {"criteria": {}}])
def test_a_copy_without_criteria_brings_everything(api: Api, tasks: Tasks, stable: None, criteria: dict[str, Any]) -> None:
    body = {"source_repo_id": "zoo", "override_config": None, **criteria}

    task = tasks.run_one(api.post(f"{AT}associate/", body))

    assert len(task["result"]["units_successful"]) == 5
    assert names(api, "stable") == names(api, "zoo")


def test_a_copy_that_selects_nothing_says_so(api: Api, tasks: Tasks, stable: None) -> None:
    body = {"source_repo_id": "zoo", "criteria": {"filters": {"unit": {"name": "nothing"}}}}

    assert tasks.run_one(api.post(f"{AT}associate/", body))["result"] == {"units_successful": []}


def test_a_copy_that_cannot_be_is_refused_with_the_names_that_clients_know(api: Api, stable: None) -> None:
    problem(api.post("repositories/nope/actions/associate/", {}), 404, "PLP0009", resources={"repository": "nope"})
    problem(api.post(f"{AT}associate/", {}), 400, "PLP0016", missing_property_names=["source_repo_id"])
    of_nobody = api.post(f"{AT}associate/", {"source_repo_id": "nope"})
    problem(of_nobody, 400, "PLP0015", property_names=["source_repo_id"])
    for criteria in ({"wings": 2}, {"limit": 0}, {"sort": {"unit": 5}}, {"filters": {"unit": {"a": {"$near": 1}}}}, [], 5):
        refused = api.post(f"{AT}associate/", {"source_repo_id": "zoo", "criteria": criteria})
        document = problem(refused, 400, "PLP0015", property_names=["criteria"])
        assert criteria in ([], 5) or document["error"]["sub_errors"]


def test_a_copy_needs_the_permission_to_read_its_source(api: Api, engine: Engine, stable: None) -> None:
    engine.access.create_user("jim", password="jim")
    engine.access.grant_to_user("jim", "/v2/repositories/stable/", [Operation.UPDATE])
    jim = api.as_("jim", "jim")
    body = {"source_repo_id": "zoo"}

    problem(jim.post(f"{AT}associate/", body), 401, "PLP0026", auth_error_code="permission_denied")
    problem(jim.post(f"{AT}associate/", {"source_repo_id": "nope"}), 401, "PLP0026")
    engine.access.grant_to_user("jim", "/v2/repositories/zoo/", [Operation.READ])
    assert jim.post(f"{AT}associate/", body).status_code == 202


def test_a_removal_takes_what_the_criteria_select(api: Api, tasks: Tasks, stable: None) -> None:
    removal = "repositories/zoo/actions/unassociate/"

    task = tasks.run_one(api.post(removal, {"criteria": {"filters": {"unit": {"size": {"$lt": 2}}}}}))
    again = tasks.run_one(api.post(removal, {"criteria": {"filters": {"unit": {"size": {"$lt": 2}}}}}))

    assert task["tags"] == ["pulp:repository:zoo", "pulp:action:unassociate"]
    assert sorted(unit["unit_key"]["name"] for unit in task["result"]["units_successful"]) == ["thing-0", "thing-1"]
    assert again["result"] == {}
    assert names(api, "zoo") == ["thing-2", "thing-3", "thing-4"]


@pytest.mark.parametrize("body", [b"", b"{}", b'{"criteria": null}'])
def test_a_removal_without_criteria_takes_everything(api: Api, tasks: Tasks, stable: None, body: bytes) -> None:
    task = tasks.run_one(api.post("repositories/zoo/actions/unassociate/", content=body))

    assert (task["state"], len(task["result"]["units_successful"])) == ("finished", 5)
    assert names(api, "zoo") == []


def test_an_upload_becomes_a_unit(api: Api, tasks: Tasks, stable: None) -> None:
    upload_id = api.post("content/uploads/").json()["upload_id"]
    api.put(f"content/uploads/{upload_id}/0/", content=b"bear")
    body = {"upload_id": upload_id, "unit_type_id": "thing", "unit_key": {"name": "bear"}, "unit_metadata": {"size": 4}}

    task = tasks.run_one(api.post(f"{AT}import_upload/", body))
    again = tasks.run_one(api.post(f"{AT}import_upload/", body))

    assert task["task_type"] == "pulp.server.managers.content.upload.import_uploaded_unit"
    assert task["tags"] == ["pulp:repository:stable", "pulp:action:import_upload"]
    assert task["result"].keys() == {"success_flag", "summary", "details"}
    assert (task["result"]["success_flag"], again["state"]) == (True, "finished")
    assert names(api, "stable") == ["bear"]
    assert api.get("content/uploads/").json() == {"upload_ids": [upload_id]}


def test_an_import_asks_for_what_is_missing_one_by_one(api: Api, stable: None) -> None:
    body: dict[str, Any] = {}
    for name, value in (("upload_id", "x"), ("unit_type_id", "thing"), ("unit_key", {})):
        problem(api.post(f"{AT}import_upload/", body), 400, "PLP0016", missing_property_names=[name])
        body[name] = value

    assert api.post(f"{AT}import_upload/", body | {"unit_metadata": None}).status_code == 202


def test_an_import_that_cannot_be_is_accepted_and_fails(api: Api, tasks: Tasks, stable: None) -> None:
    upload_id = api.post("content/uploads/").json()["upload_id"]
    body = {"upload_id": upload_id, "unit_type_id": "thing", "unit_key": {"name": "bear"}}

    nowhere = tasks.run_one(api.post("repositories/nope/actions/import_upload/", body))
    no_upload = tasks.run_one(api.post(f"{AT}import_upload/", body | {"upload_id": "x"}))
    no_type = tasks.run_one(api.post(f"{AT}import_upload/", body | {"unit_type_id": "wing"}))

    assert [task["state"] for task in (nowhere, no_upload, no_type)] == ["error"] * 3
    assert (nowhere["error"]["code"], no_upload["error"]["code"]) == ("PLP0009", "PLP0009")
    assert "wing" in no_type["error"]["description"]
    assert names(api, "stable") == []

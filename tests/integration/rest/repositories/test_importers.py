"""Importers over REST."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.rest.conftest import Api
from tests.integration.rest.repositories.conftest import Tasks, problem

AT = "repositories/zoo/importers/"
IMPORTER = f"{AT}harness_importer/"


def test_the_list_of_importers_holds_one_or_none(api: Api, zoo: dict[str, Any]) -> None:
    api.post("repositories/", {"id": "plain"})

    assert [importer["id"] for importer in api.get(AT).json()] == ["harness_importer"]
    assert api.get("repositories/plain/importers/").json() == []


def test_one_importer_is_shown_as_the_list_shows_it(api: Api, zoo: dict[str, Any]) -> None:
    assert [api.get(IMPORTER).json()] == api.get(AT).json()


@pytest.mark.parametrize(
    ("method", "path", "resources"),
    [
        ("GET", "repositories/nope/importers/", {"repository": "nope"}),
        ("POST", "repositories/nope/importers/", {"repository": "nope"}),
        ("GET", "repositories/nope/importers/harness_importer/", {"repository": "nope"}),
        ("PUT", "repositories/nope/importers/harness_importer/", {"repository": "nope"}),
        ("DELETE", "repositories/nope/importers/harness_importer/", {"repository": "nope"}),
        ("GET", f"{AT}other_importer/", {"importer_id": "other_importer"}),
        ("PUT", f"{AT}other_importer/", {"importer_id": "other_importer"}),
        ("DELETE", f"{AT}other_importer/", {"importer_id": "other_importer"}),
    ],
)
def test_what_does_not_exist_is_named(api: Api, zoo: dict[str, Any], method: str, path: str, resources: dict[str, str]) -> None:
    body = {"importer_type_id": "harness_importer"} if method in ("POST", "PUT") else None

    problem(api.ask(method, path, body), 404, "PLP0009", resources=resources)


def test_an_importer_is_replaced_by_a_task(api: Api, zoo: dict[str, Any], tasks: Tasks) -> None:
    given = {"importer_type_id": "other_importer", "importer_config": {"num_units": 2, "basic_auth_username": None}}

    task = tasks.run_one(api.post(AT, given))

    assert (task["state"], task["error"]) == ("finished", None)
    assert task["task_type"] == "pulp.server.managers.repo.importer.set_importer"
    assert set(task["tags"]) == {
        "pulp:repository:zoo",
        "pulp:repository_importer:other_importer",
        "pulp:action:add_importer",
        "pulp:action:update_importer",
    }
    (importer,) = api.get(AT).json()
    assert importer["id"] == "other_importer"
    assert importer["config"] == {"num_units": 2}
    assert task["result"] == importer


def test_an_importer_is_added_without_a_configuration(api: Api, tasks: Tasks) -> None:
    api.post("repositories/", {"id": "plain"})

    task = tasks.run_one(api.post("repositories/plain/importers/", {"importer_type_id": "harness_importer"}))

    assert (task["state"], task["result"]["config"]) == ("finished", {})


@pytest.mark.parametrize(
    ("given", "code", "extra"),
    [
        ({}, "PLP1008", {}),
        ({"importer_type_id": None}, "PLP1008", {}),
        ({"importer_type_id": ["x"]}, "PLP1008", {}),
        ({"importer_type_id": "no"}, "PLP1008", {"importer_type_id": "no"}),
        (
            {"importer_type_id": "harness_importer", "importer_config": "x"},
            "PLP0015",
            {"property_names": ["importer_config"]},
        ),
        (
            {"importer_type_id": "harness_importer", "importer_config": {"num_units": -1}},
            "PLP1000",
            {"validation_errors": "config: num_units must not be negative"},
        ),
    ],
)
def test_an_importer_that_cannot_be_set_is_refused_at_once(
    api: Api, zoo: dict[str, Any], given: dict[str, Any], code: str, extra: dict[str, Any]
) -> None:
    problem(api.post(AT, given), 400, code, **extra)

    assert api.get("tasks/").json() == []


def test_an_importer_is_changed_by_a_task_key_by_key(api: Api, zoo: dict[str, Any], tasks: Tasks) -> None:
    before = api.get(IMPORTER).json()["config"]

    task = tasks.run_one(api.put(IMPORTER, {"importer_config": {"num_units": None, "first": 3}}))

    assert task["state"] == "finished"
    assert task["task_type"] == "pulp.server.managers.repo.importer.update_importer_config"
    assert set(task["tags"]) == {
        "pulp:repository:zoo",
        "pulp:repository_importer:harness_importer",
        "pulp:action:update_importer",
    }
    config = {key: value for key, value in before.items() if key != "num_units"} | {"first": 3}
    assert task["result"]["config"] == config
    assert task["result"]["config"]["basic_auth_password"] == "*****"
    assert api.get(IMPORTER).json()["config"] == config


def test_a_change_that_the_plugin_refuses_fails_in_its_task(api: Api, zoo: dict[str, Any], tasks: Tasks) -> None:
    task = tasks.run_one(api.put(IMPORTER, {"importer_config": {"num_units": -1}}))

    assert (task["state"], task["error"]["code"]) == ("error", "PLP0000")
    assert "num_units must not be negative" in task["error"]["description"]
    assert api.get(IMPORTER).json()["config"]["num_units"] == "5"


@pytest.mark.parametrize(
    ("given", "code", "extra"),
    [
        ({}, "PLP0016", {"missing_property_names": ["importer_config"]}),
        ({"importer_config": None}, "PLP0016", {"missing_property_names": ["importer_config"]}),
        ({"importer_config": 5}, "PLP0015", {"property_names": ["importer_config"]}),
    ],
)
def test_a_change_that_cannot_be_read_is_refused_at_once(
    api: Api, zoo: dict[str, Any], given: dict[str, Any], code: str, extra: dict[str, Any]
) -> None:
    problem(api.put(IMPORTER, given), 400, code, **extra)


def test_a_change_needs_a_body(api: Api, zoo: dict[str, Any]) -> None:
    problem(api.put(IMPORTER), 400, "PLP1009")


def test_an_importer_is_removed_by_a_task(api: Api, zoo: dict[str, Any], tasks: Tasks) -> None:
    task = tasks.run_one(api.delete(IMPORTER))

    assert (task["state"], task["result"]) == ("finished", None)
    assert task["task_type"] == "pulp.server.managers.repo.importer.remove_importer"
    assert set(task["tags"]) == {
        "pulp:repository:zoo",
        "pulp:repository_importer:harness_importer",
        "pulp:action:delete_importer",
    }
    assert api.get(AT).json() == []

"""Distributors and their publications over REST."""

from __future__ import annotations

from typing import Any

import pytest

from entrepot.access import Operation
from entrepot.engine import Engine
from tests.integration.rest.conftest import Api
from tests.integration.rest.repositories.conftest import Tasks, problem

AT = "repositories/zoo/distributors/"
NEW = {"distributor_type_id": "harness_distributor"}


def test_distributors_are_listed_in_the_order_they_were_added(api: Api, zoo: dict[str, Any]) -> None:
    for name in ("zzz", "aaa"):
        assert api.post(AT, NEW | {"distributor_id": name}).status_code == 201

    listed = api.get(AT).json()

    assert [distributor["id"] for distributor in listed] == ["d1", "zzz", "aaa"]
    assert api.get(f"{AT}zzz/").json() == listed[1]


def test_a_distributor_is_added_at_once_with_its_location(api: Api, zoo: dict[str, Any]) -> None:
    response = api.post(
        AT, NEW | {"distributor_id": "d2", "distributor_config": {"relative_url": "x/y", "a": None}, "auto_publish": 1}
    )

    assert response.status_code == 201
    assert response.headers["location"] == "http://server.test/pulp/api/v2/repositories/zoo/distributors/d2/"
    document = response.json()
    assert document.pop("_id").keys() == {"$oid"}
    assert document == {
        "_href": "/pulp/api/v2/repositories/zoo/distributors/d2/",
        "_ns": "repo_distributors",
        "id": "d2",
        "distributor_type_id": "harness_distributor",
        "repo_id": "zoo",
        "auto_publish": True,
        "config": {"relative_url": "x/y"},
        "last_publish": None,
        "scratchpad": {},
        "base_path": "x/y",
        "live_revision": None,
    }


def test_a_distributor_without_an_id_gets_one(api: Api, zoo: dict[str, Any]) -> None:
    document = api.post(AT, NEW).json()

    assert len(document["id"]) == 36
    assert api.get(f"{AT}{document['id']}/").json() == document


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize(
    ("given", "status", "code", "extra"),
    [
        ({}, 400, "PLP0016", {"missing_property_names": ["distributor_type_id"]}),
        ({"distributor_type_id": None}, 400, "PLP0016", {"missing_property_names": ["distributor_type_id"]}),
        ({"distributor_type_id": "no"}, 400, "PLP0015", {"property_names": ["distributor_type_id"]}),
        ({"distributor_type_id": 5}, 400, "PLP0015", {"property_names": ["distributor_type_id"]}),
        (NEW | {"distributor_id": "a.b"}, 400, "PLP0015", {"property_names": ["distributor_id"]}),
        (NEW | {"distributor_id": 5}, 400, "PLP0015", {"property_names": ["distributor_id"]}),
        (NEW | {"distributor_id": ["d1"]}, 400, "PLP0015", {"property_names": ["distributor_id"]}),
        (NEW | {"distributor_config": 5}, 400, "PLP0015", {"property_names": ["distributor_config"]}),
        (NEW | {"distributor_config": {"a": -1}}, 400, "PLP0000", {}),
        (NEW | {"distributor_config": {"relative_url": "zoo"}}, 409, "PLP0010", {}),
    ],
)
def test_a_distributor_that_cannot_be_added_is_refused_by_name(
    api: Api, given: dict[str, Any], status: int, code: str, extra: dict[str, Any]
) -> None:
    problem(api.post(AT, given), status, code, **extra)

    assert [distributor["id"] for distributor in api.get(AT).json()] == ["d1"]


def test_an_id_that_is_taken_is_replaced(api: Api, zoo: dict[str, Any]) -> None:
    document = api.post(AT, NEW | {"distributor_id": "d1", "distributor_config": {"a": 9}}).json()

    assert document["config"] == {"a": 9}
    assert api.get(AT).json() == [document]


def test_an_id_that_is_taken_is_not_replaced_while_the_repository_has_tasks(api: Api, zoo: dict[str, Any]) -> None:
    api.post("repositories/zoo/actions/publish/", {"id": "d1"})

    problem(api.post(AT, NEW | {"distributor_id": "d1"}), 409, "PLP0010")

    assert api.post(AT, NEW | {"distributor_id": "d2"}).status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "resources"),
    [
        ("GET", "repositories/nope/distributors/", {"repository": "nope"}),
        ("POST", "repositories/nope/distributors/", {"repository": "nope"}),
        ("GET", "repositories/nope/distributors/d1/", {"repository": "nope"}),
        ("PUT", "repositories/nope/distributors/d1/", {"repository": "nope"}),
        ("DELETE", "repositories/nope/distributors/d1/", {"repository": "nope"}),
        ("GET", "repositories/nope/distributors/d1/publications/", {"repository": "nope"}),
        ("GET", f"{AT}no/", {"repo_id": "zoo", "distributor_id": "no"}),
        ("PUT", f"{AT}no/", {"repo_id": "zoo", "distributor_id": "no"}),
        ("DELETE", f"{AT}no/", {"repo_id": "zoo", "distributor_id": "no"}),
        ("GET", f"{AT}no/publications/", {"repo_id": "zoo", "distributor_id": "no"}),
    ],
)
def test_what_does_not_exist_is_named(api: Api, zoo: dict[str, Any], method: str, path: str, resources: dict[str, str]) -> None:
    body = NEW if method in ("POST", "PUT") else None

    problem(api.ask(method, path, body), 404, "PLP0009", resources=resources)


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize(
    ("given", "config", "auto_publish"),
    [
        ({"distributor_config": {"a": 7}}, {"a": 7}, False),
        ({"distributor_config": {"a": None, "serve_http": False}}, {"serve_http": False}, False),
        ({"delta": {"auto_publish": True}}, {"a": 1}, True),
        ({"distributor_config": {}, "delta": {"auto_publish": True, "wings": 2}}, {"a": 1}, True),
        ({"distributor_config": None, "delta": None}, {"a": 1}, False),
        ({}, {"a": 1}, False),
    ],
)
def test_a_distributor_is_changed_by_a_task(
    api: Api, tasks: Tasks, given: dict[str, Any], config: dict[str, Any], auto_publish: bool
) -> None:
    task = tasks.run_one(api.put(f"{AT}d1/", given))

    assert (task["state"], task["error"]) == ("finished", None)
    assert task["task_type"] == "pulp.server.tasks.repository.distributor_update"
    assert set(task["tags"]) == {
        "pulp:repository:zoo",
        "pulp:repository_distributor:d1",
        "pulp:action:update_distributor",
    }
    document = api.get(f"{AT}d1/").json()
    assert (document["config"], document["auto_publish"]) == (config, auto_publish)
    assert task["result"].items() <= document.items()


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        ({"delta": {"auto_publish": "yes"}}, "PLP0015", "auto_publish"),
        ({"distributor_config": {"a": -1}}, "PLP0000", "a must not be negative"),
        ({"distributor_config": {"wings": 2}}, "PLP0000", "wings"),
    ],
)
def test_a_change_that_is_refused_fails_in_its_task(
    api: Api, tasks: Tasks, given: dict[str, Any], code: str, words: str
) -> None:
    task = tasks.run_one(api.put(f"{AT}d1/", given))

    assert (task["state"], task["error"]["code"]) == ("error", code)
    assert words in task["error"]["description"]
    assert api.get(f"{AT}d1/").json()["config"] == {"a": 1}


@pytest.mark.parametrize(
    ("given", "code", "extra"),
    [
        ({"distributor_config": 5}, "PLP0015", {"property_names": ["distributor_config"]}),
        ({"delta": "x"}, "PLP1010", {"field": "delta"}),
    ],
)
def test_a_change_that_cannot_be_read_is_refused_at_once(
    api: Api, zoo: dict[str, Any], given: dict[str, Any], code: str, extra: dict[str, Any]
) -> None:
    problem(api.put(f"{AT}d1/", given), 400, code, **extra)


def test_a_distributor_is_removed_by_a_task(api: Api, zoo: dict[str, Any], tasks: Tasks) -> None:
    task = tasks.run_one(api.delete(f"{AT}d1/"))

    assert (task["state"], task["result"]) == ("finished", None)
    assert task["task_type"] == "pulp.server.tasks.repository.distributor_delete"
    assert set(task["tags"]) == {
        "pulp:repository:zoo",
        "pulp:repository_distributor:d1",
        "pulp:action:remove_distributor",
    }
    assert api.get(AT).json() == []


def test_publications_are_listed_newest_first_and_one_is_rolled_back_to(api: Api, zoo: dict[str, Any], tasks: Tasks) -> None:
    for count in (1, 2):
        tasks.run_one(api.post("repositories/zoo/actions/sync/", {"override_config": {"num_units": count}}))
        assert tasks.run_one(api.post("repositories/zoo/actions/publish/", {"id": "d1"}))["state"] == "finished"
    listed = api.get(f"{AT}d1/publications/").json()
    assert [(publication["revision"], publication["is_live"]) for publication in listed] == [(2, True), (1, False)]
    assert listed[0].keys() == {
        "revision",
        "create_time",
        "repository_revision",
        "entry_count",
        "added_count",
        "updated_count",
        "removed_count",
        "is_live",
    }

    response = api.post("repositories/zoo/actions/roll_back/", {"distributor_id": "d1", "revision": 1})

    assert (response.status_code, response.json()) == (200, listed[1] | {"is_live": True})
    assert api.get(f"{AT}d1/").json()["live_revision"] == 1


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize(
    ("given", "status", "code", "extra"),
    [
        ({}, 400, "PLP0016", {"missing_property_names": ["distributor_id"]}),
        ({"distributor_id": "d1"}, 400, "PLP0016", {"missing_property_names": ["revision"]}),
        ({"distributor_id": 5, "revision": 1}, 400, "PLP0015", {"property_names": ["distributor_id"]}),
        ({"distributor_id": "d1", "revision": "1"}, 400, "PLP0015", {"property_names": ["revision"]}),
        ({"distributor_id": "d1", "revision": True}, 400, "PLP0015", {"property_names": ["revision"]}),
        ({"distributor_id": "no", "revision": 1}, 404, "PLP0009", {}),
        ({"distributor_id": "d1", "revision": 1}, 404, "PLP0009", {}),
        ({"distributor_id": "d1", "revision": 2**63 - 1}, 404, "PLP0009", {}),
        ({"distributor_id": "d1", "revision": 10**30}, 400, "PLP0015", {"property_names": ["revision"]}),
    ],
)
def test_a_roll_back_that_cannot_be_done_is_refused_by_name(
    api: Api, given: dict[str, Any], status: int, code: str, extra: dict[str, Any]
) -> None:
    problem(api.post("repositories/zoo/actions/roll_back/", given), status, code, **extra)


def test_who_adds_a_distributor_may_do_everything_to_it_and_nothing_else(engine: Engine, api: Api, zoo: dict[str, Any]) -> None:
    engine.access.create_user("ann", password="a long enough one")
    engine.access.grant_to_user("ann", "/v2/repositories/zoo/distributors/", [Operation.CREATE])
    ann = api.as_("ann", "a long enough one")

    assert ann.post(AT, NEW | {"distributor_id": "hers"}).status_code == 201

    assert ann.get(f"{AT}hers/").status_code == 200
    problem(ann.get(f"{AT}d1/"), 401, "PLP0026")
    assert ann.delete(f"{AT}hers/").status_code == 202

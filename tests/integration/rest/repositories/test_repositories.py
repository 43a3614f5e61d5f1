"""Create, look up, change and delete repositories over REST."""

from __future__ import annotations

from typing import Any

import pytest

from entrepot.access import Operation
from entrepot.engine import Engine
from tests.integration.rest.conftest import Api
from tests.integration.rest.repositories.conftest import ZOO, Tasks, problem

PLAIN = {
    "_href": "/pulp/api/v2/repositories/plain/",
    "_ns": "repos",
    "id": "plain",
    "display_name": "plain",
    "description": None,
    "notes": {},
    "scratchpad": {},
    "content_unit_counts": {},
    "last_unit_added": None,
    "last_unit_removed": None,
    "revision": 0,
}


def test_a_new_repository_is_answered_with_its_document_and_location(api: Api) -> None:
    response = api.post("repositories/", {"id": "plain"})

    assert response.status_code == 201
    assert response.headers["location"] == "http://server.test/pulp/api/v2/repositories/plain/"
    document = response.json()
    assert len(document.pop("_id")["$oid"]) == 24
    assert len(document.pop("create_time")) == len("2026-01-31T00:00:00Z")
    assert document == PLAIN


def test_what_was_created_is_what_a_look_shows(api: Api, zoo: dict[str, Any]) -> None:
    assert api.get("repositories/zoo/").json() == zoo
    assert "importers" not in zoo
    assert "distributors" not in zoo


def test_details_show_plugins_and_counts_and_no_secret(api: Api, zoo: dict[str, Any]) -> None:
    document = api.get("repositories/zoo/?details=True").json()

    assert set(document) - set(zoo) == {
        "importers",
        "distributors",
        "total_repository_units",
        "locally_stored_units",
    }
    assert (document["total_repository_units"], document["locally_stored_units"]) == (0, 0)
    (importer,), (distributor,) = document["importers"], document["distributors"]
    assert importer.pop("_id").keys() == {"$oid"}
    assert importer == {
        "_href": "/pulp/api/v2/repositories/zoo/importers/harness_importer/",
        "_ns": "repo_importers",
        "id": "harness_importer",
        "importer_type_id": "harness_importer",
        "repo_id": "zoo",
        "config": ZOO["importer_config"] | {"basic_auth_password": "*****"},
        "last_sync": None,
        "scratchpad": None,
    }
    assert distributor.pop("_id").keys() == {"$oid"}
    assert distributor == {
        "_href": "/pulp/api/v2/repositories/zoo/distributors/d1/",
        "_ns": "repo_distributors",
        "id": "d1",
        "distributor_type_id": "harness_distributor",
        "repo_id": "zoo",
        "auto_publish": False,
        "config": {"a": 1},
        "last_publish": None,
        "scratchpad": {},
        "base_path": "zoo",
        "live_revision": None,
    }


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", set()),
        ("?importers=true", {"importers"}),
        ("?distributors=TRUE", {"distributors"}),
        ("?details=true", {"importers", "distributors"}),
        ("?details=1&importers=yes&distributors=on", set()),
    ],
)
def test_a_list_shows_plugins_only_where_a_flag_is_true(api: Api, zoo: dict[str, Any], query: str, shown: set[str]) -> None:
    api.post("repositories/", {"id": "plain"})

    documents = api.get(f"repositories/{query}").json()

    assert [document["id"] for document in documents] == ["plain", "zoo"]
    assert all(set(document) - set(zoo) == shown for document in documents)
    assert all(documents[0][name] == [] for name in shown)


def test_a_list_without_repositories_is_empty(api: Api) -> None:
    response = api.get("repositories/")

    assert (response.status_code, response.json()) == (200, [])


@pytest.mark.parametrize(
    ("given", "status", "code", "extra"),
    [
        ({}, 400, "PLP0015", {"property_names": ["repo_id"]}),
        ({"id": None}, 400, "PLP0015", {"property_names": ["repo_id"]}),
        ({"id": ""}, 400, "PLP0015", {"property_names": ["repo_id"]}),
        ({"id": "a/b"}, 400, "PLP0015", {"property_names": ["repo_id"]}),
        ({"id": "zoo\n"}, 400, "PLP0015", {"property_names": ["repo_id"]}),
        ({"id": 5}, 400, "PLP0015", {"property_names": ["repo_id", "display_name"]}),
        ({"id": 5, "display_name": "five"}, 400, "PLP0015", {"property_names": ["repo_id"]}),
        ({"id": "r", "display_name": 5}, 400, "PLP0015", {"property_names": ["display_name"]}),
        ({"id": "r", "description": ["x"]}, 400, "PLP0015", {"property_names": ["description"]}),
        ({"id": "r", "notes": "x"}, 400, "PLP0015", {"property_names": ["notes"]}),
        ({"id": "r", "notes": {"a": {"b.c": 1}}}, 400, "PLP0015", {"property_names": ["notes"]}),
        ({"id": "r", "notes": {"$a": 1}}, 400, "PLP0015", {"property_names": ["notes"]}),
        ({"id": "r", "notes": {"a": [[{"b.c": 1}]]}}, 400, "PLP0015", {"property_names": ["notes"]}),
        ({"id": "r", "importer_type_id": "no"}, 400, "PLP1008", {"importer_type_id": "no"}),
        ({"id": "r", "importer_type_id": 5}, 400, "PLP1008", {}),
        (
            {"id": "r", "importer_type_id": "harness_importer", "importer_config": 5},
            400,
            "PLP0015",
            {"property_names": ["importer_config"]},
        ),
        (
            {"id": "r", "importer_type_id": "harness_importer", "importer_config": {"num_units": -1}},
            400,
            "PLP1000",
            {"validation_errors": "config: num_units must not be negative"},
        ),
        ({"id": "r", "distributors": {}}, 400, "PLP0015", {"property_names": ["distributor_list"]}),
        ({"id": "r", "distributors": [5]}, 400, "PLP0015", {"property_names": ["distributor_list"]}),
        ({"id": "r", "distributors": [{}]}, 400, "PLP0015", {"property_names": ["distributor_type_id"]}),
        (
            {"id": "r", "distributors": [{"distributor_type_id": "no"}]},
            400,
            "PLP0015",
            {"property_names": ["distributor_type_id"]},
        ),
        (
            {"id": "r", "distributors": [{"distributor_type_id": "harness_distributor", "distributor_id": "a.b"}]},
            400,
            "PLP0015",
            {"property_names": ["distributor_id"]},
        ),
        (
            {"id": "r", "distributors": [{"distributor_type_id": "harness_distributor", "distributor_config": [1]}]},
            400,
            "PLP0015",
            {"property_names": ["distributor_config"]},
        ),
    ],
)
def test_a_repository_that_cannot_be_made_is_refused_by_name(
    api: Api, given: dict[str, Any], status: int, code: str, extra: dict[str, Any]
) -> None:
    problem(api.post("repositories/", given), status, code, **extra)

    assert api.get("repositories/").json() == []


def test_invalid_properties_are_also_named_as_pulp_names_them(api: Api) -> None:
    document = problem(api.post("repositories/", {"id": "a b"}), 400, "PLP0015")

    assert document["error"]["data"]["property_names"] == ["repo_id"]
    assert document["error"]["data"]["properties"] == "['repo_id']"


def test_a_refused_configuration_of_a_distributor_has_the_code_and_arguments_of_pulp(api: Api) -> None:
    distributor = {"distributor_type_id": "harness_distributor", "distributor_config": {"a": -1}}

    document = problem(api.post("repositories/", {"id": "r", "distributors": [distributor]}), 400, "PLP0000")

    assert document["args"] == [document["error"]["description"]]
    assert "a must not be negative" in document["args"][0]


def test_an_id_that_is_taken_is_a_conflict(api: Api, zoo: dict[str, Any]) -> None:
    problem(api.post("repositories/", {"id": "zoo"}), 409, "PLP0018", resource_id="zoo")


def test_a_failed_creation_leaves_no_distributor_behind(api: Api) -> None:
    good = {"distributor_type_id": "harness_distributor", "distributor_id": "good"}
    bad = {"distributor_type_id": "harness_distributor", "distributor_id": "bad", "distributor_config": {"a": -1}}

    problem(api.post("repositories/", {"id": "r", "distributors": [good, bad]}), 400, "PLP0000")

    assert api.post("repositories/", {"id": "r"}).status_code == 201
    assert api.get("repositories/r/distributors/").json() == []


def test_nulls_mean_absent_but_for_the_display_name(api: Api) -> None:
    given = {"id": "r", "display_name": None, "description": None, "notes": None, "importer_type_id": None}

    document = api.post("repositories/", given | {"importer_config": None, "distributors": None}).json()

    assert (document["display_name"], document["notes"]) == (None, {})


def test_unknown_keys_are_ignored_and_null_keys_of_configurations_are_dropped(api: Api) -> None:
    distributor = {
        "distributor_type_id": "harness_distributor",
        "distributor_config": {"a": None},
        "auto_publish": "yes",
        "colour": "red",
    }

    response = api.post("repositories/", {"id": "r", "wings": 2, "distributors": [distributor]})

    assert response.status_code == 201
    (made,) = api.get("repositories/r/distributors/").json()
    assert (made["config"], made["auto_publish"]) == ({}, True)
    assert len(made["id"]) == 36


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_repository_that_does_not_exist_is_named(api: Api, method: str) -> None:
    body = {} if method == "PUT" else None

    problem(api.ask(method, "repositories/nope/", body), 404, "PLP0009", resources={"repository": "nope"})


def test_an_update_answers_a_call_report_with_the_repository(api: Api, zoo: dict[str, Any]) -> None:
    delta = {"display_name": "Zoo", "description": "animals", "notes": {"a": 1}, "scratchpad": {"b": 2}}

    response = api.put("repositories/zoo/", {"delta": delta})

    assert response.status_code == 200
    assert response.json() == {"result": zoo | delta, "error": None, "spawned_tasks": []}
    assert api.get("repositories/zoo/").json() == zoo | delta


@pytest.mark.parametrize("body", [b"", b"{}", b'{"delta": null}', b'{"delta": {}}', b'{"delta": {"id": "x", "wings": 2}}'])
def test_an_update_without_anything_to_change_changes_nothing(api: Api, zoo: dict[str, Any], body: bytes) -> None:
    response = api.put("repositories/zoo/", content=body)

    assert (response.status_code, response.json()["result"]) == (200, zoo)


def test_notes_are_merged_and_null_takes_one_away(api: Api, zoo: dict[str, Any]) -> None:
    api.put("repositories/zoo/", {"delta": {"notes": {"lock": "x", "other": 1}}})

    response = api.put("repositories/zoo/", {"delta": {"notes": {"lock": None, "absent": None}}})

    assert response.json()["result"]["notes"] == {"other": 1}


@pytest.mark.parametrize(
    ("given", "code", "extra"),
    [
        ({"delta": "x"}, "PLP1010", {"field": "delta", "field_type": "dict"}),
        ({"delta": [1]}, "PLP1010", {"field": "delta", "field_type": "dict"}),
        ({"delta": {"display_name": 5}}, "PLP0015", {"property_names": ["display_name"]}),
        ({"delta": {"description": 7}}, "PLP0015", {"property_names": ["description"]}),
        ({"delta": {"notes": "x"}}, "PLP0015", {"property_names": ["notes"]}),
        ({"delta": {"notes": None}}, "PLP0015", {"property_names": ["notes"]}),
        ({"delta": {"notes": {"a.b": 1}}}, "PLP0015", {"property_names": ["notes"]}),
        ({"delta": {"scratchpad": 5}}, "PLP0015", {"property_names": ["scratchpad"]}),
        ({"importer_config": "x"}, "PLP0015", {"property_names": ["importer_config"]}),
        ({"importer_config": {"num_units": -1}}, "PLP1000", {}),
        ({"importer_config": {"num_units": "x"}}, "PLP1000", {"property_names": ["num_units"]}),
        ({"distributor_configs": [1]}, "PLP0015", {"property_names": ["distributor_configs"]}),
        ({"distributor_configs": {"d1": 5}}, "PLP0015", {"property_names": ["distributor_configs"]}),
    ],
)
def test_an_update_that_is_refused_changes_nothing(
    api: Api, zoo: dict[str, Any], given: dict[str, Any], code: str, extra: dict[str, Any]
) -> None:
    delta = {"delta": {"display_name": "changed"}} if "delta" not in given else {}

    problem(api.put("repositories/zoo/", given | delta), 400, code, **extra)

    assert api.get("repositories/zoo/").json() == zoo
    assert api.get("repositories/zoo/importers/").json()[0]["config"]["num_units"] == "5"


def test_the_configuration_of_an_importer_needs_one(api: Api) -> None:
    api.post("repositories/", {"id": "plain"})

    response = api.put("repositories/plain/", {"importer_config": {"num_units": 1}})

    problem(response, 404, "PLP0009", resources={"repo_id": "plain"})


def test_an_importer_is_changed_at_once_and_its_mask_means_unchanged(engine: Engine, api: Api, zoo: dict[str, Any]) -> None:
    shown = api.get("repositories/zoo/importers/harness_importer/").json()["config"]

    response = api.put("repositories/zoo/", {"importer_config": shown | {"num_units": None, "first": 3}})

    assert response.status_code == 200
    config = api.get("repositories/zoo/importers/harness_importer/").json()["config"]
    assert config == {key: value for key, value in shown.items() if key != "num_units"} | {"first": 3}
    row = engine.database.row("SELECT config FROM importer")
    assert row is not None
    assert '"s3cret"' in row[0]


def test_distributors_are_changed_by_tasks_one_for_each_id(api: Api, zoo: dict[str, Any], tasks: Tasks) -> None:
    delta = {"display_name": "Zoo"}

    response = api.put("repositories/zoo/", {"delta": delta, "distributor_configs": {"d1": {"a": 7}, "d2": {}}})

    assert response.json()["result"] == zoo | delta
    changed, failed = tasks.run(response)
    assert changed["state"] == "finished"
    assert changed["task_type"] == "pulp.server.tasks.repository.distributor_update"
    assert set(changed["tags"]) == {
        "pulp:repository:zoo",
        "pulp:repository_distributor:d1",
        "pulp:action:update_distributor",
    }
    assert changed["result"]["config"] == {"a": 7}
    assert (failed["state"], failed["error"]["code"]) == ("error", "PLP0009")


def test_a_refused_update_queues_no_task(api: Api, zoo: dict[str, Any]) -> None:
    given = {"importer_config": {"num_units": -1}, "distributor_configs": {"d1": {"a": 7}}}

    problem(api.put("repositories/zoo/", given), 400, "PLP1000")

    assert api.get("tasks/").json() == []


def test_a_repository_is_deleted_by_a_task(api: Api, zoo: dict[str, Any], tasks: Tasks) -> None:
    response = api.delete("repositories/zoo/")

    assert api.get("repositories/zoo/").status_code == 200
    task = tasks.run_one(response)
    assert (task["state"], task["result"]) == ("finished", None)
    assert task["task_type"] == "pulp.server.tasks.repository.delete"
    assert set(task["tags"]) == {"pulp:repository:zoo", "pulp:action:delete"}
    problem(api.delete("repositories/zoo/"), 404, "PLP0009", resources={"repository": "zoo"})


def test_a_second_deletion_is_accepted_and_fails_in_its_task(api: Api, zoo: dict[str, Any], tasks: Tasks) -> None:
    first, second = api.delete("repositories/zoo/"), api.delete("repositories/zoo/")

    task = tasks.run_one(second)

    assert tasks.run_one(first)["state"] == "finished"
    assert (task["state"], task["error"]["code"]) == ("error", "PLP0009")


def test_who_creates_a_repository_may_do_everything_to_it(engine: Engine, api: Api) -> None:
    engine.access.create_user("ann", password="a long enough one")
    engine.access.create_user("bob", password="a long enough one")
    engine.access.grant_to_user("ann", "/v2/repositories/", [Operation.CREATE])
    ann, bob = api.as_("ann", "a long enough one"), api.as_("bob", "a long enough one")

    problem(bob.post("repositories/", {"id": "zoo"}), 401, "PLP0026", auth_error_code="permission_denied")
    assert ann.post("repositories/", {"id": "zoo"}).status_code == 201

    assert ann.get("repositories/zoo/").status_code == 200
    assert ann.put("repositories/zoo/", {"delta": {"description": "mine"}}).status_code == 200
    assert ann.post("repositories/zoo/actions/sync/").status_code == 202
    assert ann.delete("repositories/zoo/").status_code == 202
    problem(bob.get("repositories/zoo/"), 401, "PLP0026")
    problem(ann.get("repositories/"), 401, "PLP0026")


def test_a_failed_creation_grants_nothing(engine: Engine, api: Api, zoo: dict[str, Any]) -> None:
    engine.access.create_user("ann", password="a long enough one")
    engine.access.grant_to_user("ann", "/v2/repositories/", [Operation.CREATE])
    ann = api.as_("ann", "a long enough one")

    problem(ann.post("repositories/", {"id": "zoo"}), 409, "PLP0018")

    problem(ann.get("repositories/zoo/"), 401, "PLP0026")


def test_a_later_repository_of_the_same_id_inherits_no_permission(engine: Engine, api: Api, tasks: Tasks) -> None:
    engine.access.create_user("ann", password="a long enough one")
    engine.access.grant_to_user("ann", "/v2/repositories/", [Operation.CREATE])
    ann = api.as_("ann", "a long enough one")
    assert ann.post("repositories/", {"id": "zoo"}).status_code == 201
    api.post("repositories/", {"id": "zoo.2"})
    engine.access.grant_to_user("ann", "/v2/repositories/zoo.2/", [Operation.READ])

    tasks.run_one(ann.delete("repositories/zoo/"))
    assert api.post("repositories/", {"id": "zoo"}).status_code == 201

    problem(ann.get("repositories/zoo/"), 401, "PLP0026")
    assert ann.get("repositories/zoo.2/").status_code == 200

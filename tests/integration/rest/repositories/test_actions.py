"""Sync, publish and download over REST, and the histories that they leave."""

from __future__ import annotations

from typing import Any

import pytest

from entrepot.engine import Engine
from tests.integration.rest.conftest import Api
from tests.integration.rest.repositories.conftest import ZOO, Tasks, problem

AT = "repositories/zoo/actions/"
SYNC_RESULT = {
    "_ns": "repo_sync_results",
    "repo_id": "zoo",
    "importer_id": "harness_importer",
    "importer_type_id": "harness_importer",
}
PUBLISH_RESULT = {
    "_ns": "repo_publish_results",
    "repo_id": "zoo",
    "distributor_id": "d1",
    "distributor_type_id": "harness_distributor",
}


def test_golden_flow_a1_create_sync_with_auto_publish_and_follow(engine: Engine, api: Api, tasks: Tasks) -> None:
    distributor = ZOO["distributors"][0] | {"auto_publish": True}
    assert api.post("repositories/", ZOO | {"distributors": [distributor]}).status_code == 201

    response = api.post(f"{AT}sync/", {"override_config": {"first": 0}})

    (link,) = response.json()["spawned_tasks"]
    waiting = tasks.get(link)
    assert (waiting["state"], waiting["queue"], waiting["worker_name"]) == ("waiting", "None.dq", None)
    assert (waiting["start_time"], waiting["tags"]) == (None, ["pulp:repository:zoo", "pulp:action:sync"])
    synced = tasks.run_one(response)
    assert (synced["state"], synced["error"], synced["exception"], synced["traceback"]) == ("finished", None, None, None)
    assert synced["result"]["result"] == "success"
    assert synced["result"].items() >= (SYNC_RESULT | {"added_count": 5, "updated_count": 0, "removed_count": 0}).items()
    published = tasks.get(synced["spawned_tasks"][0])
    assert set(published["tags"]) >= {"pulp:repository:zoo", "pulp:action:publish"}
    assert published["state"] == "finished"
    assert published["result"].items() >= PUBLISH_RESULT.items()
    assert api.get("repositories/zoo/importers/").json()[0]["last_sync"] == synced["result"]["completed"]
    assert api.get("repositories/zoo/distributors/d1/").json()["last_publish"] is not None
    assert len(api.get("repositories/zoo/history/sync/").json()) == 1
    assert len(api.get("repositories/zoo/history/publish/d1/").json()) == 1
    shown = api.get("repositories/zoo/?details=true").json()
    assert (shown["content_unit_counts"], shown["total_repository_units"], shown["locally_stored_units"]) == (
        {"thing": 5},
        5,
        5,
    )


@pytest.mark.parametrize("body", [b"", b"{}", b'{"override_config": null}', b'{"wings": 2}'])
def test_a_sync_needs_no_body(api: Api, zoo: dict[str, Any], tasks: Tasks, body: bytes) -> None:
    task = tasks.run_one(api.post(f"{AT}sync/", content=body))

    assert (task["task_type"], task["state"]) == ("pulp.server.managers.repo.sync.sync", "finished")


def test_golden_flow_a2_a_plugin_that_raises_fails_the_sync_with_its_words(api: Api, zoo: dict[str, Any], tasks: Tasks) -> None:
    task = tasks.run_one(api.post(f"{AT}sync/", {"override_config": {"fate": "disk gone"}}))

    assert task["state"] == "error"
    assert task["error"] == {"code": "PLP0000", "description": "disk gone", "data": {}, "sub_errors": []}
    assert task["traceback"].strip().splitlines()[-1] == "OSError: disk gone"
    assert (task["result"], task["spawned_tasks"], task["exception"]) == (None, [], None)
    (entry,) = api.get("repositories/zoo/history/sync/").json()
    assert (
        entry.items()
        >= (
            SYNC_RESULT
            | {
                "result": "error",
                "error_message": "disk gone",
                "exception": "OSError('disk gone')",
                "added_count": None,
                "summary": None,
                "details": None,
            }
        ).items()
    )
    assert entry["traceback"][-1] == "OSError: disk gone"
    assert api.get("repositories/zoo/importers/").json()[0]["last_sync"] == entry["completed"]


def test_golden_flow_a2_a_sync_with_refused_items_has_failed(api: Api, zoo: dict[str, Any], tasks: Tasks) -> None:
    task = tasks.run_one(api.post(f"{AT}sync/", {"override_config": {"fate": "bad item"}}))

    assert (task["state"], task["error"]["code"], task["spawned_tasks"]) == ("error", "PLP0000", [])
    (entry,) = api.get("repositories/zoo/history/sync/").json()
    assert (entry["result"], entry["traceback"]) == ("failed", None)
    assert entry["details"]
    assert api.get("repositories/zoo/").json()["content_unit_counts"] == {}


def test_a_repository_without_an_importer_fails_in_its_task(api: Api, tasks: Tasks) -> None:
    api.post("repositories/", {"id": "plain"})

    task = tasks.run_one(api.post("repositories/plain/actions/sync/"))

    assert (task["state"], task["error"]["code"]) == ("error", "PLP0009")
    assert task["error"]["data"] == {"resources": {"repo_id": "plain"}}


def test_golden_flow_a3_a_failing_publish(api: Api, zoo: dict[str, Any], tasks: Tasks) -> None:
    task = tasks.run_one(api.post(f"{AT}publish/", {"id": "d1", "override_config": {"fate": "refused"}}))

    assert (task["state"], task["error"]["code"]) == ("error", "PLP0034")
    assert task["error"]["data"] == {"distributor_id": "d1", "repo_id": "zoo", "summary": "sum"}
    assert task["traceback"] == "PLP0034: sum"  # clients expect text with every error, be it one that was foreseen
    (entry,) = api.get("repositories/zoo/history/publish/d1/").json()
    assert entry.items() >= (PUBLISH_RESULT | {"result": "error", "summary": None, "details": None}).items()
    assert entry["traceback"] == ["PublishFailed('sum')"]
    assert api.get("repositories/zoo/distributors/d1/").json()["last_publish"] is None


def test_a_distributor_that_raises_fails_the_publish_with_its_words(api: Api, zoo: dict[str, Any], tasks: Tasks) -> None:
    task = tasks.run_one(api.post(f"{AT}publish/", {"id": "d1", "override_config": {"fate": "disk gone"}}))

    assert (task["state"], task["error"]["code"], task["error"]["description"]) == ("error", "PLP0000", "disk gone")


@pytest.mark.parametrize("distributor_id", ["a\0b", "x" * 256])
def test_a_publish_by_what_can_be_no_distributor_is_refused(api: Api, zoo: dict[str, Any], distributor_id: str) -> None:
    problem(api.post(f"{AT}publish/", {"id": distributor_id}), 400, "PLP0015", property_names=["id"])


def test_a_publish_by_an_unknown_distributor_is_accepted_and_fails_in_its_task(
    api: Api, zoo: dict[str, Any], tasks: Tasks
) -> None:
    task = tasks.run_one(api.post(f"{AT}publish/", {"id": "no"}))

    assert (task["state"], task["error"]["code"]) == ("error", "PLP0009")
    assert task["error"]["data"]["resources"] == {"repo_id": "zoo", "distributor_id": "no"}


@pytest.mark.parametrize("verify", [None, True, False])
def test_a_download_looks_for_every_file(api: Api, zoo: dict[str, Any], tasks: Tasks, verify: bool | None) -> None:
    body = None if verify is None else {"verify_all_units": verify}

    task = tasks.run_one(api.post(f"{AT}download/", body))

    assert (task["task_type"], task["state"]) == ("pulp.server.controllers.repository.download_repo", "finished")
    assert set(task["tags"]) == {"pulp:repository:zoo", "pulp:action:download", "pulp:action:download_repo"}
    (step,) = task["progress_report"]["background_download"]
    assert (step["state"], step["num_failures"]) == ("FINISHED", 0)


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize(
    ("action", "given", "code", "extra"),
    [
        ("sync", {"override_config": 5}, "PLP0015", {"property_names": ["override_config"]}),
        ("publish", {}, "PLP0016", {"missing_property_names": ["id"]}),
        ("publish", {"id": None}, "PLP0016", {"missing_property_names": ["id"]}),
        ("publish", {"id": 5}, "PLP0015", {"property_names": ["id"]}),
        ("publish", {"id": "d1", "override_config": [1]}, "PLP0015", {"property_names": ["override_config"]}),
        ("download", {"verify_all_units": "yes"}, "PLP1010", {"field": "verify_all_units", "field_type": "bool"}),
        ("download", {"verify_all_units": 1}, "PLP1010", {"field": "verify_all_units"}),
    ],
)
def test_an_action_that_cannot_be_read_is_refused_by_name(
    api: Api, action: str, given: dict[str, Any], code: str, extra: dict[str, Any]
) -> None:
    problem(api.post(f"{AT}{action}/", given), 400, code, **extra)

    assert api.get("tasks/").json() == []


def test_a_publish_needs_a_body(api: Api, zoo: dict[str, Any]) -> None:
    problem(api.post(f"{AT}publish/"), 400, "PLP1009")


@pytest.mark.parametrize("action", ["sync", "publish", "download", "roll_back"])
def test_an_action_on_no_repository_is_refused(api: Api, action: str) -> None:
    problem(api.post(f"repositories/nope/actions/{action}/", {}), 404, "PLP0009", resources={"repository": "nope"})


def test_tasks_of_one_repository_run_in_the_order_they_were_accepted(api: Api, zoo: dict[str, Any], tasks: Tasks) -> None:
    for count in (1, 2, 3):
        api.post(f"{AT}sync/", {"override_config": {"num_units": count}})
    tasks.run(api.post(f"{AT}publish/", {"id": "d1"}))

    entries = api.get("repositories/zoo/history/sync/?sort=ascending").json()

    assert [entry["added_count"] for entry in entries] == [1, 1, 1]


def test_both_histories_show_the_keys_that_clients_know(api: Api, zoo: dict[str, Any], tasks: Tasks) -> None:
    synced = tasks.run_one(api.post(f"{AT}sync/"))
    published = tasks.run_one(api.post(f"{AT}publish/", {"id": "d1"}))

    (sync,) = api.get("repositories/zoo/history//sync/").json()
    (publish,) = api.get("repositories/zoo/history//publish/d1/").json()

    for entry, task in ((sync, synced), (publish, published)):
        assert entry.pop("_id") == {"$oid": entry["id"]}
        assert entry.pop("task_id") == task["task_id"]
        assert {key: value for key, value in entry.items() if not key.endswith("_us")} == task["result"]


def test_a_history_is_cut_sorted_and_bounded(api: Api, zoo: dict[str, Any], tasks: Tasks) -> None:
    for count in (1, 2, 3):
        tasks.run_one(api.post(f"{AT}sync/", {"override_config": {"num_units": count}}))
    at = "repositories/zoo/history/sync/"
    entries = api.get(at).json()
    ids = [entry["id"] for entry in entries]
    oldest, newest = entries[-1]["started"], entries[0]["started"]

    assert ids == sorted(ids, reverse=True)
    assert [entry["id"] for entry in api.get(f"{at}?sort=ascending").json()] == ids[::-1]
    assert [entry["id"] for entry in api.get(f"{at}?limit=2").json()] == ids[:2]
    assert [entry["id"] for entry in api.get(f"{at}?start_date={oldest}&end_date={newest}").json()] == ids
    assert api.get(f"{at}?end_date=2014-01-01T00:00:00Z").json() == []
    assert api.get(f"{at}?start_date=2999-01-01T00:00:00%2B05:00").json() == []


@pytest.mark.parametrize("history", ["sync", "publish/d1"])
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("limit=0", ["limit"]),
        ("limit=x", ["limit"]),
        ("limit=-1", ["limit"]),
        ("limit=", ["limit"]),
        ("limit=%D9%A3", ["limit"]),
        ("sort=up", ["sort"]),
        ("start_date=2014-01-01", ["start_date"]),
        ("end_date=soon", ["end_date"]),
        ("limit=0&sort=&start_date=&end_date=9999-99-99T00:00:00Z", ["limit", "sort", "start_date", "end_date"]),
    ],
)
def test_whatever_is_wrong_with_the_query_of_a_history_is_named_at_once(
    api: Api, zoo: dict[str, Any], history: str, query: str, names: list[str]
) -> None:
    problem(api.get(f"repositories/zoo/history/{history}/?{query}"), 400, "PLP0015", property_names=names)


@pytest.mark.parametrize(
    ("path", "resources"),
    [
        ("repositories/nope/history/sync/", {"repository": "nope"}),
        ("repositories/nope/history/publish/d1/", {"repository": "nope"}),
        ("repositories/zoo/history/publish/no/", {"repo_id": "zoo", "distributor_id": "no"}),
    ],
)
def test_the_history_of_what_does_not_exist_is_refused(
    api: Api, zoo: dict[str, Any], path: str, resources: dict[str, str]
) -> None:
    problem(api.get(path), 404, "PLP0009", resources=resources)


def test_golden_flow_a7_the_note_lock_of_pulplib(api: Api, zoo: dict[str, Any]) -> None:
    api.put("repositories/zoo/", {"delta": {"notes": {"other": "y"}}})

    assert api.put("repositories/zoo/", {"delta": {"notes": {"lock": "x"}}}).status_code == 200
    assert api.get("repositories/zoo/").json()["notes"] == {"lock": "x", "other": "y"}
    assert api.put("repositories/zoo/", {"delta": {"notes": {"lock": None}}}).status_code == 200
    assert api.get("repositories/zoo/").json()["notes"] == {"other": "y"}

"""Schedules of syncs and publishes through the REST door. Source: the Pulp 2 REST contract, 1.8 and 2.11."""

from __future__ import annotations

from typing import Any

import pytest

from entrepot.access import Operation
from entrepot.engine import Engine

SYNC = "repositories/zoo/importers/iso_importer/schedules/sync/"
PUBLISH = "repositories/zoo/distributors/files/schedules/publish/"
#: Contract 2.11.
CONTRACT_KEYS = {
    "_href",
    "_id",
    "args",
    "kwargs",
    "schedule",
    "enabled",
    "failure_threshold",
    "consecutive_failures",
    "first_run",
    "next_run",
    "last_run_at",
    "last_updated",
    "remaining_runs",
    "total_run_count",
    "resource",
    "task",
}
OWN_KEYS = {
    *("time_zone", "overlap", "jitter_seconds", "kind", "repo_id", "plugin_id", "sentence"),
    *("create_time_us", "first_run_us", "next_run_us", "last_run_at_us"),
}


@pytest.fixture(autouse=True)
def zoo(engine: Engine) -> None:
    """A repository with an importer and a distributor, and another with the same."""
    for repository_id in ("zoo", "farm"):
        repository = engine.repositories.create(repository_id, importer_type_id="iso_importer")
        repository.add_distributor("iso_distributor", None, distributor_id="files")


def problem(response: Any, status: int, code: str) -> Any:
    """Return the document of a refusal after a look at what all of them have."""
    document = response.json()
    assert (response.status_code, document["http_status"], document["error"]["code"]) == (status, status, code), document
    assert "location" not in response.headers
    return document


def test_a_new_sync_schedule_is_answered_with_its_place(api) -> None:
    body = {"schedule": "R5/2999-01-31T02:00:00+01:00/P1M", "failure_threshold": 3, "override_config": {"k": 1}}

    response = api.post(SYNC, body)

    document = response.json()
    schedule_id = document["_id"]
    assert response.status_code == 201
    assert response.headers["location"] == "http://server.test" + document["_href"]
    assert document.keys() == CONTRACT_KEYS | OWN_KEYS
    assert document.pop("last_updated") == document.pop("create_time_us") / 1_000_000
    assert document == {
        "_href": f"/pulp/api/v2/{SYNC}{schedule_id}/",
        "_id": schedule_id,
        "args": ["zoo"],
        "kwargs": {"overrides": {"k": 1}, "scheduled_call_id": schedule_id},
        "schedule": "R5/2999-01-31T02:00:00+01:00/P1M",
        "enabled": True,
        "failure_threshold": 3,
        "consecutive_failures": 0,
        "first_run": "2999-01-31T02:00:00+01:00",
        "next_run": "2999-01-31T01:00:00Z",
        "last_run_at": None,
        "remaining_runs": 5,
        "total_run_count": 0,
        "resource": "pulp:importer:zoo:iso_importer",
        "task": "pulp.server.tasks.repository.sync_with_auto_publish",
        "time_zone": None,
        "overlap": "coalesce",
        "jitter_seconds": 0,
        "kind": "sync",
        "repo_id": "zoo",
        "plugin_id": "iso_importer",
        "sentence": "every month on day 31 (or the last) at 02:00 UTC+01:00, 5 times",
        "first_run_us": 32_474_739_600_000_000,
        "next_run_us": 32_474_739_600_000_000,
        "last_run_at_us": None,
    }
    assert len(schedule_id) == 24


def test_a_new_publish_schedule_names_its_distributor(api) -> None:
    document = api.post(PUBLISH, {"schedule": "PT1H", "enabled": False}).json()

    assert document["args"] == ["zoo", "files"]
    assert document["resource"] == "pulp:distributor:zoo:files"
    assert document["task"] == "pulp.server.tasks.repository.publish"
    assert document["kwargs"] == {"overrides": {}, "scheduled_call_id": document["_id"]}
    assert (document["enabled"], document["failure_threshold"], document["remaining_runs"]) == (False, None, None)
    assert document["_href"] == f"/pulp/api/v2/{PUBLISH}{document['_id']}/"


def test_the_sample_of_the_reference_is_accepted(api) -> None:
    document = api.post(SYNC, {"override_config": {}, "failure_threshold": 3, "enabled": True, "schedule": "00:00:00Z/P1DT"})

    assert document.status_code == 201
    assert document.json()["schedule"] == "00:00:00Z/P1DT"
    assert document.json()["next_run"].endswith("T00:00:00Z")


@pytest.mark.parametrize("path", [SYNC, PUBLISH])
def test_schedules_are_looked_up_and_listed(api, path: str) -> None:
    assert api.get(path).json() == []
    made = [api.post(path, {"schedule": schedule}).json() for schedule in ("PT1H", "P1D")]

    assert api.get(path).json() == made
    assert api.get(f"{path}{made[0]['_id']}/").json() == made[0]


@pytest.mark.parametrize("path", [SYNC, PUBLISH])
def test_a_schedule_is_deleted_once(api, path: str) -> None:
    schedule_id = api.post(path, {"schedule": "PT1H"}).json()["_id"]

    response = api.delete(f"{path}{schedule_id}/")

    assert (response.status_code, response.json()) == (200, None)
    document = problem(api.delete(f"{path}{schedule_id}/"), 404, "PLP0009")
    assert document["resources"] == {"schedule_id": schedule_id}
    assert api.get(path).json() == []


@pytest.mark.parametrize(
    ("body", "code", "names"),
    [
        ({}, "PLP0015", ["schedule"]),
        ({"schedule": None}, "PLP0015", ["schedule"]),
        ({"schedule": 5}, "PLP0015", ["schedule"]),
        ({"schedule": "PT0S"}, "PLP0015", ["schedule"]),
        ({"schedule": "P9999999999D"}, "PLP0015", ["schedule"]),
        ({"schedule": "P1M/2014-01-01"}, "PLP0015", ["schedule"]),
        ({"schedule": "nonsense", "failure_threshold": 0, "enabled": "x"}, "PLP0015", None),
        ({"schedule": "PT1H", "failure_threshold": True}, "PLP0015", ["failure_threshold"]),
        ({"schedule": "PT1H", "failure_threshold": 10**30}, "PLP0015", ["failure_threshold"]),
        ({"schedule": "PT1H", "enabled": 1}, "PLP0015", ["enabled"]),
        ({"schedule": "PT1H", "override_config": []}, "PLP0015", ["override_config"]),
        ({"schedule": "PT1H", "foo": 1}, "PLP0017", ["foo"]),
        ({"schedule": "PT1H", "remaining_runs": 1}, "PLP0017", ["remaining_runs"]),
    ],
)
@pytest.mark.parametrize("path", [SYNC, PUBLISH])
def test_a_schedule_that_cannot_be_made_is_refused_by_name(
    api, path: str, body: dict[str, Any], code: str, names: list[str] | None
) -> None:
    document = problem(api.post(path, body), 400, code)

    expected = ["schedule", "failure_threshold", "enabled"] if names is None else names
    assert document["unsupported_property_names" if code == "PLP0017" else "property_names"] == expected
    assert api.get(path).json() == []


def test_what_a_change_names_is_changed_and_nothing_else(api) -> None:
    before = api.post(SYNC, {"schedule": "R5/2999-01-01T00:00:00Z/P1D", "override_config": {"k": 1}}).json()
    place = f"{SYNC}{before['_id']}/"

    response = api.put(place, {"failure_threshold": 2, "override_config": {"other": 2}})

    assert response.status_code == 200
    expected = before | {
        "failure_threshold": 2,
        "kwargs": {"overrides": {"other": 2}, "scheduled_call_id": before["_id"]},
        "last_updated": response.json()["last_updated"],
    }
    assert response.json() == expected
    assert response.json()["last_updated"] >= before["last_updated"]
    assert api.get(place).json() == expected


def test_a_new_recurrence_begins_anew(api) -> None:
    place = f"{SYNC}{api.post(SYNC, {'schedule': 'PT1H'}).json()['_id']}/"

    document = api.put(place, {"schedule": "R3/2999-01-01T00:00:00Z/PT1H"}).json()

    assert (document["first_run"], document["next_run"]) == ("2999-01-01T00:00:00Z", "2999-01-01T00:00:00Z")
    assert document["remaining_runs"] == 3


@pytest.mark.parametrize("content", [b"", b"{}"])
def test_a_change_of_nothing_changes_nothing(api, content: bytes) -> None:
    before = api.post(SYNC, {"schedule": "R5/2999-01-01T00:00:00Z/P1D"}).json()

    response = api.put(f"{SYNC}{before['_id']}/", content=content)

    assert response.status_code == 200
    assert response.json() | {"last_updated": 0} == before | {"last_updated": 0}


@pytest.mark.parametrize(
    ("body", "code", "names"),
    [
        ({"schedule": "nonsense"}, "PLP0015", ["iso_schedule"]),
        ({"schedule": None}, "PLP0015", ["iso_schedule"]),
        ({"schedule": "PT0S", "failure_threshold": 0, "enabled": None}, "PLP0015", None),
        ({"remaining_runs": 5}, "PLP0017", ["remaining_runs"]),
        ({"args": []}, "PLP0017", ["args"]),
        ({"kwargs": {}}, "PLP0017", ["kwargs"]),
        ({"kind": "publish"}, "PLP0017", ["kind"]),
    ],
)
def test_a_change_that_cannot_be_made_is_refused_by_name(api, body: dict[str, Any], code: str, names: list[str] | None) -> None:
    before = api.post(SYNC, {"schedule": "2999-01-01T00:00:00Z/P1D"}).json()

    document = problem(api.put(f"{SYNC}{before['_id']}/", body), 400, code)

    expected = ["iso_schedule", "failure_threshold", "enabled"] if names is None else names
    assert document["unsupported_property_names" if code == "PLP0017" else "property_names"] == expected
    assert api.get(f"{SYNC}{before['_id']}/").json() == before


@pytest.mark.parametrize("schedule_id", ["0" * 24, "nonsense", "%00", "%F0%9F%98%80", "x" * 5000])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_schedule_that_is_not_there_is_not_found(api, method: str, schedule_id: str) -> None:
    response = api.ask(method, f"{SYNC}{schedule_id}/", {} if method == "PUT" else None)

    assert problem(response, 404, "PLP0009")["resources"].keys() == {"schedule_id"}


@pytest.mark.parametrize(
    ("path", "resources"),
    [
        ("repositories/nope/importers/iso_importer/schedules/sync/", {"repository": "nope"}),
        ("repositories/zoo/importers/nope/schedules/sync/", {"importer_id": "nope"}),
        ("repositories/nope/distributors/files/schedules/publish/", {"repository": "nope"}),
        ("repositories/zoo/distributors/nope/schedules/publish/", {"repo_id": "zoo", "distributor_id": "nope"}),
    ],
)
def test_schedules_of_what_is_not_there_are_not_found(api, path: str, resources: dict[str, str]) -> None:
    for response in (
        api.get(path),
        api.post(path, {"schedule": "PT1H"}),
        api.get(f"{path}{'0' * 24}/"),
        api.put(f"{path}{'0' * 24}/", {}),
        api.delete(f"{path}{'0' * 24}/"),
    ):
        assert problem(response, 404, "PLP0009")["resources"] == resources


def test_a_schedule_is_found_below_its_own_importer_or_distributor_only(api) -> None:
    schedule_id = api.post(SYNC, {"schedule": "2999-01-01T00:00:00Z/P1D"}).json()["_id"]

    for path in (PUBLISH, SYNC.replace("zoo", "farm"), PUBLISH.replace("zoo", "farm")):
        problem(api.get(f"{path}{schedule_id}/"), 404, "PLP0009")
        problem(api.put(f"{path}{schedule_id}/", {"enabled": False}), 404, "PLP0009")
        problem(api.delete(f"{path}{schedule_id}/"), 404, "PLP0009")
    assert api.get(f"{SYNC}{schedule_id}/").json()["enabled"] is True


def test_secrets_of_an_override_are_masked_and_the_mask_changes_nothing(api, engine: Engine) -> None:
    body = {"schedule": "2999-01-01T00:00:00Z/P1D", "override_config": {"proxy_password": "secret", "num_threads": 2}}
    made = api.post(SYNC, body)
    place = f"{SYNC}{made.json()['_id']}/"

    assert made.json()["kwargs"]["overrides"] == {"proxy_password": "*****", "num_threads": 2}
    assert "secret" not in api.get(place).text + api.get(SYNC).text
    api.put(place, {"override_config": made.json()["kwargs"]["overrides"]})
    (kept,) = engine.database.row("SELECT override_config FROM schedule")
    assert '"secret"' in kept


def test_who_makes_a_schedule_may_do_everything_to_it_until_it_is_deleted(api, engine: Engine) -> None:
    engine.access.create_user("jim", password="jim's password")
    engine.access.grant_to_user("jim", "/v2/repositories/zoo/importers/", [Operation.CREATE])
    himself = api.as_("jim", "jim's password")

    made = himself.post(SYNC, {"schedule": "2999-01-01T00:00:00Z/P1D"}).json()

    place = f"{SYNC}{made['_id']}/"
    assert himself.get(place).status_code == 200
    assert himself.put(place, {"enabled": False}).status_code == 200
    problem(himself.get(SYNC), 401, "PLP0026")
    assert himself.delete(place).status_code == 200
    assert api.get("permissions/", params={"resource": f"/v2/{place}"}).json() == []

"""The golden flows of Pulp 2's clients, against a server as its users run it, on both databases.

Source: the Pulp 2 REST contract, 0.3 and appendix A.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import httpx
import pytest
from tests.acceptance.conftest import Feed, serving
from tests.acceptance.pulp_client import PulpClient, Refused
from tests.conftest import _postgresql_database

_PASSWORD = "a password for the tests"
_NAMES = (f"flow-{number}" for number in itertools.count(1))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an `entrepot serve` with a worker process."""
    is_sqlite = request.param == "sqlite"
    database = nullcontext("") if is_sqlite else _postgresql_database(request.getfixturevalue("postgresql_server"), "template1")
    data_dir = tmp_path_factory.mktemp("pulp") / "data"
    with database as url, serving(data_dir, ENTREPOT_ADMIN_PASSWORD=_PASSWORD, ENTREPOT_DATABASE_URL=url) as served:
        yield served.url


@pytest.fixture
def client(server: str) -> Iterator[PulpClient]:
    client = PulpClient(server, "admin", _PASSWORD)
    yield client
    client.close()


@pytest.fixture
def name() -> str:
    return next(_NAMES)


def make(client: PulpClient, name: str, feed: Feed | None = None, **importer_config: object) -> dict[str, Any]:
    """Create a repository as pulplib does, with keys in the distributor that mean nothing here."""
    config = {"feed": feed.url, **importer_config} if feed else importer_config
    body = {
        "id": name,
        "importer_type_id": "iso_importer",
        "importer_config": config,
        "distributors": [
            {
                "distributor_id": "d1",
                "distributor_type_id": "iso_distributor",
                "distributor_config": {"relative_url": name},
                "auto_publish": True,
                "is_from_pulplib": True,
            }
        ],
    }
    document: dict[str, Any] = client.call("POST", "repositories/", body)
    return document


def test_a_sync_publishes_by_itself_and_can_be_followed(client: PulpClient, feed: Feed, name: str) -> None:
    feed.offer({"a.iso": b"first", "b.iso": b"second"})
    made = make(client, name, feed, proxy_host="proxy.test", proxy_username="u", proxy_password="s")
    assert made["display_name"] == name
    assert not {"importers", "distributors"} & set(made)
    details = client.call("GET", f"repositories/{name}/?details=True")
    assert details["importers"][0]["config"]["proxy_password"] == "*****"
    assert (details["total_repository_units"], details["locally_stored_units"]) == (0, 0)

    override = {"proxy_host": None, "proxy_username": None, "proxy_password": None}
    report = client.call("POST", f"repositories/{name}/actions/sync/", {"override_config": override})
    sync, publish = client.follow(report)

    assert sync["task_type"] == "pulp.server.managers.repo.sync.sync"
    assert sync["tags"] == [f"pulp:repository:{name}", "pulp:action:sync"]
    assert (sync["result"]["result"], sync["result"]["added_count"]) == ("success", 2)
    assert sync["spawned_tasks"] == [{"_href": publish["_href"], "task_id": publish["task_id"]}]
    assert publish["tags"][:2] == [f"pulp:repository:{name}", "pulp:action:publish"]
    assert publish["result"]["distributor_id"] == "d1"
    assert client.call("GET", f"repositories/{name}/importers/")[0]["last_sync"].endswith("Z")
    assert client.call("GET", f"repositories/{name}/distributors/d1/")["last_publish"].endswith("Z")
    assert [entry["result"] for entry in client.history(name, "sync")] == ["success"]
    assert [entry["result"] for entry in client.history(name, "publish", "d1", limit=5, sort="ascending")] == ["success"]


def test_tasks_are_polled_by_search_and_never_disappear(client: PulpClient, feed: Feed, name: str) -> None:
    feed.offer({"a.iso": b"first"})
    make(client, name, feed)
    reports = [client.call("POST", f"repositories/{name}/actions/sync/", {}) for _ in range(3)]
    ids = [report["spawned_tasks"][0]["task_id"] for report in reports]

    tasks = client.poll_by_search(ids)

    assert {task["task_id"]: task["state"] for task in tasks} == dict.fromkeys(ids, "finished")
    counted = client.call("POST", "tasks/search/", {"criteria": {"filters": {"task_id": {"$in": ids}}, "fields": ["state"]}})
    assert [task["state"] for task in counted] == ["finished"] * 3
    of_repository = {"tags": {"$all": [f"pulp:repository:{name}", "pulp:action:sync"]}, "state": {"$nin": ["running"]}}
    assert {task["task_id"] for task in client.search("tasks", {"filters": of_repository})} == set(ids)


def test_a_lock_is_a_note_that_leaves_the_others_alone(client: PulpClient, name: str) -> None:
    make(client, name)
    client.call("PUT", f"repositories/{name}/", {"delta": {"notes": {"owner": "me"}}})

    client.lock(name, "x")
    locked = client.call("GET", f"repositories/{name}/")["notes"]
    found = client.search("repositories", {"filters": {"notes.pulplib-lock": {"$exists": True}, "id": {"$eq": name}}})
    client.lock(name, None)
    client.lock(name, None)

    assert locked == {"owner": "me", "pulplib-lock": "x"}
    assert [repository["id"] for repository in found] == [name]
    assert client.call("GET", f"repositories/{name}/")["notes"] == {"owner": "me"}


def test_repositories_are_found_with_their_distributors(client: PulpClient, name: str) -> None:
    make(client, name)
    criteria = {"filters": {"$and": [{"id": {"$regex": f"^{name}$"}}, {"$or": [{"notes.x": None}, {"id": {"$in": []}}]}]}}

    [found] = client.search("repositories", criteria, distributors=True)

    assert [distributor["id"] for distributor in found["distributors"]] == ["d1"]
    by_type = {"filters": {"distributor_type_id": "iso_distributor", "repo_id": {"$in": [name]}}}
    assert [item["repo_id"] for item in client.search("distributors", by_type)] == [name]


def test_units_are_found_by_their_fields(client: PulpClient, feed: Feed, name: str) -> None:
    feed.offer({f"{letter}.iso": letter.encode() * size for size, letter in enumerate("abc", 1)})
    make(client, name, feed)
    client.follow(client.call("POST", f"repositories/{name}/actions/sync/", {}))

    found = list(
        client.search_units(
            name,
            {
                "type_ids": ["iso"],
                "filters": {"unit": {"size": {"$gte": 2}}},
                "sort": {"unit": [["name", "descending"]]},
                "fields": {"unit": ["name", "size"], "association": ["created"]},
                "limit": 2,
            },
        )
    )

    assert [(item["metadata"]["name"], item["metadata"]["size"]) for item in found] == [("c.iso", 3), ("b.iso", 2)]
    assert {item["unit_type_id"] for item in found} == {"iso"}


def test_units_are_copied_removed_and_deleted_as_orphans(client: PulpClient, feed: Feed, name: str) -> None:
    feed.offer({f"{name}-{letter}.iso": name.encode() * size for size, letter in enumerate("abc", 1)})
    make(client, name, feed)
    other = f"{name}-other"
    make(client, other)
    client.follow(client.call("POST", f"repositories/{name}/actions/sync/", {}))
    chosen = {"type_ids": ["iso"], "filters": {"unit": {"name": {"$in": [f"{name}-a.iso", f"{name}-b.iso"]}}}}

    body = {"source_repo_id": name, "criteria": chosen}
    (copied,) = client.follow(client.call("POST", f"repositories/{other}/actions/associate/", body))
    for holder in (name, other):
        (removed,) = client.follow(client.call("POST", f"repositories/{holder}/actions/unassociate/", {"criteria": chosen}))

    for task in (copied, removed):
        assert {unit["type_id"] for unit in task["result"]["units_successful"]} == {"iso"}
        assert sorted(unit["unit_key"]["name"][-5] for unit in task["result"]["units_successful"]) == ["a", "b"]
    orphans = [one for one in client.call("GET", "content/orphans/iso/") if one["name"].startswith(f"{name}-")]
    assert sorted(one["name"][-5] for one in orphans) == ["a", "b"]
    client.follow(client.call("DELETE", orphans[0]["_href"]))
    listed = [{"content_type_id": "iso", "unit_id": orphans[1]["_id"]}]
    client.follow(client.call("POST", "content/actions/delete_orphans/", listed))
    for orphan in orphans:
        assert client.delete(orphan["_href"]) is None
    found = client.search("content/units/iso", {"filters": {"name": {"$regex": f"^{name}-"}}}, include_repos=True)
    assert [(unit["name"], unit["repository_memberships"]) for unit in found] == [(f"{name}-c.iso", [name])]


def test_a_file_is_uploaded_in_chunks_and_published(client: PulpClient, name: str) -> None:
    make(client, name)
    content = name.encode() * 100_000
    digest = hashlib.sha256(content).hexdigest()
    unit = {"unit_type_id": "iso", "unit_key": {"name": f"{name}.iso", "checksum": digest, "size": len(content)}}

    task = client.upload(name, content, unit)
    again = client.upload(name, content, unit)
    wrong = client.upload(name, content[1:], unit)

    assert (task["state"], task["result"]["success_flag"], again["state"]) == ("finished", True, "finished")
    assert (wrong["state"], wrong["error"]["code"]) == ("error", "PLP0047")
    client.follow(client.call("POST", f"repositories/{name}/actions/publish/", {"id": "d1"}))
    assert httpx.get(f"{client.url}/content/{name}/{name}.iso").content == content


def test_what_is_gone_counts_as_deleted(client: PulpClient, name: str) -> None:
    make(client, name)

    first = client.delete(f"repositories/{name}/")
    assert first is not None
    client.follow(first)

    assert client.delete(f"repositories/{name}/") is None
    with pytest.raises(Refused) as refusal:
        client.call("GET", f"repositories/{name}/")
    assert refusal.value.status == 404
    assert refusal.value.document["resources"] == {"repository": name}


def test_a_taken_id_is_a_conflict_that_names_it(client: PulpClient, name: str) -> None:
    make(client, name)

    with pytest.raises(Refused) as refusal:
        make(client, name)

    assert (refusal.value.status, refusal.value.document["resource_id"]) == (409, name)


def test_a_failing_sync_says_why_and_publishes_nothing(client: PulpClient, feed: Feed, name: str) -> None:
    make(client, name, feed)  # the feed has no manifest

    report = client.call("POST", f"repositories/{name}/actions/sync/", {})
    task = client.poll(client.spawned(report)[0])

    assert (task["state"], task["result"], task["spawned_tasks"]) == ("error", None, [])
    assert set(task["error"]) == {"code", "description", "data", "sub_errors"}
    assert task["error"]["description"]
    [entry] = client.history(name, "sync")
    assert entry["result"] in ("failed", "error")
    assert entry["error_message"]
    assert client.history(name, "publish", "d1") == []


def test_a_sync_without_an_importer_is_accepted_and_fails(client: PulpClient, name: str) -> None:
    client.call("POST", "repositories/", {"id": name})

    task = client.poll(client.spawned(client.call("POST", f"repositories/{name}/actions/sync/", {}))[0])

    assert (task["state"], task["error"]["code"]) == ("error", "PLP0009")
    assert task["error"]["data"] == {"resources": {"repo_id": name}}


def test_a_canceled_task_stays_canceled_and_the_repository_goes_on(client: PulpClient, feed: Feed, name: str) -> None:
    feed.offer({"held.iso": b"kept back until the test is done"})
    make(client, name, feed)
    going = client.spawned(client.call("POST", f"repositories/{name}/actions/sync/", {}))[0]
    feed.was_asked_for_held.wait(30)

    assert client.call("DELETE", going) is None
    assert client.call("GET", going)["state"] == "canceled"
    assert client.call("DELETE", going) is None
    feed.release()
    feed.offer({"a.iso": b"another"})
    later = client.call("POST", f"repositories/{name}/actions/sync/", {})

    assert [task["state"] for task in client.follow(later)] == ["finished", "finished"]
    assert client.poll(going)["state"] == "canceled"


def test_a_purge_names_states_that_are_complete(client: PulpClient, feed: Feed, name: str) -> None:
    feed.offer({})
    make(client, name, feed)
    [sync, *_] = client.follow(client.call("POST", f"repositories/{name}/actions/sync/", {}))

    with pytest.raises(Refused) as stateless:
        client.call("DELETE", "tasks/")
    with pytest.raises(Refused) as running:
        client.call("DELETE", "tasks/?state=running")
    assert client.call("DELETE", "tasks/?state=finished&state=error") is None

    assert (stateless.value.status, stateless.value.document["error"]["code"]) == (403, "PLP1012")
    assert (running.value.status, running.value.document["error"]["code"]) == (400, "PLP1011")
    with pytest.raises(Refused) as gone:
        client.call("GET", sync["_href"])
    assert gone.value.document["resources"] == {"resource_id": sync["task_id"]}


def test_a_bad_schedule_is_refused_with_every_bad_field(client: PulpClient, name: str) -> None:
    make(client, name)
    schedules = f"repositories/{name}/importers/iso_importer/schedules/sync/"

    with pytest.raises(Refused) as bad:
        client.call("POST", schedules, {"schedule": "nonsense", "failure_threshold": 0, "enabled": "x"})
    with pytest.raises(Refused) as unknown:
        client.call("POST", schedules, {"schedule": "PT1H", "foo": 1})
    made = client.call("POST", schedules, {"schedule": "00:00:00Z/P1DT", "failure_threshold": 3})

    assert bad.value.document["property_names"] == ["schedule", "failure_threshold", "enabled"]
    assert unknown.value.document["unsupported_property_names"] == ["foo"]
    assert (made["schedule"], made["failure_threshold"]) == ("00:00:00Z/P1DT", 3)
    assert [item["_id"] for item in client.call("GET", schedules)] == [made["_id"]]
    assert client.call("DELETE", made["_href"]) is None


def test_a_login_gives_a_key_and_a_certificate(client: PulpClient) -> None:
    found = client.call("POST", "actions/login/")

    assert sorted(found) == ["certificate", "key"]
    assert found["certificate"].startswith("-----BEGIN CERTIFICATE-----")


def test_the_status_counts_the_processes_that_clients_look_for(client: PulpClient) -> None:
    status = client.call("GET", "status/")

    names = [worker["_id"] for worker in status["known_workers"]]
    for beginning in ("scheduler@", "resource_manager@", "reserved_resource_worker-"):
        assert any(name.startswith(beginning) for name in names), names
    assert status["api_version"] == "2"
    assert status["versions"]["platform_version"].startswith("2.8.")

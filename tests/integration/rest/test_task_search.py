"""Task searches over REST: bodies, parameters, cut documents. Source: the Pulp 2 REST contract, 4.1 to 4.4, A8."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from entrepot.engine import Engine
from entrepot.testing import drain

from .sample_tasks import echo, hold


@pytest.fixture
def tasks(engine: Engine) -> list[str]:
    """A finished task, one that waits, and one that waits in a group, by age."""
    first = engine.enqueue(hold, "a").task_id
    drain(engine)
    second = engine.enqueue(hold, "b").task_id
    third = engine.enqueue(echo, 1, group=engine.group()).task_id
    return [first, second, third]


def found(response: Any) -> list[str]:
    assert response.status_code == 200, response.text
    return [task["task_id"] for task in response.json()]


def search(api: Any, **criteria: Any) -> Any:
    return api.post("tasks/search/", {"criteria": criteria})


def test_a_search_finds_whole_tasks_in_their_order_those_of_groups_too(api: Any, tasks: list[str]) -> None:
    response = search(api)

    assert found(response) == tasks
    listed = {task["task_id"]: task for task in api.get("tasks/").json()}
    assert response.json()[0] == listed[tasks[0]]
    assert all("queue" not in task for task in response.json())


def test_clients_poll_by_ids_states_and_tags(api: Any, tasks: list[str]) -> None:
    first, second, third = tasks

    assert found(search(api, filters={"task_id": {"$in": [second, "unknown"]}})) == [second]
    assert found(search(api, filters={"state": {"$nin": ["finished", "error"]}})) == [second, third]
    assert found(search(api, filters={"tags": {"$all": ["sample", "on:a"]}})) == [first]
    assert found(search(api, filters={"tags": "sample"}, sort=[["_id", "descending"]], limit="1", skip=1)) == [first]
    assert found(search(api, filters={"group_id": None})) == [first, second]
    assert found(search(api, filters=None, fields=None, sort=None, limit=None, skip=None)) == tasks
    assert found(search(api, filters={"state": "error"})) == []


def test_fields_cut_tasks_and_make_nothing_up(engine: Engine, api: Any, tasks: list[str]) -> None:
    (task,) = search(api, filters={"task_id": tasks[0]}, fields=["state"]).json()

    assert task == {
        "_href": f"/pulp/api/v2/tasks/{tasks[0]}/",
        "_id": {"$oid": task["id"]},
        "id": task["id"],
        "task_id": tasks[0],
        "state": "finished",
    }
    (whole,) = search(api, filters={"task_id": tasks[0]}, fields=[]).json()
    assert len(whole) > 20


def test_a_search_by_get_writes_filters_and_sort_as_json(api: Any, tasks: list[str]) -> None:
    filters, sort = json.dumps({"state": "waiting"}), json.dumps([["_id", -1]])
    query = urlencode([("filters", filters), ("sort", sort), ("limit", "2"), ("field", "state"), ("field", "tags")])

    response = api.get(f"tasks/search/?{query}")

    assert found(response) == [tasks[2], tasks[1]]
    assert response.json()[1]["tags"] == ["on:b", "sample"]
    assert set(response.json()[1]) == {"_href", "_id", "id", "task_id", "state", "tags"}


def test_a_search_that_cannot_be_is_refused_by_name(api: Any) -> None:
    missing = api.post("tasks/search/", {})

    assert (missing.status_code, missing.json()["missing_property_names"]) == (400, ["criteria"])
    for criteria, names in [
        ({"limit": 0}, ["limit"]),
        ({"skip": -1}, ["skip"]),
        ({"sort": [["state"]]}, ["sort"]),
        ({"fields": "state"}, ["fields"]),
        ({"colour": "red"}, ["colour"]),
        ({"filters": {"state": {"$where": "1"}}}, ["criteria"]),
    ]:
        response = api.post("tasks/search/", {"criteria": criteria})

        assert (response.status_code, response.json()["property_names"]) == (400, names)
    for query, names in [("filters={", ["filters"]), ("sort=x", ["sort"]), ("tag=x", ["tag"]), ("limit=no", ["limit"])]:
        response = api.get(f"tasks/search/?{query}")

        assert (response.status_code, response.json()["property_names"]) == (400, names)


def test_a_field_that_no_task_has_is_refused_where_it_is_to_be_shown_and_finds_nothing_where_it_is_asked_for(
    api: Any, tasks: list[str]
) -> None:
    assert search(api, fields=["colour"]).status_code == 400
    assert found(search(api, filters={"colour": "red"})) == []
    assert found(search(api, filters={"colour": None})) == tasks

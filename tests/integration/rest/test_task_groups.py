"""Groups of tasks over REST. Source: the Pulp 2 REST contract, 3.3."""

from __future__ import annotations

import uuid
from typing import Any

from entrepot.engine import Engine
from entrepot.testing import drain

from .sample_tasks import echo, fail

NOTHING = {
    "waiting": 0,
    "accepted": 0,
    "running": 0,
    "suspended": 0,
    "finished": 0,
    "error": 0,
    "canceled": 0,
    "skipped": 0,
    "total": 0,
}


def test_a_group_is_made_empty_and_says_where_it_is(api: Any) -> None:
    response = api.post("task_groups/")

    assert response.status_code == 201
    group = response.json()
    assert response.headers["location"] == f"http://server.test{group['_href']}"
    assert group["_href"] == f"/pulp/api/v2/task_groups/{group['group_id']}/"
    assert set(group) == {"_href", "group_id", "create_time", *NOTHING}
    assert {name: group[name] for name in NOTHING} == NOTHING
    assert api.get(f"task_groups/{group['group_id']}/").json() == group
    assert api.get("task_groups/").json() == [group]


def test_the_summary_of_a_group_counts_its_tasks_by_state_and_nothing_else(engine: Engine, api: Any) -> None:
    group = engine.group()
    engine.enqueue(echo, 1, group=group)
    engine.enqueue(fail, group=group)
    drain(engine)
    engine.enqueue(echo, 1, group=group)
    engine.enqueue(echo, 1)

    summary = api.get(f"task_groups/{group.group_id}/state_summary/").json()

    assert summary == NOTHING | {"finished": 1, "error": 1, "waiting": 1, "total": 3}
    assert api.get(f"task_groups/{group.group_id}/").json()["total"] == 3


def test_a_group_is_waited_for_until_all_of_its_tasks_have_ended(engine: Engine, api: Any) -> None:
    group = engine.group()
    engine.enqueue(echo, 1, group=group)

    before = api.get(f"task_groups/{group.group_id}/?wait=0").json()
    drain(engine)
    after = api.get(f"task_groups/{group.group_id}/?wait=60").json()

    assert (before["waiting"], before["unfinished"]) == (1, True)
    assert (after["finished"], after["unfinished"]) == (1, False)
    assert api.get(f"task_groups/{group.group_id}/?wait=soon").json()["property_names"] == ["wait"]


def test_to_cancel_a_group_cancels_those_of_its_tasks_that_are_not_complete(engine: Engine, api: Any) -> None:
    group = engine.group()
    engine.enqueue(echo, 1, group=group)
    drain(engine)
    engine.enqueue(echo, 1, group=group)
    alone = engine.enqueue(echo, 1)

    once, again = (api.delete(f"task_groups/{group.group_id}/") for _ in range(2))

    assert [(answer.status_code, answer.json()) for answer in (once, again)] == [(200, None)] * 2
    assert group.summary() == NOTHING | {"finished": 1, "canceled": 1, "total": 2}
    assert alone.state == "waiting"


def test_a_group_that_is_not_there_is_answered_404_whatever_its_id_looks_like(api: Any) -> None:
    for group_id in (str(uuid.UUID(int=0)), "malformed"):
        for method, path in [("GET", ""), ("DELETE", ""), ("GET", "state_summary/")]:
            response = api.ask(method, f"task_groups/{group_id}/{path}")

            assert (response.status_code, response.json()["resources"]) == (404, {"resource_id": group_id})


def test_the_list_shows_the_newest_groups_first(engine: Engine, api: Any) -> None:
    made = [engine.group().group_id for _ in range(3)]

    shown = [group["group_id"] for group in api.get("task_groups/").json()]

    assert shown == made[::-1]
    assert [group["group_id"] for group in api.get("task_groups/?limit=1").json()] == made[-1:]
    assert api.get("task_groups/?limit=0").json()["property_names"] == ["limit"]


def test_each_call_needs_its_permission(engine: Engine, api: Any) -> None:
    engine.access.create_user("ann", password="a long enough password")
    ann, group_id = api.as_("ann", "a long enough password"), engine.group().group_id

    for method, path, operation in [
        ("GET", "", "READ"),
        ("POST", "", "CREATE"),
        ("GET", f"{group_id}/", "READ"),
        ("DELETE", f"{group_id}/", "DELETE"),
        ("GET", f"{group_id}/state_summary/", "READ"),
    ]:
        response = ann.ask(method, f"task_groups/{path}")

        assert (response.status_code, response.json()["error"]["data"]["operation"]) == (401, operation)


def test_to_wait_for_a_group_answers_when_all_of_its_tasks_have_ended(engine: Engine, api: Any) -> None:
    group = engine.group()
    engine.enqueue(echo, 1, group=group)

    waiting = api.get(f"task_groups/{group.group_id}/?wait=0.05").json()
    drain(engine)
    ended = api.get(f"task_groups/{group.group_id}/?wait=60").json()

    assert (waiting["unfinished"], waiting["waiting"]) == (True, 1)
    assert (ended["unfinished"], ended["finished"]) == (False, 1)
    assert api.get(f"task_groups/{group.group_id}/?wait=soon").status_code == 400


def test_a_canceled_group_says_how_many_of_its_tasks_that_were(engine: Engine, api: Any) -> None:
    group = engine.group()
    for number in range(3):
        engine.enqueue(echo, number, group=group)

    counts = [api.delete(f"task_groups/{group.group_id}/").headers["x-entrepot-count"] for _ in range(2)]

    assert counts == ["3", "0"]

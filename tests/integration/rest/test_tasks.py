"""Tasks over REST: shapes to the byte, lists, purge, cancel. Source: the Pulp 2 REST contract, 3.1 to 3.3, A4 and A5."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest

from entrepot import clock
from entrepot.engine import Engine
from entrepot.errors import InvalidPurgeState
from entrepot.testing import drain

from .sample_tasks import echo, fail, hold, spawn

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
KEYS = {
    "_href",
    "_id",
    "_ns",
    "attempt",
    "attempts",
    "create_time",
    "create_time_us",
    "error",
    "exception",
    "finish_time",
    "finish_time_us",
    "group_id",
    "id",
    "not_before",
    "not_before_us",
    "parent_task_id",
    "priority",
    "progress_report",
    "ready_time",
    "ready_time_us",
    "rescues",
    "result",
    "retries",
    "spawned_tasks",
    "start_time",
    "start_time_us",
    "state",
    "tags",
    "task_id",
    "task_queue",
    "task_type",
    "traceback",
    "waiting",
    "worker_name",
}
NOBODY = str(uuid.UUID(int=0))


def link(task_id: str) -> dict[str, str]:
    return {"_href": f"/pulp/api/v2/tasks/{task_id}/", "task_id": task_id}


def ids(response: Any) -> list[str]:
    assert response.status_code == 200
    return [task["task_id"] for task in response.json()]


def test_a_task_that_waits_has_every_key_and_names_no_worker(engine: Engine, api: Any) -> None:
    task_id = engine.enqueue(hold, "a").task_id

    response = api.get(f"tasks/{task_id}/")

    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    task = response.json()
    assert set(task) == KEYS | {"queue"}
    hex_id = task["id"]
    assert re.fullmatch("[0-9a-f]{24}", hex_id)
    assert MOMENT.fullmatch(task["create_time"])
    assert task.pop("create_time") == clock.iso(clock.from_us(task.pop("create_time_us")))
    assert task.pop("waiting")["reason"] == "no worker"
    assert task.pop("ready_time") == clock.iso(clock.from_us(task.pop("ready_time_us")))
    assert task == {
        "_href": f"/pulp/api/v2/tasks/{task_id}/",
        "_id": {"$oid": hex_id},
        "_ns": "task_status",
        "id": hex_id,
        "task_id": task_id,
        "task_type": f"{hold.__module__}.hold",
        "state": "waiting",
        "tags": ["on:a", "sample"],
        "worker_name": None,
        "queue": "None.dq",
        "start_time": None,
        "finish_time": None,
        "start_time_us": None,
        "finish_time_us": None,
        "not_before_us": None,
        "progress_report": {},
        "result": None,
        "error": None,
        "exception": None,
        "traceback": None,
        "spawned_tasks": [],
        "priority": "default",
        "task_queue": "default",
        "not_before": None,
        "parent_task_id": None,
        "group_id": None,
        "attempt": 0,
        "rescues": 0,
        "retries": 0,
        "attempts": [],
    }


def test_a_finished_task_names_its_worker_its_result_and_what_it_spawned(engine: Engine, api: Any) -> None:
    parent = engine.enqueue(spawn).task_id
    drain(engine, worker_name="reserved_resource_worker-0@host")

    task = api.get(f"tasks/{parent}/").json()

    child = engine.tasks.list(limit=1)[0].task_id
    assert (task["state"], task["result"]) == ("finished", "spawned")
    assert (task["worker_name"], task["queue"]) == ("reserved_resource_worker-0@host", "reserved_resource_worker-0@host.dq")
    assert (task["error"], task["exception"], task["traceback"], task["waiting"]) == (None, None, None, None)
    assert MOMENT.fullmatch(task["start_time"])
    assert MOMENT.fullmatch(task["finish_time"])
    assert task["spawned_tasks"] == [link(child)]
    assert task["progress_report"] == {"step": {"done": 1}}
    assert api.get(f"tasks/{child}/").json()["parent_task_id"] == parent


def test_a_failed_task_shows_its_error_and_one_string_of_traceback(engine: Engine, api: Any) -> None:
    task_id = engine.enqueue(fail).task_id
    drain(engine)

    task = api.get(f"tasks/{task_id}/").json()

    assert (task["state"], task["result"], task["exception"]) == ("error", None, None)
    assert set(task["error"]) == {"code", "description", "data", "sub_errors"}
    assert isinstance(task["traceback"], str)
    assert task["traceback"].rstrip().endswith("disk gone")


def test_an_unknown_task_is_answered_404_with_its_id(api: Any) -> None:
    for method, path in [("GET", ""), ("DELETE", ""), ("GET", "events/"), ("GET", "?wait=1")]:
        response = api.ask(method, f"tasks/{NOBODY}/{path}")

        assert response.status_code == 404
        document = response.json()
        assert document["resources"] == {"resource_id": NOBODY}
        assert document["error"] == {
            "code": "PLP0009",
            "description": f"Missing resource(s): resource_id={NOBODY}",
            "data": {"resources": {"resource_id": NOBODY}},
            "sub_errors": [],
        }
        assert (document["http_status"], document["http_request_method"]) == (404, method)


def test_the_list_holds_tasks_of_every_state_but_those_of_groups_in_their_order_and_without_queue(
    engine: Engine, api: Any
) -> None:
    first = engine.enqueue(echo, 1).task_id
    drain(engine)
    second = engine.enqueue(hold, "a").task_id
    engine.enqueue(echo, 2, group=engine.group())
    third = engine.enqueue(hold, "a").task_id

    response = api.get("tasks/")

    assert ids(response) == [first, second, third]
    assert all(set(task) == KEYS for task in response.json())
    assert [task["waiting"] for task in response.json()] == [None] * 3


def test_an_empty_list_is_a_list(api: Any) -> None:
    assert api.get("tasks/").json() == []


def test_a_long_list_is_whole_and_its_spawned_tasks_are_looked_up_in_bulk(engine: Engine, api: Any, monkeypatch: Any) -> None:
    parents = [engine.enqueue(spawn).task_id for _ in range(5)]
    drain(engine)
    many = [handle.task_id for handle in engine.enqueue_many([_call(number) for number in range(1100)])]
    statements = []
    execute = engine.database.execute
    monkeypatch.setattr(engine.database, "execute", lambda sql, values=(): (statements.append(sql), execute(sql, values))[1])

    tasks = api.get("tasks/").json()

    assert [task["task_id"] for task in tasks if task["task_id"] in {*parents, *many}] == [*parents, *many]
    assert all(len(task["spawned_tasks"]) == 1 for task in tasks[:5])
    assert len(statements) < 20


def _call(number: int) -> Any:
    from entrepot.tasking import Call

    return Call(echo, (number,))


def test_tags_of_a_list_are_all_demanded(engine: Engine, api: Any) -> None:
    a, b = engine.enqueue(hold, "a").task_id, engine.enqueue(hold, "b").task_id

    assert ids(api.get("tasks/?tag=sample")) == [a, b]
    assert ids(api.get("tasks/?tag=sample&tag=on:b")) == [b]
    assert ids(api.get("tasks/?tag=on:a&tag=on:b")) == []


def test_the_newest_tasks_come_first_with_those_of_groups_and_why_they_wait(engine: Engine, api: Any) -> None:
    group = engine.group()
    a, b = engine.enqueue(hold, "a").task_id, engine.enqueue(hold, "a", group=group).task_id
    engine.tasks.cancel(engine.enqueue(echo, 1).task_id)

    response = api.get("tasks/?newest=2&state=waiting&state=running&explain=true")

    assert ids(response) == [b, a]
    assert [task["waiting"]["reason"] for task in response.json()] == ["resource", "no worker"]
    assert ids(api.get(f"tasks/?group_id={group.group_id}")) == [b]


def test_the_newest_are_narrowed_by_type_and_queue_and_lead_on_to_those_before(engine: Engine, api: Any) -> None:
    held = [engine.enqueue(hold, name).task_id for name in "abc"]
    engine.enqueue(echo, 1)
    of_type = f"tasks/?newest=2&task_type={hold.__module__}.hold&queue=default"

    first = api.get(of_type)
    second = api.get(f"{of_type}&before={first.json()[-1]['id']}")

    assert (ids(first), ids(second)) == ([held[2], held[1]], [held[0]])
    assert ids(api.get("tasks/?newest=9&queue=other")) == []


def test_what_a_task_was_called_with_is_told_without_secrets(engine: Engine, api: Any) -> None:
    task = engine.enqueue(echo, {"feed": "https://ann:hush@feed.test/", "basic_auth_password": "hush"}, loud=True)

    response = api.get(f"tasks/{task.task_id}/arguments/")

    assert response.json() == {
        "args": [{"feed": "https://*****@feed.test/", "basic_auth_password": "*****"}],
        "kwargs": {"loud": True},
    }
    assert api.get(f"tasks/{NOBODY}/arguments/").status_code == 404


def test_a_list_that_cannot_be_is_refused_by_name(api: Any) -> None:
    for query, name in [
        ("state=finish", "state"),
        ("newest=0", "newest"),
        ("newest=-1", "newest"),
        ("newest=all", "newest"),
        (f"newest={'9' * 30}", "newest"),
        ("newest=1&before=zoo", "before"),
        ("before=1", "before"),
    ]:
        response = api.get(f"tasks/?{query}")

        assert (response.status_code, response.json()["property_names"]) == (400, [name])

    assert api.get(f"tasks/?group_id={NOBODY}").status_code == 404


def test_odd_ids_and_tags_are_refused_or_find_nothing_and_break_nothing(api: Any) -> None:
    odd = ["a%00b", "%F0%9F%98%80", "%2Fetc%2Fpasswd", "%25", "x" * 5000, "'; DROP TABLE task; --".replace(" ", "%20"), "%0A"]

    for text in odd:
        for path in (f"tasks/{text}/", f"tasks/{text}/events/", f"task_groups/{text}/", f"tasks/?group_id={text}"):
            assert api.get(path).status_code in (400, 404), path
        assert api.delete(f"tasks/{text}/").status_code in (400, 404)
        assert api.get(f"tasks/?tag={text}").status_code in (200, 400)
    assert api.get("tasks/?" + "&".join(f"tag=t{number}" for number in range(101))).json()["property_names"] == ["tag"]
    assert api.get("tasks/?" + "&".join(["tag=t", "state=waiting"] * 2000)).json() == []


def test_a_cancel_answers_null_whatever_state_the_task_is_in(engine: Engine, api: Any) -> None:
    first, second = engine.enqueue(hold, "a").task_id, engine.enqueue(hold, "a").task_id

    once, again = api.delete(f"tasks/{first}/"), api.delete(f"tasks/{first}/")

    assert [(answer.status_code, answer.json()) for answer in (once, again)] == [(200, None)] * 2
    task = api.get(f"tasks/{first}/").json()
    assert (task["state"], task["result"]) == ("canceled", None)
    assert MOMENT.fullmatch(task["finish_time"])
    drain(engine)
    assert api.get(f"tasks/{second}/").json()["state"] == "finished"


def test_a_cancel_reaches_what_was_spawned_only_if_asked_to(engine: Engine, api: Any) -> None:
    parents = [engine.enqueue(spawn).task_id for _ in range(2)]
    drain(engine, limit=2)
    children = [api.get(f"tasks/{parent}/").json()["spawned_tasks"][0]["task_id"] for parent in parents]

    api.delete(f"tasks/{parents[0]}/")
    api.delete(f"tasks/{parents[1]}/?spawned=true")

    assert [api.get(f"tasks/{child}/").json()["state"] for child in children] == ["waiting", "canceled"]


def test_a_purge_removes_complete_tasks_of_the_states_named_and_no_others(engine: Engine, api: Any) -> None:
    finished, failed = engine.enqueue(hold, "a").task_id, engine.enqueue(fail).task_id
    drain(engine)
    canceled = engine.enqueue(echo, 1).task_id
    engine.tasks.cancel(canceled)
    waiting = engine.enqueue(hold, "a").task_id

    response = api.delete("tasks/?state=finished&state=error")

    assert (response.status_code, response.content) == (204, b"")
    assert ids(api.get("tasks/")) == [canceled, waiting]
    gone = api.get(f"tasks/{finished}/")
    assert (gone.status_code, gone.json()["resources"]) == (404, {"resource_id": finished})
    assert api.get(f"tasks/{failed}/").status_code == 404
    assert ids(api.get("tasks/?tag=on:a")) == [waiting]
    assert engine.database.rows("SELECT task FROM task_tag WHERE tag = 'sample'") == [(_row_id(engine, waiting),)]


def _row_id(engine: Engine, task_id: str) -> int:
    return engine.tasks.get(task_id).row_id


def test_a_purge_of_many_is_done_in_batches(engine: Engine, api: Any) -> None:
    engine.enqueue_many([_call(number) for number in range(1203)])
    engine.database.execute("UPDATE task SET state = 'finished', finished_at = 1")
    engine.database.execute("DELETE FROM reservation")
    kept = engine.enqueue(echo, 1).task_id

    assert engine.tasks.purge([]) == 0
    assert engine.tasks.purge(["finished", "skipped"]) == 1203
    assert ids(api.get("tasks/")) == [kept]


def test_a_purge_without_a_state_is_forbidden(engine: Engine, api: Any) -> None:
    task_id = engine.enqueue(echo).task_id

    response = api.delete("tasks/")

    assert response.status_code == 403
    document = response.json()
    assert document["error"]["code"] == "PLP1012"
    assert document["args"] == [document["error_message"]]
    assert ids(api.get("tasks/")) == [task_id]


def test_a_purge_of_another_state_is_refused_and_removes_nothing(engine: Engine, api: Any) -> None:
    task_id = engine.enqueue(echo).task_id
    drain(engine)

    for state in ["running", "waiting", "accepted", "suspended", "canceled", "", "nonsense"]:
        response = api.delete(f"tasks/?state=finished&state={state}")

        assert response.status_code == 400
        assert response.json()["error"]["code"] == "PLP1011"
        assert response.json()["error"]["data"]["state"] == state
        assert ids(api.get("tasks/")) == [task_id]
        with pytest.raises(InvalidPurgeState):
            engine.tasks.purge([state])


def test_a_task_that_was_canceled_while_it_ran_stays_until_it_has_stopped(engine: Engine) -> None:
    engine.enqueue(echo)
    engine.database.execute("UPDATE task SET state = 'finished', finished_at = NULL")

    assert engine.tasks.purge(["finished"]) == 0


def test_a_permission_that_is_lacking_is_named_before_the_body_is_read(engine: Engine, api: Any) -> None:
    engine.access.create_user("ann", password="a long enough password")
    ann, nobody = api.as_("ann", "a long enough password"), api.as_(None)

    for method, path, operation in [
        ("GET", "tasks/", "READ"),
        ("POST", "tasks/search/", "READ"),
        ("GET", "tasks/search/", "READ"),
        ("DELETE", "tasks/?state=finished", "DELETE"),
        ("DELETE", f"tasks/{NOBODY}/", "DELETE"),
        ("POST", "tasks/", "CREATE"),
        ("GET", f"tasks/{NOBODY}/events/", "READ"),
    ]:
        response = ann.ask(method, path, content=b"no JSON")

        assert response.status_code == 401
        assert response.json()["auth_error_code"] == "permission_denied"
        assert response.json()["error"]["data"]["operation"] == operation
        assert nobody.ask(method, path).json()["error"]["code"] == "PLP0025"

"""Enqueue a task by the name of its type; an extension."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from entrepot import clock
from entrepot.engine import TASKS, Engine
from entrepot.propagation import pushes
from entrepot.testing import drain

from .sample_tasks import echo, fail, hold

ECHO, HOLD = f"{echo.__module__}.echo", f"{hold.__module__}.hold"


@pytest.fixture(autouse=True)
def _known(engine: Engine) -> None:
    """The types that a test enqueues by their names."""
    for function in (echo, hold):
        engine.registry.type_of(function)


def test_a_task_is_enqueued_with_all_that_may_be_asked_for(engine: Engine, api: Any) -> None:
    group = engine.group()

    response = api.post(
        "tasks/",
        {
            "task_type": ECHO,
            "args": [{"a": [1, None]}],
            "kwargs": {"loud": True},
            "idempotency_key": "once",
            "not_before": "2001-02-03T04:05:06+02:00",
            "priority": "high",
            "group_id": group.group_id,
        },
    )

    assert response.status_code == 202
    report = response.json()
    (task,) = report.pop("spawned_tasks")
    assert report == {"result": None, "error": None}
    assert task["_href"] == f"/pulp/api/v2/tasks/{task['task_id']}/"
    drain(engine)
    ended = api.get(task["_href"].removeprefix("/pulp/api/v2/")).json()
    assert (ended["state"], ended["result"], ended["priority"]) == ("finished", [{"a": [1, None]}, True], "high")
    assert ended["group_id"] == group.group_id


def test_the_same_idempotency_key_stands_for_the_same_task(api: Any) -> None:
    body = {"task_type": HOLD, "args": ["a"], "idempotency_key": "once"}

    first, second = api.post("tasks/", body), api.post("tasks/", body)

    assert first.json() == second.json()
    assert (first.status_code, second.status_code) == (202, 202)


def test_a_delay_is_a_moment_or_seconds_from_now(api: Any) -> None:
    for not_before in (3600, "2999-01-01T00:00:00Z"):
        task = api.post("tasks/", {"task_type": ECHO, "not_before": not_before}).json()["spawned_tasks"][0]

        shown = api.get(f"tasks/{task['task_id']}/").json()["not_before"]

        if isinstance(not_before, str):
            assert shown == not_before
        else:
            ahead = datetime.fromisoformat(shown).astimezone(UTC) - clock.now()
            assert 3500 < ahead.total_seconds() <= 3600


@pytest.mark.parametrize(
    ("change", "status", "names"),
    [
        ({"task_type": None}, 400, {"missing_property_names": ["task_type"]}),
        ({"task_type": 5}, 400, {"property_names": ["task_type"]}),
        ({"task_type": "no.such.type"}, 400, {"property_names": ["task_type"]}),
        ({"args": {}}, 400, {"property_names": ["args"]}),
        ({"args": []}, 400, {"property_names": ["args", "kwargs"]}),
        ({"args": ["a", "b"]}, 400, {"property_names": ["args", "kwargs"]}),
        ({"args": ["a"], "kwargs": {"name": "b"}}, 400, {"property_names": ["args", "kwargs"]}),
        ({"args": ["a\u0000"]}, 400, {"property_names": ["resources"]}),
        ({"kwargs": []}, 400, {"property_names": ["kwargs"]}),
        ({"idempotency_key": ""}, 400, {"property_names": ["idempotency_key"]}),
        ({"idempotency_key": "x" * 2000}, 400, {"property_names": ["idempotency_key"]}),
        ({"idempotency_key": 1}, 400, {"property_names": ["idempotency_key"]}),
        ({"not_before": "tomorrow"}, 400, {"property_names": ["not_before"]}),
        ({"not_before": "2001-02-03"}, 400, {"property_names": ["not_before"]}),
        ({"not_before": True}, 400, {"property_names": ["not_before"]}),
        ({"not_before": 1e300}, 400, {"property_names": ["not_before"]}),
        ({"not_before": 10**12}, 400, {"property_names": ["not_before"]}),
        ({"priority": "urgent"}, 400, {"property_names": ["priority"]}),
        ({"group_id": "nobody"}, 404, {"resources": {"task_group": "nobody"}}),
        ({"colour": "red"}, 400, {"unsupported_property_names": ["colour"]}),
    ],
)
def test_what_cannot_be_is_refused_by_name_and_nothing_is_enqueued(
    engine: Engine, api: Any, change: dict[str, Any], status: int, names: dict[str, Any]
) -> None:
    response = api.post("tasks/", {"task_type": HOLD, "args": ["a"]} | change)

    assert response.status_code == status
    document = response.json()
    assert {name: document.get(name) for name in names} == names
    assert engine.tasks.list() == []


def test_a_body_is_needed(api: Any) -> None:
    assert api.post("tasks/").json()["error"]["code"] == "PLP1009"
    assert api.post("tasks/", []).json()["error"]["code"] == "PLP1015"


def test_what_has_an_endpoint_of_its_own_is_for_super_users(engine: Engine, api: Any) -> None:
    engine.access.create_user("ann", password="a long enough password")
    engine.access.grant_creator("ann", "/v2/tasks/")
    ann = api.as_("ann", "a long enough password")
    body = {"task_type": TASKS[0][0], "args": ["zoo"]}

    refused, taken = ann.post("tasks/", body), api.post("tasks/", body)

    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "PLP0000")
    assert taken.status_code == 202
    assert ann.post("tasks/", {"task_type": HOLD, "args": ["a"]}).status_code == 202


def test_a_push_whose_limit_nothing_can_count_is_refused(engine: Engine, api: Any) -> None:
    response = api.post("tasks/", {"task_type": pushes.TASK_TYPE, "args": [1, 1, 1, "x"], "kwargs": {"retries": 1}})

    assert (response.status_code, engine.tasks.list()) == (400, [])


def test_task_modules_are_loaded_when_an_unknown_type_is_named(engine: Engine, api: Any) -> None:
    body = {"task_type": f"{fail.__module__}.fail"}

    engine.settings = engine.settings.model_copy(update={"task_modules": ["no_such_module"]})
    refused = api.post("tasks/", body)
    engine.settings = engine.settings.model_copy(update={"task_modules": [fail.__module__]})
    taken = api.post("tasks/", body)

    assert (refused.status_code, refused.json()["property_names"]) == (400, ["task_type"])
    assert "no_such_module" not in refused.text
    assert taken.status_code == 202

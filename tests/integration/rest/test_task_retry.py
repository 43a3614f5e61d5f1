"""Try a task again over REST; an extension. Who does performs what the task did, so he needs what that needed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from entrepot.access import Operation, Principal, may_retry
from entrepot.engine import TASKS, Engine
from entrepot.propagation import pushes
from entrepot.testing import drain

from .sample_tasks import echo, fail

PASSWORD = "a long enough password"


@pytest.fixture
def database_kind() -> str:
    """What is asked here is no matter of the database."""
    return "sqlite"


@pytest.fixture
def ann(engine: Engine, api: Any) -> Any:
    """Ask as one who may execute on all tasks, and nothing else."""
    engine.access.create_user("ann", password=PASSWORD)
    engine.access.grant_to_user("ann", "/v2/tasks/", [Operation.EXECUTE])
    return api.as_("ann", PASSWORD)


def test_a_retry_answers_with_the_new_task(engine: Engine, api: Any) -> None:
    task_id = engine.enqueue(fail).task_id
    drain(engine)

    response = api.post(f"tasks/{task_id}/actions/retry/")

    assert response.status_code == 202
    (spawned,) = response.json()["spawned_tasks"]
    again = api.get(f"tasks/{spawned['task_id']}/").json()
    assert (again["state"], again["tags"]) == ("waiting", [f"entrepot:retry-of:{task_id}"])
    assert api.post(f"tasks/{spawned['task_id']}/actions/retry/").status_code == 409
    assert api.post("tasks/nobody/actions/retry/").status_code == 404


def test_a_sync_is_tried_again_by_those_who_may_sync_that_repository(engine: Engine, api: Any, ann: Any) -> None:
    for name in ("zoo", "farm"):
        engine.repositories.create(name, importer_type_id="iso_importer")
    paths = {}
    for name in ("zoo", "farm"):
        handle = engine.repositories.get(name).sync()
        handle.cancel()
        paths[name] = f"tasks/{handle.task_id}/actions/retry/"

    refused = ann.post(paths["zoo"])
    engine.access.grant_to_user("ann", "/v2/repositories/zoo/", [Operation.EXECUTE])

    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "PLP0026")
    assert ann.post(paths["zoo"]).status_code == 202
    assert ann.post(paths["farm"]).status_code == 401


def test_a_task_of_a_task_module_is_tried_again_by_those_who_may_enqueue_it(engine: Engine, ann: Any) -> None:
    path = f"tasks/{engine.enqueue(echo).task_id}/actions/retry/"
    drain(engine)

    refused = ann.post(path)
    engine.access.grant_to_user("ann", "/v2/tasks/", [Operation.CREATE])

    assert (refused.status_code, ann.post(path).status_code) == (401, 202)


def test_all_else_that_the_engine_does_is_tried_again_by_super_users_only(engine: Engine) -> None:
    handle = engine.enqueue(echo)
    handle.cancel()
    report = handle.report()
    root = engine.access.create_user("root", roles=["super-users"])
    bob = engine.access.create_user("bob")
    engine.access.grant_to_user("bob", "/", list(Operation))
    who = {user.login: Principal(user.user_id, user.login, (), user is root, "password") for user in (root, bob)}

    allowed = {login: set() for login in who}
    for name in (pushes.TASK_TYPE, *(row[0] for row in TASKS)):
        task = replace(report, task_type=name, tags=("pulp:repository:zoo",))
        for login, principal in who.items():
            if may_retry(engine.access, principal, task):
                allowed[login].add(name.rpartition(".")[2])

    assert len(allowed["root"]) == len(TASKS) + 1
    assert allowed["bob"] == {"sync", "publish", "download_repo", "roll_back"}

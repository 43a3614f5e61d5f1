"""What pages show in these tests: a little of everything, with names that would be markup if they were not escaped."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from entrepot import Engine, TaskFailed, TaskHandle, clock
from entrepot.access import Operation
from entrepot.criteria import UnitCriteria
from entrepot.tasking import Call
from tests.acceptance.conftest import Feed

from . import slow_tasks
from .conftest import PASSWORD

HOSTILE = "<img src=x onerror=alert(1)>\"'&</script><b>"
#: Seconds that a task of the served engine gets.
PATIENCE = 60


def furnish(engine: Engine, feed: Feed, folder: Path) -> Mapping[str, str]:
    """Fill an engine that is served, and return what the names in the pages' paths may be."""
    zoo = _repository(engine, feed, folder)
    failed = engine.enqueue(slow_tasks.fail_until, str(folder / HOSTILE[:10]))
    _see_fail(failed)
    group = engine.group()
    calls = [Call(slow_tasks.wait_for, (HOSTILE,), not_before=timedelta(days=1))] * 3
    waiting = engine.enqueue_many(calls, group=group)
    schedule = engine.schedules.create_task("cron:0 3 * * *", slow_tasks.wait_for, [HOSTILE], time_zone="Europe/Zurich")
    zoo.schedule_sync("PT6H", failure_threshold=3)
    pop = engine.edges.add_pop("Europe : Zürich")
    engine.edges.add_servers(pop.pop_id, [str(folder / "edge" / name) for name in ("one", "two")])
    engine.edges.add_pop("Asia : Tokyo")
    zoo.add_distributor("edge_distributor", {"source": "web", "retries": 0}, distributor_id="edge")
    zoo.publish("edge").wait(PATIENCE)
    (deploy,) = engine.edges.list_deploys(limit=1)
    engine.access.create_user("ann", password=PASSWORD, name=HOSTILE)
    engine.access.create_role("mirrors", HOSTILE, HOSTILE)
    engine.access.add_user_to_role("mirrors", "ann")
    engine.access.grant_to_role("mirrors", "/v2/repositories/", [Operation.READ])
    engine.access.create_token("ann", HOSTILE[:30], expires=clock.now() + timedelta(days=9))
    unit = zoo.search_units(UnitCriteria(limit=1))[0]
    return {
        "repository_id": "zoo",
        "importer_id": "iso_importer",
        "distributor_id": "web",
        "task_id": failed.task_id,
        "group_id": group.group_id,
        "waiting_task_id": waiting[0].task_id,
        "schedule_id": schedule.schedule_id,
        "deploy_id": str(deploy.deploy_id),
        "pop_id": str(pop.pop_id),
        "login": "ann",
        "role_id": "mirrors",
        "slug": "guarantees",
        "kind": "importer",
        "type_id": "yum_importer",
        "unit_type_id": unit.unit_type_id,
        "unit_id": unit.unit_id,
    }


def _repository(engine: Engine, feed: Feed, folder: Path):
    zoo = engine.repositories.create(
        "zoo",
        display_name=HOSTILE,
        description=HOSTILE,
        notes={HOSTILE: HOSTILE},
        importer_type_id="iso_importer",
        importer_config={"feed": feed.url, "basic_auth_username": HOSTILE, "basic_auth_password": "geheim-geheim"},
        distributors=[{"distributor_type_id": "iso_distributor", "distributor_id": "web", "auto_publish": True}],
    )
    for files in ({"bear.iso": b"bear", "a b&c.iso": b"wolf"}, {"bear.iso": b"bears", "lion.iso": b"lion"}):
        feed.offer(files)
        for task_id in zoo.sync().wait(PATIENCE).spawned:
            engine.tasks.handle(task_id).wait(PATIENCE)
    broken = engine.repositories.create(
        "broken",
        display_name=HOSTILE,
        importer_type_id="iso_importer",
        importer_config={"feed": f"{feed.url}{HOSTILE[:4]}none/"},
    )
    _see_fail(broken.sync())
    return zoo


def _see_fail(handle: TaskHandle) -> None:
    with suppress(TaskFailed):
        handle.wait(PATIENCE)

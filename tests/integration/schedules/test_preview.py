"""When a schedule that is kept runs next, and the short ways to make one."""

from __future__ import annotations

from datetime import timedelta

import pytest

import entrepot
from entrepot.engine import Engine
from entrepot.errors import MissingResource, UnsupportedValue
from entrepot.repositories import Repository
from tests.integration.schedules.conftest import Clock, go_round

FAR = "2999-01-01T02:00Z/P1D"


@pytest.fixture
def database_kind() -> str:
    """What is asked here is no matter of the database."""
    return "sqlite"


@entrepot.task
def ring(times: int, *, loud: bool = False) -> list[object]:
    return [times, loud]


@pytest.mark.parametrize("text", ["R4/2026-11-22T00:30Z/PT7H", "R4/20 10 * * *", "PT7H", "R4/10:30/P1D"])
def test_a_schedule_runs_when_the_preview_says(text: str, engine: Engine, zoo: Repository, time: Clock) -> None:
    text = text.removeprefix("R4/") if "*" in text else text
    promised = engine.schedules.preview(text, count=4).runs
    made = engine.schedule(text, ring, 1)

    seen = []
    for _ in range(4):
        (run,) = engine.schedules.preview_of(made.schedule_id, count=1).runs
        time.now = max(time.now, run - timedelta(seconds=1))
        early = 0 if time.now == run else go_round(engine)
        time.now = run
        assert (early, go_round(engine)) == (0, 1)
        seen.append(engine.schedules.get(made.schedule_id).last_run_at)

    assert tuple(seen) == promised


def test_a_preview_moves_with_the_splay_of_its_schedule(engine: Engine, zoo: Repository, time: Clock) -> None:
    made = zoo.schedule_sync("R3/PT1H", jitter_seconds=3_600)

    runs = engine.schedules.preview_of(made.schedule_id).runs

    assert runs == tuple(made.next_run + timedelta(hours=hours) for hours in range(3))


def test_what_is_overdue_runs_now_and_what_is_disabled_never(engine: Engine, zoo: Repository, time: Clock) -> None:
    made = zoo.schedule_sync("PT1H")
    time.move(minutes=90)

    preview = engine.schedules.preview_of(made.schedule_id, count=2)

    assert preview.runs == (time.now, made.created + timedelta(hours=2))
    engine.schedules.update(made.schedule_id, {"enabled": False})
    assert engine.schedules.preview_of(made.schedule_id).runs == ()
    assert preview.sentence == made.sentence


def test_a_repository_schedules_its_syncs_and_publishes(engine: Engine, zoo: Repository) -> None:
    sync = zoo.schedule_sync(FAR, failure_threshold=3, override_config={"max_speed": 1})
    publish = zoo.schedule_publish("web", FAR, overlap="queue", enabled=False)

    assert engine.schedules.list_sync("zoo", "iso_importer") == [sync]
    assert engine.schedules.list_publish("zoo", "web") == [publish]
    assert (sync.failure_threshold, sync.override_config) == (3, {"max_speed": 1})
    assert (publish.overlap, publish.enabled) == ("queue", False)


def test_a_repository_without_an_importer_schedules_no_syncs(engine: Engine) -> None:
    with pytest.raises(MissingResource):
        engine.repositories.create("bare").schedule_sync("PT1H")

    assert engine.schedules.list() == []


def test_a_program_schedules_its_own_task(engine: Engine, time: Clock) -> None:
    made = engine.schedule("R3/PT1H", ring, 12, loud=True, failure_threshold=2)
    go_round(engine)

    assert (made.kind, made.args, made.kwargs, made.failure_threshold) == ("task", (12,), {"loud": True}, 2)
    assert engine.tasks.list(limit=1)[0].result == [12, True]
    assert engine.schedules.get(made.schedule_id).remaining_runs == 2


def test_a_task_has_no_plugin_to_override(engine: Engine) -> None:
    made = engine.schedule(FAR, ring, 1)

    with pytest.raises(UnsupportedValue):
        engine.schedules.update(made.schedule_id, {"override_config": {"a": 1}})

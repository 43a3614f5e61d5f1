"""Workers are killed and frozen while they run tasks; the tasks are neither lost nor doubled, and keep their order."""

from __future__ import annotations

import random

import pytest

from .effects import TRACE, repeatable
from .plan import Campaign, Fault, campaigns
from .process import wait_for
from .stage import Stage
from .trace import read_trace
from .traffic import Traffic


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("database_kind", "campaign"), [(each.database, each) for each in campaigns("tasks")], indirect=["database_kind"], ids=str
)
def test_killed_and_frozen_workers_lose_and_double_no_task(stage: Stage, campaign: Campaign) -> None:
    chance = random.Random(campaign.seed)
    traffic = Traffic(stage, chance)

    with stage.supervised():
        for fault in campaign.faults:
            traffic.top_up()
            victim = stage.start_worker(armed=fault.armed(chance))
            if fault.deed == "frozen":
                wait_for(lambda victim=victim: stage.is_at_work(victim), "the worker is at work", victim.said)
                victim.has_ended(within=chance.uniform(0, 0.2))
                traffic.top_up()
                stage.freeze(victim.pid, victim)
                stage.note(fault.label)
            else:
                stage.await_kill(victim, fault, traffic.top_up, chance)
                stage.hand_on(victim, chance)
            traffic.note_finished()
            assert stage.standing() == []
        frozen = stage.thawed(wait=True)
        traffic.wait_until_all_ended()
        for victim in frozen:
            victim.stop()

    assert traffic.findings() == []


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_task_that_kills_every_worker_ends_in_its_own_error_after_three_rescues(stage: Stage) -> None:
    fault = Fault("tasks", "execution.started")
    handle = stage.engine.enqueue(repeatable, 1, ["line:1"], 0)
    behind = stage.engine.enqueue(repeatable, 2, ["line:1"], 0)
    supervisor = stage.start("worker", "--processes", "2", armed=f"{fault.point}=kill", rescue_limit="3")

    wait_for(lambda: handle.report().is_final, "the task has ended", supervisor.said)

    supervisor.close()
    report = handle.report()
    stage.note(fault.label, report.attempt)
    assert (report.state, report.attempt, report.rescues) == ("error", 4, 3)
    assert report.error is not None
    assert report.error["code"] == "PLP0049"
    with stage.supervised():
        wait_for(lambda: behind.report().is_final, "the next in line has ended")
    assert read_trace(stage.folder / TRACE).of(handle.task_id) == []
    assert stage.standing() == []

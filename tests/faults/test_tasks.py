"""Workers are killed while they run tasks; the tasks are neither lost nor doubled, and keep their order."""

from __future__ import annotations

import os
import random
import signal

import pytest

from .effects import TRACE, repeatable
from .inspection import Run, read_trace
from .plan import Campaign, campaigns
from .stage import Stage, wait_for
from .traffic import Traffic


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("database_kind", "campaign"), [(each.database, each) for each in campaigns("tasks")], indirect=["database_kind"], ids=str
)
def test_killed_workers_lose_and_double_no_task(stage: Stage, campaign: Campaign) -> None:
    chance = random.Random(campaign.seed)
    traffic = Traffic(stage, chance)

    with stage.supervised():
        for kill in campaign.kills:
            victim = stage.start_worker(armed=kill.armed(chance))
            stage.await_kill(victim, kill, traffic.top_up, chance)
            stage.hand_on(victim, chance)
            traffic.note_finished()
        traffic.wait_until_all_ended()

    assert traffic.findings() == []


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_task_that_kills_every_worker_ends_in_its_own_error_after_three_rescues(stage: Stage) -> None:
    handle = stage.engine.enqueue(repeatable, 1, ["line:1"], 0)
    behind = stage.engine.enqueue(repeatable, 2, ["line:1"], 0)
    supervisor = stage.start("worker", "--processes", "2", armed="execution.started=kill", rescue_limit="3")

    wait_for(lambda: handle.report().is_final, "the task has ended", supervisor.said)

    supervisor.close()
    report = handle.report()
    for _ in range(report.attempt):
        stage.note("execution.started")
    assert (report.state, report.attempt, report.rescues) == ("error", 4, 3)
    assert report.error is not None
    assert report.error["code"] == "PLP0049"
    with stage.supervised():
        wait_for(lambda: behind.report().is_final, "the next in line has ended")
    assert read_trace(stage.folder / TRACE).of(handle.task_id) == []


def test_a_worker_that_was_frozen_past_its_lease_changes_nothing_when_it_thaws(stage: Stage) -> None:
    handle = stage.engine.enqueue(repeatable, 1, ["line:1"], 600)
    frozen = stage.start_worker()
    wait_for(lambda: len(runs(stage)) == 1, "the task has begun", frozen.said)
    os.kill(frozen.pid, signal.SIGSTOP)
    wait_for(stage.engine.rescue, "the lease has run out")
    other = stage.start_worker()
    wait_for(lambda: len(runs(stage)) == 2, "the other worker has begun", other.said)

    os.kill(frozen.pid, signal.SIGCONT)  # its run ends at once, in the middle of the other's

    wait_for(lambda: handle.report().is_final, "the task has ended", other.said)
    report = handle.report()
    assert (report.state, report.worker_name, report.attempt, report.result) == ("finished", other.name, 2, 2)
    other.stop()
    following = stage.engine.enqueue(repeatable, 2, ["line:1"], 0)
    wait_for(lambda: following.report().is_final, "the thawed worker goes on", frozen.said)
    frozen.stop()
    assert following.report().worker_name == frozen.name
    assert handle.report() == report


def runs(stage: Stage) -> list[Run]:
    """Return the runs that have begun."""
    return read_trace(stage.folder / TRACE).runs

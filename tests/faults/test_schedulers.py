"""The processes that run the loops are killed and frozen: whoever goes round next takes up what they left."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from itertools import cycle

import pytest

from . import effects
from .plan import Campaign, campaigns
from .process import Process, wait_for
from .stage import Stage
from .traffic import Traffic


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("database_kind", "campaign"),
    [(each.database, each) for each in campaigns("schedulers")],
    indirect=["database_kind"],
    ids=str,
)
def test_killed_and_frozen_schedulers_leave_nothing_half_done(stage: Stage, campaign: Campaign) -> None:
    """No supervisor is there: only a scheduler rescues, lets the delayed enter their lines, and tries failed ones again."""
    chance = random.Random(campaign.seed)
    traffic = Traffic(stage, chance)
    worker = stage.start_worker(threads=4)
    kinds = cycle([effects.failing, effects.repeatable, effects.writing])

    def meanwhile() -> None:
        if stage.unfinished() < 30:
            traffic.enqueue(next(kinds))
        elif not stage.has_work():  # all of them wait for a scheduler
            traffic.enqueue(effects.repeatable, on_lines=False)

    for fault in campaign.faults:
        if fault.point == "rescue.taken":
            stop_thawed(stage, wait=True)  # they would rescue what this one is to die of
            traffic.enqueue(effects.repeatable, milliseconds=3000, on_lines=False)  # so that the worker dies at work
        if fault.point == "rescue.taken" or chance.random() < 0.5:
            wait_for(lambda name=worker.name: has_claimed(stage, name, meanwhile), "the worker runs something", worker.said)
            worker.kill()
            stage.note("worker killed, at random")
            worker = stage.start_worker(threads=4)
        scheduler = stage.start("scheduler", armed=fault.armed(chance))
        if fault.deed == "frozen":
            wait_for(lambda scheduler=scheduler: has_gone_round(scheduler, meanwhile), "a round was made", scheduler.said)
            stage.freeze(scheduler.pid, scheduler)
            stage.note(fault.label)
        else:
            stage.await_kill(scheduler, fault, meanwhile, chance, partial(has_gone_round, scheduler, meanwhile))
        assert stage.standing() == []
        stop_thawed(stage)
    stop_thawed(stage, wait=True)
    scheduler = stage.start("scheduler")
    traffic.wait_until_all_ended()
    scheduler.stop()
    worker.stop()

    assert traffic.findings() == []


def stop_thawed(stage: Stage, *, wait: bool = False) -> None:
    """Stop the schedulers that go on again; with `wait` all that were frozen, when they do."""
    for thawed in stage.thawed(wait=wait):
        thawed.stop()


def has_claimed(stage: Stage, worker: str, meanwhile: Callable[[], None]) -> bool:
    """Return True if this worker has a task now."""
    meanwhile()
    query = "SELECT 1 FROM task WHERE owner = ? AND finished_at IS NULL LIMIT 1"
    return stage.engine.database.row(query, (worker,)) is not None


def has_gone_round(scheduler: Process, meanwhile: Callable[[], None]) -> bool:
    """Return True if this scheduler has found something to do, and said so."""
    meanwhile()
    return "entrepot.loops" in scheduler.said()

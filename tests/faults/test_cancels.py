"""Tasks and trees of tasks are canceled while they are claimed, run, spawn, end, and are rescued from dead workers."""

from __future__ import annotations

import json
import random
import threading

import pytest

from entrepot import TaskHandle

from . import effects
from .canceler import CANCELED, read_cancels
from .inspection import Cancel
from .plan import Campaign, campaigns
from .process import Process
from .stage import Stage
from .traffic import Traffic

#: Trees that grow at the same time.
TREES = 2
#: Milliseconds that a task takes at most: long enough to be canceled on the way.
LONG = 400


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("database_kind", "campaign"), [(each.database, each) for each in campaigns("cancels")], indirect=["database_kind"], ids=str
)
def test_a_canceled_task_stays_canceled_whatever_it_races(stage: Stage, campaign: Campaign) -> None:
    chance = random.Random(campaign.seed)
    forest = Forest(stage, chance)

    with stage.supervised("--processes", "1", "--threads", "4"):
        for turn, fault in enumerate(campaign.faults):
            if fault.victim == "canceler":
                arguments = ("-m", "tests.faults.canceler", str(campaign.seed + turn))
                canceler = stage.start_program(*arguments, name=f"canceler-{turn}", armed=fault.armed(chance))
                stage.await_kill(canceler, fault, forest.grow, chance, lambda: wrote(stage))
            else:
                victim = stage.start_worker(armed=fault.armed(chance), threads=4)
                stage.await_kill(victim, fault, forest.grow_and_cancel, chance)
                cancel_while_rescued(stage, victim, forest.traffic)
            forest.traffic.note_finished()
            assert stage.standing() == []
        for tree in forest.trees:
            forest.traffic.cancel(tree, is_tree=True)
        forest.traffic.wait_until_all_ended()

    assert forest.traffic.findings(canceled_by_others=canceled_by_others(stage)) == []


class Forest:
    """Tasks to be canceled: single ones that take a while, and trees that grow."""

    def __init__(self, stage: Stage, chance: random.Random) -> None:
        self.traffic = Traffic(stage, chance)
        self.trees: list[TaskHandle] = []
        self._stage = stage
        self._chance = chance
        self._tasks: list[TaskHandle] = []

    def grow(self) -> None:
        """Enqueue until enough tasks wait, and plant trees."""
        if len(self.trees) < TREES:
            self.trees.append(self.traffic.plant())
        if self._stage.unfinished() < 30:
            handle = self.traffic.enqueue(self._chance.choice([None, effects.patient]), milliseconds=LONG)
            assert handle is not None
            self._tasks.append(handle)

    def grow_and_cancel(self) -> None:
        """Do so, and cancel one of the last tasks, whatever became of it, or a tree."""
        self.grow()
        if self._chance.random() < 0.3:
            self.traffic.cancel(self._chance.choice(self._tasks[-30:]))
        if self._chance.random() < 0.05:
            self.traffic.cancel(self.trees.pop(0), is_tree=True)


def cancel_while_rescued(stage: Stage, victim: Process, traffic: Traffic) -> None:
    """Cancel what a dead worker ran, at the moment at which it is taken from it."""
    query = "SELECT task_id FROM task WHERE owner = ? AND finished_at IS NULL"
    orphans = [task_id for (task_id,) in stage.engine.database.rows(query, (victim.name,))]

    def hand_on() -> None:
        with stage.engine.visit():
            stage.engine.worker_lost(victim.name)

    rescuer = threading.Thread(target=hand_on)
    rescuer.start()
    for task_id in orphans:
        traffic.cancel(stage.engine.tasks.handle(task_id))
    rescuer.join()


def wrote(stage: Stage) -> bool:
    """Return True if a canceler has begun."""
    return (stage.folder / CANCELED).exists()


def canceled_by_others(stage: Stage) -> list[Cancel]:
    """Return what the cancelers were told."""
    path = stage.folder / CANCELED
    return read_cancels([json.loads(line) for line in path.read_text().splitlines()]) if path.exists() else []

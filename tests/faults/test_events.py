"""A worker is killed between the flip of a publication and the event that tells of it (check L32)."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from entrepot.events import ANY_DISTRIBUTOR, EventQuery

from .process import wait_for
from .stage import Stage
from .traffic import unfinished_tasks
from .warehouse import Warehouse


@pytest.fixture
def warehouse(stage: Stage) -> Iterator[Warehouse]:
    """A repository with its feed."""
    made = Warehouse(stage, random.Random(29), repositories=1)
    yield made
    made.close()


def told(stage: Stage) -> list[str]:
    query = EventQuery((("repo-0", ANY_DISTRIBUTOR),))
    return [event.event_type for event in stage.engine.events.list_publications(query)]


def hand_on(stage: Stage) -> bool:
    stage.engine.rescue()
    return stage.unfinished() == 0


def test_l32_no_flip_is_kept_without_its_event(stage: Stage, warehouse: Warehouse) -> None:
    warehouse.change_and_sync()
    victim = stage.start_worker(armed="publish.flipped=kill")
    wait_for(lambda: victim.has_ended(within=0.02), "the worker dies", victim.said)

    assert victim.was_killed
    assert warehouse.behind() == ["repo-0"]  # neither the flip ...
    assert told(stage) == []  # ... nor its event

    heir = stage.start_worker()
    wait_for(lambda: hand_on(stage), "every task has ended", lambda: unfinished_tasks(stage) + heir.said())
    heir.stop()
    assert warehouse.behind() == []
    assert told(stage) == ["publish"]
    assert warehouse.badly_told() == []

"""Workers are killed while they sync and publish changing feeds; the store and the publications stay intact."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from .plan import Campaign, campaigns
from .process import wait_for
from .stage import Stage
from .traffic import unfinished_tasks
from .warehouse import Warehouse


@pytest.fixture
def warehouse(stage: Stage) -> Iterator[Warehouse]:
    """Three repositories, each with its feed."""
    made = Warehouse(stage, random.Random(7), repositories=3)
    yield made
    made.close()


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("database_kind", "campaign"), [(each.database, each) for each in campaigns("syncs")], indirect=["database_kind"], ids=str
)
def test_killed_syncs_and_publishes_leave_store_and_publications_intact(
    stage: Stage, warehouse: Warehouse, campaign: Campaign
) -> None:
    chance = random.Random(campaign.seed)

    for fault in campaign.faults:
        warehouse.change_and_sync()
        victim = stage.start_worker(armed=fault.armed(chance), threads=3)
        stage.await_kill(victim, fault, warehouse.keep_busy, chance)
        assert warehouse.badly_published() == []
        assert stage.standing() == []
        stage.hand_on(victim, chance)
    with stage.supervised():
        wait_for(lambda: stage.unfinished() == 0, "every task has ended", lambda: unfinished_tasks(stage))
        for feed in warehouse.feeds:  # what was read while it changed was refused: now they stand still
            warehouse.sync(feed)
        wait_for(lambda: stage.unfinished() == 0, "every task has ended", lambda: unfinished_tasks(stage))

    assert warehouse.behind() == []
    assert warehouse.findings() == []

"""The disk is full at each point of the store: a clear error, the last publication as it was, and nothing left over."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from .process import Process, wait_for
from .stage import Stage
from .traffic import unfinished_tasks
from .warehouse import Warehouse

#: Passes of a point of the store: each sync passes it once, and so does its publish.
SECOND_SYNC, SECOND_PUBLISH = 3, 4

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@pytest.fixture
def warehouse(stage: Stage) -> Iterator[Warehouse]:
    """A repository with its feed."""
    made = Warehouse(stage, random.Random(13), repositories=1)
    yield made
    made.close()


def run_out_of_space(stage: Stage, warehouse: Warehouse, point: str, passes: int) -> Process:
    """Sync and publish the feed, then another version of it for which there is no space; return the worker, which lives."""
    worker = stage.start_worker(armed=f"{point}=raise@{passes}")
    for _ in range(2):
        warehouse.change_and_sync()
        wait_for(lambda: stage.unfinished() == 0, "every task has ended", lambda: unfinished_tasks(stage) + worker.said())
    return worker


@pytest.mark.parametrize(
    ("point", "passes", "failed"), [("store.written", SECOND_SYNC, "sync"), ("store.linked", SECOND_PUBLISH, "publish")]
)
def test_a_full_disk_ends_the_task_in_a_clear_error(
    stage: Stage, warehouse: Warehouse, point: str, passes: int, failed: str
) -> None:
    worker = run_out_of_space(stage, warehouse, point, passes)

    errors = stage.engine.tasks.list(states=["error"])

    worker.stop()
    assert [report.tags[1] for report in errors] == [f"pulp:action:{failed}"]
    assert errors[0].error is not None
    assert errors[0].error["code"] == "PLP2031"
    assert "No space is left" in str(errors[0].error["description"])
    assert errors[0].traceback is None


@pytest.mark.parametrize("passes", [SECOND_SYNC, SECOND_PUBLISH])
@pytest.mark.parametrize("point", ["store.written", "store.linked"])
def test_a_full_disk_leaves_the_last_publication_and_no_temporary_file(
    stage: Stage, warehouse: Warehouse, point: str, passes: int
) -> None:
    worker = run_out_of_space(stage, warehouse, point, passes)

    left = list((stage.engine.store.root / "tmp").iterdir())  # the worker lives: nothing is swept

    worker.stop()
    assert left == []
    assert warehouse.badly_published() == []
    assert warehouse.published_versions() == [1]
    assert warehouse.badly_stored() == []
    assert warehouse.badly_counted() == []


def test_once_there_is_space_again_the_next_sync_catches_up(stage: Stage, warehouse: Warehouse) -> None:
    worker = run_out_of_space(stage, warehouse, "store.linked", SECOND_SYNC)

    warehouse.sync(warehouse.feeds[0])
    wait_for(lambda: stage.unfinished() == 0, "every task has ended", worker.said)

    worker.stop()
    assert warehouse.behind() == []

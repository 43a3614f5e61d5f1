"""`drain`: the walk of a task in the calling thread."""

from __future__ import annotations

import sys

from entrepot.engine import Engine
from entrepot.testing import drain

from .conftest import echo, spawn_two


def test_drain_runs_everything_and_what_it_spawns(engine: Engine) -> None:
    parent = engine.enqueue(spawn_two)

    assert drain(engine) == 3

    assert [engine.tasks.get(task_id).result for task_id in parent.report().spawned] == [1, 2]


def test_a_task_that_nobody_interrupts_leaves_nothing_pending_in_its_thread(engine: Engine) -> None:
    """An exception cleared by the C interface made CPython 3.11 look for it at every step, under a profiler for ever."""
    handle = engine.enqueue(echo, 1)

    sys.setprofile(lambda *_: None)
    try:
        drain(engine)
    finally:
        sys.setprofile(None)

    assert handle.report().result == 1

"""Which task is stopped when its worker process has grown too large."""

from __future__ import annotations

import gc
import itertools
import os
from datetime import timedelta
from typing import cast

from entrepot.settings import read_settings
from entrepot.tasking.context import TaskContext
from entrepot.tasking.execution import Execution
from entrepot.tasking.lease import Claim
from entrepot.tasking.limits import Limits
from entrepot.tasking.memory import MemoryWatch, rss_bytes
from entrepot.tasking.tasks import Tasks

MB = 1_000_000
NUMBERS = itertools.count(1)


def execution(task_type: str = "limited", *, started: float = 0.0) -> Execution:
    """Return a run of a task that began at `started`."""
    number = next(NUMBERS)
    claim = Claim(number, f"task-{number}", task_type, "[]", 1, "worker", None, None, 0, 0)
    context = TaskContext(claim, cast("Tasks", _NoTasks()), lease=timedelta(seconds=30), max_bytes=1)
    made = Execution(context)
    made.started = started
    return made


class _NoTasks:
    """No task service: a run that is only looked at needs none."""

    database = None


def watch(held: int = 50 * MB) -> MemoryWatch:
    """Return a watch for tasks of the type `limited`, during which the process may hold 100 MB; it holds `held` now."""
    return MemoryWatch(Limits(read_settings(memory_limits_mb={"limited": 100})), held)


def test_a_process_that_holds_what_it_may_goes_on() -> None:
    watching, running = watch(), [execution()]

    assert watching.find_outgrown(running, 100 * MB, 1) is None


def test_the_task_is_stopped_when_the_process_holds_more_and_its_error_says_how_much() -> None:
    watching, grower = watch(), execution()

    assert watching.find_outgrown([grower], 230 * MB, 1) is grower

    assert grower.outgrown is not None
    assert "held 230 MB; the limit while a limited runs is 100 MB" in grower.outgrown.message
    assert grower.outgrown.data == {"held_bytes": 230 * MB, "limit_bytes": 100 * MB}


def test_a_task_without_a_limit_is_never_stopped() -> None:
    watching, running = watch(), [execution("free")]

    assert watching.find_outgrown(running, 5000 * MB, 1) is None


def test_of_several_the_youngest_is_stopped_and_no_other_before_it_has_ended() -> None:
    watching, old, young = watch(), execution(started=1), execution(started=2)
    running = [old, young]

    assert watching.find_outgrown(running, 200 * MB, 3) is young
    assert watching.find_outgrown(running, 200 * MB, 4) is None
    assert old.outgrown is None


def test_memory_gets_a_moment_to_come_back_before_the_next_is_stopped() -> None:
    watching, old, young = watch(), execution(started=1), execution(started=2)
    watching.find_outgrown([old, young], 200 * MB, 3)

    assert watching.find_outgrown([old], 200 * MB, 4.0) is None
    assert watching.find_outgrown([old], 200 * MB, 4.9) is None
    assert watching.find_outgrown([old], 200 * MB, 5.1) is old


def test_a_task_is_not_stopped_for_what_the_process_held_before_it_began() -> None:
    watching, grower = watch(), execution()
    watching.find_outgrown([execution("free")], 500 * MB, 0)

    assert watching.find_outgrown([grower], 505 * MB, 1) is None
    assert watching.find_outgrown([grower], 511 * MB, 2) is grower


def test_what_a_task_takes_before_the_first_look_is_held_against_it() -> None:
    watching, grower = watch(), execution()

    assert watching.find_outgrown([grower], 511 * MB, 1) is grower


def test_the_memory_of_this_process_is_what_it_holds() -> None:
    gc.collect()  # what other tests left behind goes before, not between
    before = rss_bytes()
    held = os.urandom(1) * 200 * MB

    after = rss_bytes()

    assert before is not None
    assert after is not None
    assert after - before > 100 * MB
    assert len(held) == 200 * MB

"""Schedulers are killed and frozen while schedules of a second are due: each instant is fired once, or made up for."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Sequence
from functools import partial
from itertools import product

import pytest

from entrepot import clock
from entrepot.models import Database
from entrepot.schedules import ScheduleReport, outcomes

from . import effects
from .instants import SECOND, Fires, badly_counted, badly_numbered, fired_for_the_past, left_due, missed, read_fires
from .plan import Campaign, Fault, campaigns
from .process import Process, wait_for
from .stage import Stage

#: Schedules of the test with three schedulers, and seconds for which they run. `make soak` takes the minute.
MANY = 1000
LENGTH = 60 if os.environ.get("ENTREPOT_SOAK") else 10
#: Seconds for which two of the three go on together, before one of them is killed; less than the third is frozen for.
LENGTH_OF_TWO = 2
#: Schedules of each kind in the campaigns.
SOME = 5


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("database_kind", "campaign"),
    [(each.database, each) for each in campaigns("schedules")],
    indirect=["database_kind"],
    ids=str,
)
def test_killed_and_frozen_schedulers_fire_each_instant_once_and_count_each_end_once(stage: Stage, campaign: Campaign) -> None:
    chance = random.Random(campaign.seed)
    plant(stage, chance)
    worker = stage.start_worker(threads=4)

    for fault in campaign.faults:
        scheduler = stage.start("scheduler", armed=fault.armed(chance))
        if fault.deed == "frozen":
            wait_for(partial(fires, scheduler), "something was due", scheduler.said)
            stage.freeze(scheduler.pid, scheduler)
            stage.note(fault.label)
        else:
            stage.await_kill(scheduler, fault, lambda: None, chance, partial(fires, scheduler))
        assert badly_numbered(read_fires(stage)) == []
        assert stage.standing() == []
        stop(stage.thawed())
    stop(stage.thawed(wait=True))
    scheduler = stage.start("scheduler")
    wait_for(partial(fires, scheduler), "something was due", scheduler.said)
    wait_for(lambda: disabled(stage) == 2 * SOME, "those that end by themselves have ended", scheduler.said)
    scheduler.stop()
    wait_for(lambda: stage.unfinished() == 0, "every task has ended, and none ends during the last round", worker.said)
    wait_for(lambda: left_due(read_fires(stage), clock.now_us()), "something is due for the last round")

    assert made_up_for(stage) == []
    stage.engine.database.execute("UPDATE schedule SET next_run = NULL")
    wait_for(lambda: stage.unfinished() == 0, "every task has ended", worker.said)
    stage.engine.schedules.go_round()
    worker.stop()
    ended = read_fires(stage)
    assert badly_counted(ended) == []
    assert stage.rows("SELECT count(*) FROM scheduled_run") == [(0,)]
    assert [each.total_run_count for each in ended if each.remaining_runs is not None] == [3] * SOME
    assert [each.total_run_count for each in ended if not each.is_enabled and each.remaining_runs is None] == [2] * SOME
    assert stage.blunders() == []


@pytest.mark.timeout(300)
def test_of_three_schedulers_one_is_frozen_and_one_killed_and_no_instant_is_fired_twice_or_missed(stage: Stage) -> None:
    with stage.engine.transaction():
        for _ in range(MANY):
            stage.engine.schedules.create_task("PT1S", effects.scheduled, [0], overlap="queue")
    schedulers = [stage.start("scheduler") for _ in range(3)]
    frozen, killed, steady = schedulers
    wait_for(lambda: all(fires(each) for each in schedulers), "each has fired some", stage.said)
    begun = time.monotonic()

    stage.freeze(frozen.pid, frozen)
    stage.note(Fault("schedules", victim="scheduler", deed="frozen").label)
    killed.has_ended(within=LENGTH_OF_TWO)
    killed.kill()
    stage.note(Fault("schedules", victim="scheduler").label)
    alone = clock.now_us()
    stage.thawed(wait=True)
    alone_until = clock.now_us()
    steady.has_ended(within=begun + LENGTH - time.monotonic())
    stop([frozen, steady])

    assert made_up_for(stage) == []
    schedules = read_fires(stage)
    assert any(alone < run.fired_at < alone_until for schedule in schedules for run in schedule.runs)
    assert all(len(schedule.runs) > 1 for schedule in schedules)
    assert stage.rows("SELECT count(*) FROM scheduled_run") == [(sum(len(schedule.runs) for schedule in schedules),)]
    assert stage.blunders() == []
    print(figures(schedules))  # for who runs it by hand, with -s


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("end", "fired"), [("finished", [0, 1]), ("error", [0, 0])])
def test_a_schedule_whose_run_ends_during_a_round_is_fired_by_the_next_unless_that_end_disables_it(
    stage: Stage, end: str, fired: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    schedules, count_ended = stage.engine.schedules, outcomes.count_ended
    schedules.create_task("PT1H", effects.scheduled, [0], overlap="queue", failure_threshold=1)
    schedules.go_round()
    stage.engine.database.execute("UPDATE schedule SET next_run = first_run")  # it is due again

    def count_too_early(database: Database) -> int:
        count = count_ended(database)
        database.execute("UPDATE task SET state = ?, finished_at = 1", (end,))
        return count

    with monkeypatch.context() as patch:
        patch.setattr(outcomes, "count_ended", count_too_early)
        counts = [schedules.go_round()]
    counts.append(schedules.go_round())

    assert counts == fired
    assert stage.rows("SELECT count(*) FROM schedule WHERE enabled") == [(sum(fired),)]


def plant(stage: Stage, chance: random.Random) -> None:
    """Make schedules of every kind: endless ones that end well or fail, some of three runs, some that two failures disable."""
    create, schedules = stage.engine.schedules.create_task, list[ScheduleReport]()
    for overlap, error in product(("queue", "coalesce"), (None, "as this task does")):
        schedules += [create("PT1S", effects.scheduled, [chance.randint(0, 300), error], overlap=overlap) for _ in range(SOME)]
    schedules += [create("R3/PT1S", effects.scheduled, [0], overlap="queue") for _ in range(SOME)]
    schedules += [create("PT1S", effects.scheduled, [0, "always"], failure_threshold=2) for _ in range(SOME)]


def disabled(stage: Stage) -> int:
    """Return how many schedules have no run left."""
    return int(stage.rows("SELECT count(*) FROM schedule WHERE NOT enabled")[0][0])


def fires(scheduler: Process) -> bool:
    """Return True if this scheduler has fired something, and said so."""
    return "schedules: " in scheduler.said()


def stop(schedulers: Sequence[Process]) -> None:
    """Stop them as their user does."""
    for scheduler in schedulers:
        scheduler.stop()


def made_up_for(stage: Stage) -> list[str]:
    """Make a last round, during which no run may end, and return what broke a promise."""
    moment = clock.now_us()
    stage.engine.schedules.go_round()
    schedules, offset = read_fires(stage), clock.now_us() - time.monotonic() * SECOND
    freezes = [(int(since * SECOND + offset), int(until * SECOND + offset)) for _, since, until in stage.disturbances.freezes]
    return [
        *badly_numbered(schedules),
        *missed(schedules),
        *fired_for_the_past(schedules, freezes),
        *left_due(schedules, moment),
    ]


def figures(schedules: Sequence[Fires]) -> str:
    """Say how many instants there were, how many were fired, and how late; the first waited for the schedulers to start."""
    runs = [run for schedule in schedules for run in schedule.runs]
    late = sorted((run.fired_at - run.instant) / SECOND for run in runs if run.number > 1)
    instants = sum(max(run.instant for run in each.runs) - each.first_run for each in schedules) // SECOND + len(schedules)
    middle, most, last = late[len(late) // 2], late[len(late) * 99 // 100], late[-1]
    return (
        f"{instants} instants of {len(schedules)} schedules: {len(runs)} fired, {instants - len(runs)} made up for by those; "
        f"late by {middle:.2f} s in the middle, {most:.2f} s at 99 %, {last:.2f} s at most"
    )

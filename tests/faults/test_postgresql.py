"""PostgreSQL ends sessions, or ends itself, while tasks come and go: what was acknowledged is there, and runs."""

from __future__ import annotations

import random
import time

import pytest

from entrepot import TaskHandle

from .effects import TRACE, patient, repeatable
from .plan import Campaign, campaigns
from .process import wait_for
from .servers import PostgresqlServer, end_sessions
from .stage import Stage
from .test_redis import go_on
from .trace import Run, read_trace
from .traffic import Traffic


@pytest.mark.timeout(300)
@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
@pytest.mark.parametrize("campaign", campaigns("sessions"), ids=str)
def test_ended_sessions_lose_and_double_no_task(stage: Stage, campaign: Campaign) -> None:
    chance = random.Random(campaign.seed)
    traffic = Traffic(stage, chance)

    with stage.supervised("--processes", "2", "--threads", "2"):
        for fault in campaign.faults:
            go_on(stage, traffic, chance.randint(1, 20))
            limit = 1 if fault.victim == "session" else None
            wait_for(lambda limit=limit: end_sessions(stage.engine.database.url, limit=limit), "a session was ended")
            stage.note(fault.label)
            go_on(stage, traffic, 10)
            traffic.note_finished()
            assert stage.standing() == []
        traffic.wait_until_all_ended()

    assert [request for request in traffic.requests if request.returned is None] == []
    assert traffic.findings() == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("campaign", campaigns("crashes"), ids=str)
def test_after_a_crash_of_postgresql_what_was_acknowledged_runs(
    mortal_stage: Stage, mortal_postgresql: PostgresqlServer, campaign: Campaign
) -> None:
    stage, chance = mortal_stage, random.Random(campaign.seed)
    traffic = Traffic(stage, chance)

    with stage.supervised("--processes", "2", "--threads", "2"):
        for fault in campaign.faults:
            go_on(stage, traffic, chance.randint(1, 30))
            told = time.monotonic()
            mortal_postgresql.crash()
            stage.disturbances.crashes.append((told, time.monotonic()))
            traffic.forget_unflushed(told)
            traffic.enqueue()  # there is nobody to keep it
            mortal_postgresql.start()
            stage.note(fault.label)
            go_on(stage, traffic, 10)
            traffic.note_finished()
            assert stage.standing() == []
        traffic.wait_until_all_ended()

    assert traffic.findings() == []


def test_what_was_acknowledged_at_the_last_moment_outlives_a_crash(
    mortal_stage: Stage, mortal_postgresql: PostgresqlServer
) -> None:
    stage = mortal_stage
    mortal_postgresql.configure(wal_writer_delay="10s")  # so that nothing is flushed by the way
    alone = stage.engine.enqueue(repeatable, 1, ["line:1"], 0)
    with stage.engine.transaction():
        together = [stage.engine.enqueue(repeatable, number, ["line:1"], 0) for number in (2, 3)]

    mortal_postgresql.crash()
    mortal_postgresql.start()

    mortal_postgresql.configure(wal_writer_delay="200ms")
    stage.note("PostgreSQL restarted at once, at random")
    with stage.supervised():
        wait_for(lambda: stage.unfinished() == 0, "every task has ended", stage.said)
    assert [handle.state for handle in (alone, *together)] == ["finished"] * 3
    assert [run.number for run in read_trace(stage.folder / TRACE).runs] == [1, 2, 3]


def test_a_worker_that_claims_again_what_a_crash_made_forgotten_runs_it_to_its_end(
    mortal_stage: Stage, mortal_postgresql: PostgresqlServer
) -> None:
    stage, runs = mortal_stage, list[Run]()
    worker = stage.start_worker()
    wait_for(lambda: stage.is_at_work(worker), "the worker is at work", worker.said)

    for number in range(1, 20, 2):  # as a rule the first claim is forgotten; it may have been flushed with something else
        mortal_postgresql.configure(wal_writer_delay="10s")
        handle = stage.engine.enqueue(patient, number, ["line:1"], 4000)
        behind = stage.engine.enqueue(repeatable, number + 1, ["line:1"], 0)
        wait_for(lambda handle=handle: runs_of(stage, handle), "the task has begun", worker.said)
        mortal_postgresql.crash()
        mortal_postgresql.start()
        mortal_postgresql.configure(wal_writer_delay="200ms")
        stage.note("PostgreSQL restarted at once, at random")
        wait_for(lambda: stage.unfinished() == 0, "every task has ended", stage.said)
        runs = runs_of(stage, handle)
        if len(runs) > 1 and not runs[0].is_whole:
            break

    worker.stop()
    assert [(run.attempt, run.is_whole) for run in runs] == [(1, False), (1, True)]
    assert runs_of(stage, behind)[0].start > (runs[1].end or 0)
    assert (handle.state, handle.report().result) == ("finished", 1)
    assert stage.blunders() == []


def runs_of(stage: Stage, handle: TaskHandle) -> list[Run]:
    """Return the runs of a task that have begun."""
    return read_trace(stage.folder / TRACE).of(handle.task_id)

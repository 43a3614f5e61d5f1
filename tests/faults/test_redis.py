"""Redis is restarted, emptied, away, and does not answer, while tasks come and go: it costs time, and nothing else."""

from __future__ import annotations

import random
import threading
import time

import pytest

from .effects import repeatable
from .plan import Campaign, Fault, campaigns, is_in_earnest
from .process import wait_for
from .servers import RedisServer
from .stage import Stage
from .traffic import Traffic

#: Seconds for which Redis is away in a campaign, and for which it does not answer.
AWAY_SECONDS, FROZEN_SECONDS = 1.0, 1.5
#: Seconds for which it is away once in a run.
LONG_AWAY_SECONDS = 30.0 if is_in_earnest() else 3.0
#: Seconds in which a task runs although nothing rings: workers look for themselves once a second, on a busy machine later.
WITHOUT_BELLS_SECONDS = 10.0

pytestmark = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("campaign", campaigns("redis"), ids=str)
def test_whatever_happens_to_redis_the_tasks_go_on(stage: Stage, redis_server: RedisServer, campaign: Campaign) -> None:
    chance = random.Random(campaign.seed)
    traffic = Traffic(stage, chance)

    with stage.supervised("--processes", "2", "--threads", "2"):
        for fault in campaign.faults:
            go_on(stage, traffic, chance.randint(1, 20))
            strike(redis_server, fault, lambda: go_on(stage, traffic, 20))
            stage.note(fault.label)
            go_on(stage, traffic, 20)
            traffic.note_finished()
            assert stage.standing() == []
        traffic.wait_until_all_ended()

    assert traffic.findings() == []


def test_redis_may_be_away_for_long(stage: Stage, redis_server: RedisServer) -> None:
    with stage.supervised("--processes", "1", "--threads", "2") as supervisor:
        first = stage.engine.enqueue(repeatable, 1, [], 0)
        wait_for(lambda: first.report().is_final, "the first task has ended", supervisor.said)

        redis_server.kill()
        until, number, slowest = time.monotonic() + LONG_AWAY_SECONDS, 1, 0.0
        while time.monotonic() < until:
            number, called = number + 1, time.monotonic()
            handle = stage.engine.enqueue(repeatable, number, ["line:1"], 0)
            wait_for(lambda handle=handle: handle.report().is_final, "a task has ended without Redis", supervisor.said)
            slowest = max(slowest, time.monotonic() - called)
        redis_server.start()

        stage.note(Fault("redis", victim="Redis", deed="away").label)
        wait_for(lambda: is_heard(stage, redis_server), "the worker hears bells again", supervisor.said)
    assert number > 2
    assert slowest < WITHOUT_BELLS_SECONDS
    assert {state for (state,) in stage.rows("SELECT state FROM task")} == {"finished"}


def is_heard(stage: Stage, server: RedisServer) -> bool:
    """Ring for another task, and return True if by now two have spoken to Redis: who rings, and who takes the messages."""
    handle = stage.engine.enqueue(repeatable, 0, [], 0)
    wait_for(lambda: handle.report().is_final, "a task has ended", stage.said)
    return int(server.client.zcard(f"{stage.engine.settings.broker_prefix}:__heartbeats__")) >= 2


def go_on(stage: Stage, traffic: Traffic, count: int) -> None:
    """Let so many tasks end."""
    query = "SELECT count(*) FROM task WHERE finished_at IS NOT NULL"
    enough = stage.rows(query)[0][0] + count

    def have_ended() -> bool:
        traffic.top_up()
        return int(stage.rows(query)[0][0]) >= enough

    wait_for(have_ended, f"{count} more tasks have ended", stage.said)


def strike(server: RedisServer, fault: Fault, meanwhile) -> None:
    """Do to Redis what `fault` says; `meanwhile` is called while it is away."""
    match fault.deed:
        case "restarted":
            server.kill()
            server.start()
        case "emptied":
            server.empty()
        case "away":
            server.kill()
            until = time.monotonic() + AWAY_SECONDS
            while time.monotonic() < until:
                meanwhile()
            server.start()
        case "frozen":
            thawing = threading.Timer(FROZEN_SECONDS, server.thaw)
            server.freeze()
            thawing.start()
            meanwhile()
            thawing.join()

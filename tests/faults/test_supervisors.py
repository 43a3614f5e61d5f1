"""Supervisors are killed, and workers under them: nobody is left behind, and the next supervisor completes everything."""

from __future__ import annotations

import os
import random
import signal
import socket
import urllib.request
from collections.abc import Iterator

import pytest

from .plan import Campaign, Fault, campaigns
from .process import Process, children_of, wait_for, wait_until_gone
from .servers import free_port
from .stage import Stage
from .traffic import Traffic, unfinished_tasks
from .warehouse import Warehouse


@pytest.fixture
def warehouse(stage: Stage) -> Iterator[Warehouse]:
    """A repository with its feed."""
    made = Warehouse(stage, random.Random(11), repositories=1)
    yield made
    made.close()


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("database_kind", "campaign"),
    [(each.database, each) for each in campaigns("supervisors")],
    indirect=["database_kind"],
    ids=str,
)
def test_killed_and_frozen_supervisors_leave_nobody_behind_and_the_next_completes_everything(
    stage: Stage, warehouse: Warehouse, campaign: Campaign
) -> None:
    chance = random.Random(campaign.seed)
    traffic = Traffic(stage, chance)
    supervisor = start(stage)

    for fault in campaign.faults:
        traffic.top_up()
        warehouse.change_and_sync()
        wait_for(lambda current=supervisor: stage.workers_of(current), "workers have signed on", supervisor.said)
        supervisor.has_ended(within=chance.uniform(0, 0.4))
        if fault.deed == "frozen":
            pid = supervisor.pid if fault.victim == "supervisor" else chance.choice(sorted(stage.workers_of(supervisor)))
            stage.freeze(pid)
            stage.thawed(wait=True)
        elif fault.victim == "supervisor":
            kill_with_children(supervisor)
            supervisor = start(stage)
        else:
            kill_worker(stage, supervisor, chance)
        stage.note(fault.label)
        assert stage.standing() == []
        assert warehouse.badly_published() == []
        traffic.note_finished()
    wait_for(lambda: stage.unfinished() == 0, "every task has ended", lambda: unfinished_tasks(stage))
    warehouse.sync(warehouse.feeds[0])
    wait_for(lambda: stage.unfinished() == 0, "every task has ended", lambda: unfinished_tasks(stage))
    supervisor.stop()

    assert traffic.findings() == []
    assert warehouse.behind() == []
    assert warehouse.findings() == []


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_killed_serve_frees_its_port_and_the_next_one_finishes_the_sync_and_serves_it(
    stage: Stage, warehouse: Warehouse
) -> None:
    port = free_port()
    command = ("serve", "--port", str(port), "--processes", "1")
    first = stage.start(*command)
    wait_for(lambda: stage.workers_of(first) and answers(port), "the engine serves", first.said)
    handle = warehouse.change_and_sync()
    wait_for(lambda: handle.state != "waiting", "the sync has begun", first.said)

    kill_with_children(first)
    stage.note(Fault("supervisors", victim="supervisor").label)
    second = stage.start(*command)

    wait_for(lambda: stage.unfinished() == 0, "every task has ended", second.said)
    wait_for(lambda: answers(port), "the engine serves again", second.said)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/content/repo-0/PULP_MANIFEST", timeout=10) as answer:
        served = answer.read()
    second.stop()
    assert served == warehouse.feeds[0].read("PULP_MANIFEST")
    assert warehouse.findings() == []


def start(stage: Stage) -> Process:
    """Start a supervisor of two workers."""
    return stage.start("worker", "--processes", "2", "--threads", "2")


def kill_with_children(supervisor: Process) -> None:
    """Kill a supervisor, and see its children stop by themselves."""
    children = children_of(supervisor.pid)
    supervisor.kill()
    assert children
    wait_until_gone(children)


def kill_worker(stage: Stage, supervisor: Process, chance: random.Random) -> None:
    """Kill one worker of a supervisor, and wait until another one has taken its place."""
    before = stage.workers_of(supervisor)
    os.kill(chance.choice(sorted(before)), signal.SIGKILL)
    wait_for(lambda: stage.workers_of(supervisor) - before, "a new worker has signed on", supervisor.said)


def answers(port: int) -> bool:
    """Return True if something listens there."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0

"""Task types for these tests, and workers in threads of this process."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

import entrepot
from entrepot import clock
from entrepot.engine import Engine
from entrepot.models import Database
from entrepot.settings import Settings
from entrepot.tasking import due
from entrepot.tasking.delivery import Bell
from entrepot.tasking.lease import Claim, claim
from entrepot.tasking.worker import Worker

LEASE = timedelta(seconds=30)
HOUR = timedelta(hours=1)


@entrepot.task(resources=lambda *names: names, tags=lambda *names: [f"on:{name}" for name in names])
def hold(*names: str) -> None:
    """Reserve `names` exclusively and do nothing."""


@entrepot.task(resources=lambda *names: [entrepot.Shared(name) for name in names])
def read(*names: str) -> None:
    """Reserve `names` shared and do nothing."""


@entrepot.task
def echo(value: object) -> object:
    """Return what is given."""
    return value


@entrepot.task(idempotent=True, resources=["bell"])
def repeatable() -> None:
    """Do nothing, as often as one likes."""


@entrepot.task
def fail(text: str) -> None:
    """Raise."""
    raise ValueError(text)


@entrepot.task
def fail_unprintably() -> None:
    """Raise an error whose text no database can keep as it is."""
    raise ValueError("lone surrogate \udcff and NUL \x00")


@entrepot.task
def leave() -> None:
    """Call sys.exit, as library code sometimes does."""
    sys.exit(3)


@entrepot.task
def spawn_two() -> None:
    """Enqueue two children."""
    context = entrepot.current_task()
    context.spawn(echo, 1)
    context.spawn(echo, 2)


class Gate:
    """Lets a test know that a task has begun, and the task wait for the test."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.open = threading.Event()


GATES: dict[str, Gate] = {}


@entrepot.task(resources=lambda name: [name])
def wait_cooperatively(name: str) -> None:
    """Wait for the gate, at checkpoints."""
    gate = GATES[name]
    gate.begun.set()
    while not gate.open.is_set():
        entrepot.checkpoint()
        gate.open.wait(0.005)


@entrepot.task(resources=lambda name: [name])
def wait_stubbornly(name: str) -> None:
    """Wait for the gate without checkpoints, in Python."""
    gate = GATES[name]
    gate.begun.set()
    while not gate.open.is_set():
        gate.open.wait(0.005)


@entrepot.task(timeout=0.1)
def overrun(name: str) -> None:
    """Run into the time limit."""
    wait_stubbornly(name)


@pytest.fixture
def gate() -> Iterator[Gate]:
    """A gate called "gate"."""
    GATES["gate"] = made = Gate()
    yield made
    made.open.set()
    del GATES["gate"]


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    """An engine on each database."""
    with Engine(settings=settings) as made:
        made.initialise()
        yield made


@pytest.fixture
def worker(engine: Engine) -> Iterator[Worker]:
    """A worker with four threads in this process, on short leases and little patience."""
    settings = engine.settings.model_copy(update={"cancel_patience_seconds": 0.1, "beat_seconds": 0.2})
    given_up = threading.Event()
    made = Worker(engine.tasks, settings, name="worker@test", threads=4, give_up=given_up.set)
    made.start()
    yield made
    assert made.drain(timedelta(seconds=20))
    assert not given_up.is_set()


def take(database: Database, owner: str = "owner", limit: int = 10) -> list[Claim]:
    """Claim what is ready, as a worker would."""
    with database.transaction():
        return claim(database, owner, limit=limit, lease=LEASE)


def ready_ids(engine: Engine) -> list[str]:
    """The tasks that could be claimed, by age."""
    rows = engine.database.rows("SELECT task_id FROM task WHERE state = 'waiting' AND ready_at IS NOT NULL ORDER BY id")
    return [task_id for (task_id,) in rows]


def let_time_pass(engine: Engine) -> None:
    """Let the moment that a task waits for lie in the past, if it is no more than two hours ahead."""
    query = "UPDATE task SET not_before = not_before - ? WHERE not_before IS NOT NULL"
    engine.database.execute(query, (clock.us(2 * HOUR),))


def come_due(engine: Engine, bells: list[Bell] | None = None) -> int:
    """Let time pass, and make due what is."""
    let_time_pass(engine)
    return due.make_due(engine.database, (bells if bells is not None else []).extend)


def eventually(condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait until `condition` holds; fail if it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.005)


def is_waited_for(engine: Engine) -> bool:
    """Whether another connection waits for this one's transaction; on SQLite nothing tells."""
    if engine.database.serialises_writers:
        return True
    query = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
    return engine.database.row(query) != (0,)


@entrepot.task(queue="apart")
def on_its_own_queue(value: object) -> object:
    """Return what is given, run by workers of the queue `apart`."""
    return value

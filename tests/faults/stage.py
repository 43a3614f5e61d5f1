"""Where the faults happen: one engine, the processes that work for it, and the book of faults.

Processes are started as users and supervisors start them, but for the many workers that are to be killed, which are forked
(`nursery`); what they print goes to files beside the data.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from entrepot.engine import Engine
from entrepot.errors import DatabaseUnavailable
from entrepot.models import Row

from .effects import FOLDER, LIMIT
from .nursery import Nursery
from .plan import Fault
from .process import PATIENCE, Process, started, wait_for
from .servers import RedisServer
from .trace import Disturbances

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
#: Short, so that a dead worker's tasks are soon handed on; a beat is missed ten times before a lease runs out. No exception
#: is raised in a task's thread: it might hit the trace.
SETTINGS: dict[str, object] = {
    "lease_seconds": 3,
    "beat_seconds": 0.3,
    "rescue_limit": 1000,
    "fetch_retries": 0,
    "drain_seconds": 20,
    "cancel_patience_seconds": 600,
    "cancel_grace_seconds": 1200,
    "concurrency_limits": {"effects.limited": LIMIT},
}
_TABLES = {
    "sqlite": "CREATE TABLE written (id INTEGER PRIMARY KEY AUTOINCREMENT, task TEXT NOT NULL, attempt INTEGER NOT NULL)",
    "postgresql": "CREATE TABLE written (id BIGSERIAL PRIMARY KEY, task TEXT NOT NULL, attempt INTEGER NOT NULL)",
}
_HELD_BY_THE_ENDED = """
SELECT resource, reservation.task FROM reservation LEFT JOIN task ON task.id = reservation.task
WHERE task.id IS NULL OR task.finished_at IS NOT NULL
"""
_HELD_BY_TWO = """
SELECT one.resource, one.task, two.task FROM reservation AS one
JOIN reservation AS two ON two.resource = one.resource AND two.task > one.task AND (one.exclusive OR two.exclusive)
JOIN task AS first ON first.id = one.task AND first.owner IS NOT NULL
JOIN task AS second ON second.id = two.task AND second.owner IS NOT NULL
"""


class Stage:
    """One engine and its processes."""

    def __init__(
        self, engine: Engine, folder: Path, book: Path, redis: RedisServer | None = None, nursery: Nursery | None = None
    ) -> None:
        self.engine = engine
        self.folder = folder
        self.redis = redis
        self.disturbances = Disturbances()
        self._book = book
        self._nursery = nursery
        self._processes: list[Process] = []
        self._freezes: list[tuple[Process | None, threading.Timer]] = []
        self._numbers = itertools.count(1)
        engine.database.execute(_TABLES[engine.database.dialect])

    @property
    def environment(self) -> dict[str, str]:
        """The settings of this engine for its processes."""
        settings = self.engine.settings
        return {
            **os.environ,
            "ENTREPOT_DATA_DIR": str(settings.data_dir),
            "ENTREPOT_DATABASE_URL": settings.effective_database_url,
            "ENTREPOT_BROKER_URL": settings.broker_url,
            "ENTREPOT_TASK_MODULES": '["effects"]',
            **{f"ENTREPOT_{name.upper()}": _as_text(getattr(settings, name)) for name in SETTINGS},
            "PYTHONPATH": os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH"), str(ROOT)])),
            FOLDER: str(self.folder),
        }

    def start(self, *arguments: str, name: str | None = None, armed: str = "", **settings: str) -> Process:
        """Start `python -m entrepot …`; `armed`: a failpoint; `settings`: in place of the stage's own."""
        return self.start_program("-m", "entrepot", *arguments, name=name, armed=armed, **settings)

    def start_program(self, *arguments: str, name: str | None = None, armed: str = "", **settings: str) -> Process:
        """Start a Python program."""
        name = name or f"process {next(self._numbers)}"
        log = self.folder / f"{name}.log"
        return self._keep(Process(name, log, started([sys.executable, *arguments], self._environment(armed, settings), log)))

    def start_worker(self, *, armed: str = "", threads: int = 2, **settings: str) -> Process:
        """Start one worker process without a supervisor; from the nursery if there is one, for so many are started."""
        name = f"victim-{next(self._numbers)}"
        arguments = ("worker-process", "--name", name, "--threads", str(threads))
        if self._nursery is None:
            return self.start(*arguments, name=name, armed=armed, **settings)
        log = self.folder / f"{name}.log"
        return self._keep(Process(name, log, self._nursery.start(arguments, self._environment(armed, settings), log)))

    def _environment(self, armed: str, settings: dict[str, str]) -> dict[str, str]:
        environment = {**self.environment, **{f"ENTREPOT_{key.upper()}": value for key, value in settings.items()}}
        return {**environment, "ENTREPOT_FAILPOINTS": armed} if armed else environment

    def _keep(self, process: Process) -> Process:
        self._processes.append(process)
        return process

    @contextmanager
    def supervised(self, *arguments: str) -> Iterator[Process]:
        """Run `entrepot worker` during the block, and stop it as its user does."""
        supervisor = self.start("worker", *(arguments or ("--processes", "1", "--threads", "2")))
        yield supervisor
        wait_for(lambda: self.workers_of(supervisor) or supervisor.has_ended(), "it has started", supervisor.said)
        supervisor.stop()

    def await_kill(
        self,
        process: Process,
        fault: Fault,
        meanwhile: Callable[[], None],
        chance: Random,
        is_at_work: Callable[[], object] | None = None,
    ) -> None:
        """Wait until `process` dies at the point of `fault`, or kill it at a random moment of its work, and note it.

        `meanwhile` is called again and again, and gives the process something to do. It is at work when `is_at_work` says so;
        a worker, when it has signed on.
        """
        deadline = time.monotonic() + PATIENCE
        if fault.point is None:
            meanwhile()
            if chance.random() < 0.75:  # else at a random moment of its start
                wait_for(is_at_work or (lambda: self.is_at_work(process)), f"{process.name} is at work", process.said)
            process.has_ended(within=chance.uniform(0, 0.4))
            process.kill()
        while not process.has_ended(within=0.02):
            assert time.monotonic() < deadline, f"{process.name} never reached {fault.point}\n{process.said()}"
            meanwhile()
        assert process.was_killed, f"{process.name} was to be {fault.label}, and ended otherwise\n{process.said()}"
        self.note(fault.label)

    def is_at_work(self, process: Process) -> bool:
        """Return True if the worker of this name has signed on."""
        return any(worker.name == process.name for worker in self.engine.workers())

    def hand_on(self, victim: Process, chance: Random) -> None:
        """Take the dead worker's tasks from it: at once, as its supervisor would, or when the lease has run out."""
        if chance.random() < 0.75:
            self.engine.worker_lost(victim.name)

    def freeze(self, pid: int, process: Process | None = None) -> None:
        """SIGSTOP a process for twice a lease; with SQLite at a moment at which it does not hold up all others."""
        os.kill(pid, signal.SIGSTOP)
        while not self._can_write():
            os.kill(pid, signal.SIGCONT)
            time.sleep(0.001)  # time for it to get on, not for anything to come true
            os.kill(pid, signal.SIGSTOP)
        # In a thread of its own: whoever waits for what the frozen one holds, the test among them, goes on then.
        thawing = threading.Timer(2 * self.engine.settings.lease_seconds, self._thaw, (pid, time.monotonic()))
        self._freezes.append((process, thawing))
        thawing.start()

    def thawed(self, *, wait: bool = False) -> list[Process]:
        """Return the processes that go on again since the last call; with `wait` all that were frozen, when they do."""
        found = []
        for process, thawing in list(self._freezes):
            if wait:
                thawing.join()
            if not thawing.is_alive():
                self._freezes.remove((process, thawing))
                found += [process] if process else []
        return found

    def _thaw(self, pid: int, since: float) -> None:
        with contextlib.suppress(ProcessLookupError):  # it was killed meanwhile
            os.kill(pid, signal.SIGCONT)
        self.disturbances.freezes.append((pid, since, time.monotonic()))

    def note(self, label: str, times: int = 1) -> None:
        """Write a fault that has happened into the book."""
        with self._book.open("a") as book:
            book.write(f"{label}\n" * times)

    def has_work(self) -> bool:
        """Return True if a task could be claimed, or is run by a worker whose lease holds."""
        now = self.engine.database.lease_now_us()
        query = "SELECT 1 FROM task WHERE (state = 'waiting' AND ready_at IS NOT NULL) OR lease_until > ? LIMIT 1"
        return self.engine.database.row(query, (now,)) is not None

    def workers_of(self, supervisor: Process) -> set[int]:
        """Return the process ids of the workers that this supervisor has started and that have signed on."""
        return {worker.pid for worker in self.engine.workers() if f"-{supervisor.pid}." in worker.name}

    def unfinished(self) -> int:
        """Return how many tasks have not ended."""
        return int(self.rows("SELECT count(*) FROM task WHERE finished_at IS NULL")[0][0])

    def rows(self, query: str) -> list[Row]:
        """Return the rows of a query; asked again while the database is away."""
        found: list[list[Row]] = []

        def ask() -> bool:
            try:
                found.append(self.engine.database.rows(query))
            except DatabaseUnavailable:
                return False
            return True

        wait_for(ask, "the database answers")
        return found[0]

    def standing(self) -> list[str]:
        """Find what may not be at any moment: the ended that hold something, two on one resource, bells without a row."""
        found = [
            f"{resource} is reserved by {task}, which has ended or never was"
            for resource, task in self.rows(_HELD_BY_THE_ENDED)
        ]
        found += [f"{resource} is had by {one} and by {two}" for resource, one, two in self.rows(_HELD_BY_TWO)]
        rung = self.bells()
        kept = {task_id for (task_id,) in self.rows("SELECT task_id FROM task")} if rung else set()
        return [*found, *(f"Redis rings for {task_id}, which does not exist" for task_id in sorted(rung - kept))]

    def bells(self) -> set[str]:
        """Return the tasks whose messages lie in Redis now."""
        if self.redis is None:
            return set()
        client, prefix = self.redis.client, self.engine.settings.broker_prefix
        messages = [data for key in client.keys(f"{prefix}:*.msgs") for data in client.hvals(key)]
        return {json.loads(data)["args"][0] for data in messages}

    def blunders(self) -> list[str]:
        """Find what processes say of exceptions that nobody expected."""
        return [
            f"{process.name}: {line}"
            for process in self._processes
            for line in process.log.read_text(errors="replace").splitlines()
            if "unhandled exception" in line
        ]

    def said(self) -> str:
        """Return the last of what each process printed."""
        return "\n".join(f"{process.name}: {process.said()}" for process in self._processes)

    def close(self) -> None:
        """Leave no process behind."""
        for _, thawing in self._freezes:
            thawing.cancel()
        for process in self._processes:
            process.close()

    def _can_write(self) -> bool:
        """Return True unless somebody holds up every writer."""
        if self.engine.database.dialect != "sqlite":
            return True
        path = self.engine.settings.effective_database_url.removeprefix("sqlite:///")
        connection = sqlite3.connect(path, timeout=0.5, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        except sqlite3.OperationalError:
            return False
        finally:
            connection.close()
        return True


def _as_text(value: object) -> str:
    return json.dumps(value) if isinstance(value, dict) else str(value)

"""Where the kills happen: one engine, the processes that work for it, and the book of kills.

Processes are started as users and supervisors start them; what they print goes to files beside the data.
"""

from __future__ import annotations

import itertools
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from entrepot.engine import Engine

from .effects import FOLDER
from .plan import Kill

HERE = Path(__file__).parent
#: Seconds in which whatever is awaited comes true, or never.
PATIENCE = 60.0
#: Short, so that a dead worker's tasks are soon handed on; a beat is missed ten times before a lease runs out.
SETTINGS = {"lease_seconds": 3, "beat_seconds": 0.3, "rescue_limit": 1000, "fetch_retries": 0, "drain_seconds": 20}


class Process:
    """A process of the engine, child of the test; its standard input stays open until it is told to stop."""

    def __init__(self, name: str, command: Sequence[str], environment: dict[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command, env=environment, stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True
            )
        self.pid = self._process.pid

    def has_ended(self, within: float = 0.0) -> bool:
        """Return True if it has ended, or does within so many seconds."""
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        """SIGKILL it, and wait until it is dead."""
        self._process.kill()
        self._process.wait()

    @property
    def was_killed(self) -> bool:
        """True if SIGKILL ended it, its own or the test's."""
        return self._process.poll() == -signal.SIGKILL

    def stop(self) -> None:
        """Ask it to stop as its user does, and wait; it must not fail."""
        self._process.terminate()
        assert self.has_ended(PATIENCE), f"{self.name} does not stop\n{self.said()}"
        assert self._process.returncode == 0, f"{self.name} ended with {self._process.returncode}\n{self.said()}"

    def said(self) -> str:
        """Return the last of what it printed."""
        return self.log.read_text(errors="replace")[-4000:]

    def close(self) -> None:
        """Leave nothing of it behind."""
        if self._process.poll() is None:
            children = children_of(self.pid)
            self.kill()
            wait_until_gone(children)
        assert self._process.stdin is not None
        self._process.stdin.close()


class Stage:
    """One engine and its processes."""

    def __init__(self, engine: Engine, folder: Path, book: Path) -> None:
        self.engine = engine
        self.folder = folder
        self._book = book
        self._processes: list[Process] = []
        self._numbers = itertools.count(1)

    @property
    def environment(self) -> dict[str, str]:
        """The settings of this engine for its processes."""
        settings = self.engine.settings
        return {
            **os.environ,
            "ENTREPOT_DATA_DIR": str(settings.data_dir),
            "ENTREPOT_DATABASE_URL": settings.effective_database_url,
            "ENTREPOT_TASK_MODULES": '["effects"]',
            **{f"ENTREPOT_{name.upper()}": str(getattr(settings, name)) for name in SETTINGS},
            "PYTHONPATH": os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")])),
            FOLDER: str(self.folder),
        }

    def start(self, *arguments: str, name: str | None = None, armed: str = "", **settings: str) -> Process:
        """Start `python -m entrepot …`; `armed`: a failpoint; `settings`: in place of the stage's own."""
        return self.start_program("-m", "entrepot", *arguments, name=name, armed=armed, **settings)

    def start_program(self, *arguments: str, name: str | None = None, armed: str = "", **settings: str) -> Process:
        """Start a Python program."""
        environment = {**self.environment, **{f"ENTREPOT_{key.upper()}": value for key, value in settings.items()}}
        if armed:
            environment["ENTREPOT_FAILPOINTS"] = armed
        name = name or f"process {next(self._numbers)}"
        process = Process(name, [sys.executable, *arguments], environment, self.folder / f"{name}.log")
        self._processes.append(process)
        return process

    def start_worker(self, *, armed: str = "", threads: int = 2) -> Process:
        """Start one worker process without a supervisor."""
        name = f"victim-{next(self._numbers)}"
        return self.start("worker-process", "--name", name, "--threads", str(threads), name=name, armed=armed)

    @contextmanager
    def supervised(self, *arguments: str) -> Iterator[Process]:
        """Run `entrepot worker` during the block, and stop it as its user does."""
        supervisor = self.start("worker", *(arguments or ("--processes", "1", "--threads", "2")))
        yield supervisor
        supervisor.stop()

    def await_kill(
        self,
        process: Process,
        kill: Kill,
        meanwhile: Callable[[], None],
        chance: Random,
        is_at_work: Callable[[], object] | None = None,
    ) -> None:
        """Wait until `process` dies at the point of `kill`, or kill it at a random moment of its work, and note it.

        `meanwhile` is called again and again, and gives the process something to do. It is at work when `is_at_work` says so;
        a worker, when it has signed on.
        """
        deadline = time.monotonic() + PATIENCE
        if kill.point is None:
            meanwhile()
            if chance.random() < 0.75:  # else at a random moment of its start
                wait_for(is_at_work or (lambda: self.is_at_work(process)), f"{process.name} is at work", process.said)
            process.has_ended(within=chance.uniform(0, 0.4))
            process.kill()
        while not process.has_ended(within=0.02):
            assert time.monotonic() < deadline, f"{process.name} never reached {kill.point}\n{process.said()}"
            meanwhile()
        assert process.was_killed, f"{process.name} was to die at {kill.label}, and ended otherwise\n{process.said()}"
        self.note(kill.label)

    def is_at_work(self, process: Process) -> bool:
        """Return True if the worker of this name has signed on."""
        return any(worker.name == process.name for worker in self.engine.workers())

    def hand_on(self, victim: Process, chance: Random) -> None:
        """Take the dead worker's tasks from it: at once, as its supervisor would, or when the lease has run out."""
        if chance.random() < 0.75:
            self.engine.worker_lost(victim.name)

    def note(self, label: str) -> None:
        """Write a kill that has happened into the book."""
        with self._book.open("a") as book:
            book.write(f"{label}\n")

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
        row = self.engine.database.row("SELECT count(*) FROM task WHERE finished_at IS NULL")
        assert row is not None
        return int(row[0])

    def close(self) -> None:
        """Leave no process behind."""
        for process in self._processes:
            process.close()


def wait_for(condition: Callable[[], object], what: str, details: Callable[[], object] = lambda: "") -> None:
    """Wait until `condition` holds; fail if it never does."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"in {PATIENCE:g} s this did not come true: {what}\n{details()}")
        time.sleep(0.01)


def children_of(pid: int) -> list[int]:
    """Return the processes that `pid` has started and that are alive."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:  # gone meanwhile
            continue
        if int(parent) == pid and state != "Z":
            found.append(int(stat.parent.name))
    return found


def wait_until_gone(pids: Sequence[int]) -> None:
    """Wait until none of these processes runs any more; fail if one does not stop."""
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            ended, _, _ = select.select([descriptor], [], [], PATIENCE)
            if not ended:
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        finally:
            os.close(descriptor)
        assert ended, f"process {pid} goes on without its parent"

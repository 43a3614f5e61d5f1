"""One contestant made ready: an empty queue, a driver that enqueues, a file of stamps, and workers on demand.

Everything it writes lies in a folder of its own; on PostgreSQL it has a database of its own, on Redis a database number.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from queues import stamps
from queues.contestants import POSTGRESQL, REDIS, Contestant
from queues.environments import Unavailable, environment_for
from queues.processes import Program
from queues.servers import Servers
from queues.stamps import Stamp

#: Seconds without any progress after which a contestant is given up.
_PATIENCE_SECONDS = 60
#: Seconds that the driver may take for one command.
_ANSWER_SECONDS = 300
_LOOK_SECONDS = 0.01
_BENCHMARKS = Path(__file__).parents[1]


class Stage:
    """One contestant with one queue; made by `Stages.set_up`."""

    def __init__(self, contestant: Contestant, programs: Path, environment: Mapping[str, str], folder: Path) -> None:
        """Keep where it lies; `prepare` begins."""
        self.contestant = contestant
        self.environment = environment
        self.folder = folder
        self._programs = programs
        self._stamps = Path(environment["QUEUE_STAMPS"])
        self._driver: subprocess.Popen[str] | None = None
        self._workers: list[Program] = []
        self._next = 0

    def prepare(self) -> dict[str, str]:
        """Start the driver and make the queue empty; return the versions of what is installed."""
        with (self.folder / "driver.log").open("ab") as log:
            self._driver = subprocess.Popen(
                [str(self._programs / "python"), "-m", "queues.driver", self.contestant.module],
                cwd=self.folder,
                env=dict(self.environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        versions: dict[str, str] = self._ask("prepare")
        return versions

    def enqueue(self, count: int) -> float:
        """Enqueue one by one; return the seconds that took."""
        return float(self._ask("enqueue", count))

    def enqueue_many(self, count: int) -> float | None:
        """Enqueue by one call for many; return the seconds that took, or None if there is no such call."""
        seconds: float | None = self._ask("enqueue_many", count)
        return seconds

    def trickle(self, count: int) -> list[float]:
        """Enqueue tasks with pauses; return the seconds from each call to the start of its task."""
        first, begun = self._next, stamps.count(self._stamps)
        called: list[int] = self._ask("trickle", count)
        self.wait_for(begun + count)
        started = {stamp.number: stamp.moment for stamp in self.stamps()}
        return [(started[first + index] - moment) / 1e9 for index, moment in enumerate(called)]

    def start_workers(self) -> None:
        """Start as many worker processes as the contestant has, and return at once."""
        contestant = self.contestant
        words = {"processes": str(contestant.processes), "redis_url": self.environment.get("QUEUE_REDIS_URL", "")}
        command = [word.format(**words) if word.startswith("{") else word for word in contestant.command]
        for _ in range(contestant.processes if contestant.one_command_each else 1):
            self.run(*command)

    def run(self, program: str, *arguments: str) -> Program:
        """Start one program of the contestant's environment as one of its workers."""
        log = self.folder / f"worker-{len(self._workers)}.log"
        self._workers.append(Program([str(self._programs / program), *arguments], self.environment, log))
        return self._workers[-1]

    def worker_pids(self) -> list[int]:
        """Return every process of the workers, supervisors included."""
        return [pid for program in self._workers for pid in program.pids()]

    def stop_workers(self) -> None:
        """Tell the workers to stop, and wait until they have."""
        while self._workers:
            self._workers.pop().stop()

    def kill_workers(self) -> None:
        """End the workers at once; for those that idle, or that nobody asks again. Some take seconds to stop."""
        for program in self._workers:
            program.strike()
        while self._workers:
            self._workers.pop().kill()

    def wait_for(self, count: int) -> None:
        """Wait until so many tasks have run in all; raises `Unavailable` if nothing moves for a minute."""
        seen, deadline = -1, 0.0
        while (now := stamps.count(self._stamps)) < count:
            if now != seen:
                seen, deadline = now, time.monotonic() + _PATIENCE_SECONDS
            ended = [program for program in self._workers if program.has_ended and not program.was_killed]
            if ended or time.monotonic() > deadline:
                said = (ended or self._workers)[-1].tail()
                msg = f"only {now} of {count} tasks ran; its worker said: {said}"
                raise Unavailable(msg)
            time.sleep(_LOOK_SECONDS)

    def stamps(self) -> list[Stamp]:
        """Return what the tasks have left."""
        return stamps.read(self._stamps)

    def close(self) -> None:
        """End everything that was started here."""
        self.kill_workers()
        if self._driver is not None:
            assert self._driver.stdin is not None
            assert self._driver.stdout is not None
            self._driver.kill()
            self._driver.wait()
            self._driver.stdin.close()
            self._driver.stdout.close()
        self._stamps.unlink()

    def _ask(self, command: str, count: int = 0) -> Any:
        assert self._driver is not None
        assert self._driver.stdin is not None
        assert self._driver.stdout is not None
        answer = ""
        with contextlib.suppress(BrokenPipeError):  # it has ended, and its log says why
            self._driver.stdin.write(f"{command} {self._next} {count}\n")
            self._driver.stdin.flush()
            if select.select([self._driver.stdout], [], [], _ANSWER_SECONDS)[0]:
                answer = self._driver.stdout.readline()
        if not answer:
            said = (self.folder / "driver.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
            msg = f"{command}: {(said or ['no answer in time'])[-1].strip()}"
            raise Unavailable(msg)
        self._next += count
        return json.loads(answer)


@dataclass
class Stages:
    """Sets contestants up, each time anew, below `place` and on `servers`."""

    place: Path
    servers: Servers
    _count: int = field(default=0, init=False)

    @contextmanager
    def set_up(self, contestant: Contestant) -> Iterator[Stage]:
        """Yield a stage with an empty queue and no workers; raises `Unavailable` if the contestant cannot take part."""
        for server in contestant.servers:
            if server in self.servers.missing:
                raise Unavailable(self.servers.missing[server])
        programs = environment_for(contestant.packages)
        self._count += 1
        folder = Path(tempfile.mkdtemp(prefix=f"{contestant.module}-", dir=self.place))
        with ExitStack() as stack:
            words = {"folder": str(folder)}
            if REDIS in contestant.servers:
                words["redis_url"] = f"{self.servers.urls[REDIS]}/{self._count % 64}"
            if POSTGRESQL in contestant.servers:
                words["postgresql_url"] = stack.enter_context(self._database(f"bench_{self._count}"))
            stage = Stage(contestant, programs, _environment(contestant, words), folder)
            stack.callback(stage.close)
            yield stage

    @contextmanager
    def _database(self, name: str) -> Iterator[str]:
        server = self.servers.urls[POSTGRESQL]
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        try:
            yield f"{server}/{name}"
        finally:
            with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
                connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def _environment(contestant: Contestant, words: Mapping[str, str]) -> dict[str, str]:
    """Return what the driver and the workers see: nothing that somebody has set for an entrepot of their own."""
    given = {name: value for name, value in os.environ.items() if not name.startswith(("ENTREPOT_", "PYTHON"))}
    descriptor, path = tempfile.mkstemp(prefix="entrepot-bench-", suffix=".stamps", dir=stamps.folder())
    os.close(descriptor)
    chosen = {f"QUEUE_{name.upper()}": value for name, value in words.items()}
    own = {name: value.format_map(words) if value.startswith("{") else value for name, value in contestant.environment}
    return {**given, **chosen, **own, "QUEUE_STAMPS": path, "PYTHONPATH": str(_BENCHMARKS)}

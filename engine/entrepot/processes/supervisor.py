"""The supervisor: starts worker processes and the web process, starts anew what dies, and runs the background loops.

It holds no truth: when it is killed, its children see their standard input end and stop by themselves, and whoever
comes next goes on where the rows say.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import secrets
import signal
import sys
import threading
from types import FrameType
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.engine import Engine
from entrepot.errors import EntrepotError
from entrepot.loops import LoopRunner
from entrepot.processes.child import Child
from entrepot.processes.exit_codes import GIVEN_UP, RECYCLED
from entrepot.tasking.workers import NAME_PREFIX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrepot.settings import Settings

log = logging.getLogger(__name__)

#: Seconds between two looks at the children.
_LOOK_SECONDS = 0.05
#: Seconds that children get beyond the drain time before they are killed.
_KILL_AFTER = 5.0


def run_serve(settings: Settings, *, host: str, port: int, processes: int, threads: int) -> int:
    """Run the whole engine on this machine until SIGTERM or SIGINT; return the exit code."""
    engine = Engine(settings=settings)
    engine.initialise()
    environment = _environment(engine)
    web = Child("web", lambda: ["api", "--host", host, "--port", str(port), "--exit-with-parent"], environment)
    return _Supervisor(engine, [web, *_workers(processes, threads, environment)]).run()


def run_workers(settings: Settings, *, processes: int, threads: int) -> int:
    """Run worker processes until SIGTERM or SIGINT; return the exit code. Raises `DatabaseOutdated`, `DatabaseTooNew`."""
    engine = Engine(settings=settings)
    engine.check()
    engine.store.prepare()
    return _Supervisor(engine, _workers(processes, threads, _environment(engine))).run()


class _Supervisor:
    """Keeps its children running until it is told to stop."""

    def __init__(self, engine: Engine, children: Sequence[Child]) -> None:
        self._engine = engine
        self._children = list(children)
        self._retiring: list[Child] = []
        self._signals = 0
        self._pause = threading.Event()

    def run(self) -> int:
        """Run until told to stop; then drain. A second signal makes the workers hand their tasks back at once."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._told_to_stop)
        self._engine.close()
        loops = LoopRunner(self._engine.loops(), visit=self._engine.visit)
        loops.start()
        while not self._signals:
            for place, child in enumerate(self._children):
                if child.has_said_that_it_retires():
                    log.info("%s retires; another takes its place.", child.label)
                    self._retiring.append(child)
                    self._children[place] = child.successor()
                else:
                    self._look_after(child)
                self._children[place].start_if_due()
            for child in self._retiring:
                self._look_after(child, is_to_start_again=False)
            self._retiring = [child for child in self._retiring if child.pid is not None]
            self._pause.wait(_LOOK_SECONDS)
        code = self._stop(self._children + self._retiring)
        loops.stop()
        return code

    def _told_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1  # and nothing else: a handler may have interrupted whoever holds a lock

    def _look_after(self, child: Child, *, is_to_start_again: bool = True) -> None:
        code = child.died()
        if code is None or code == RECYCLED:
            return
        if is_to_start_again or code:
            log.warning(
                "%s ended with exit code %s%s", child.label, code, "; it is started again." if is_to_start_again else "."
            )
        self._bury(child, code)

    def _bury(self, child: Child, code: int) -> None:
        """Hand on at once what a dead worker ran: its lease need not run out when its death is certain."""
        if not child.is_worker:
            return
        name = child.arguments[child.arguments.index("--name") + 1]
        try:
            with self._engine.visit():
                self._engine.worker_lost(name, count=code != GIVEN_UP)
        except EntrepotError as error:
            log.warning("The tasks of %s wait until their leases run out: %s", name, error)

    def _stop(self, children: Sequence[Child]) -> int:
        for child in children:
            child.tell(signal.SIGTERM)
        deadline = clock.monotonic() + self._engine.settings.drain_seconds + _KILL_AFTER
        told, worst = 1, 0
        while any(child.pid for child in children):
            if self._signals > told:
                told = self._signals
                for child in children:
                    child.tell(signal.SIGUSR1 if child.is_worker else signal.SIGTERM)
            if clock.monotonic() > deadline:
                for child in children:
                    child.tell(signal.SIGKILL)
            for child in children:
                code = child.died()
                if code:
                    self._bury(child, code)
                # One that was still starting dies of the signal, and had nothing to lose; one that retired was just ready.
                if code and code not in (-signal.SIGTERM, RECYCLED):
                    worst = 1
            self._pause.wait(_LOOK_SECONDS)
        return worst


def _workers(processes: int, threads: int, environment: dict[str, str]) -> list[Child]:
    """Return worker children; each start is a new worker with a name of its own, so that no lease is mistaken for its own."""
    numbers = itertools.count()
    host = os.uname().nodename

    def arguments() -> list[str]:
        name = f"{NAME_PREFIX}{os.getpid()}.{next(numbers)}.{secrets.token_hex(3)}@{host}"
        return ["worker-process", "--name", name, "--threads", str(threads), "--supervised"]

    return [Child(f"worker {number}", arguments, environment) for number in range(processes)]


def _environment(engine: Engine) -> dict[str, str]:
    """Return the environment of the children: this process's settings, so that all of them are one engine."""
    settings = engine.settings
    chosen = {
        "ENTREPOT_DATA_DIR": str(settings.data_dir.absolute()),
        "ENTREPOT_DATABASE_URL": settings.effective_database_url,
        "ENTREPOT_BROKER_URL": settings.broker_url,
        "ENTREPOT_BROKER_PREFIX": settings.broker_prefix,
        "ENTREPOT_WORKER_QUEUES": json.dumps(settings.worker_queues),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    return dict(os.environ) | chosen

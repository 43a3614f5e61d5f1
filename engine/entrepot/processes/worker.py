"""The main function of a worker process."""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from datetime import timedelta
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from entrepot.engine import Engine
from entrepot.errors import EntrepotError
from entrepot.processes.child import RETIRING
from entrepot.processes.exit_codes import GIVEN_UP, RECYCLED
from entrepot.tasking.worker import Worker

if TYPE_CHECKING:
    from entrepot.settings import Settings

log = logging.getLogger(__name__)

#: Seconds between two looks at what nobody rings for.
_LOOK_SECONDS = 1.0
#: The same while the end is near.
_SHORT_LOOK_SECONDS = 0.05


class _Requests:
    """Requests to stop. A handler only takes note: it may have interrupted whoever holds a lock."""

    def __init__(self, *, is_supervised: bool) -> None:
        self.stop = False
        self.at_once = False
        self.is_supervised = is_supervised
        self._terminations = 0
        self._ear, self._bell = socket.socketpair()
        self._bell.setblocking(False)
        self._heard: list[socket.socket | int] = [self._ear, 0]

    def listen(self) -> None:
        """Take the signals from now on; each of them ends a wait."""
        signal.set_wakeup_fd(self._bell.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._receive)
        signal.signal(signal.SIGUSR1, self._receive)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C reaches the whole group; the supervisor decides

    def wait(self, timeout_seconds: float) -> None:
        """Wait until something is requested, or the time is up.

        The end of standard input is a request to stop: the parent holds its other end, and is gone. None at all is as good
        as one that has ended.
        """
        try:
            heard = select.select(self._heard, [], [], timeout_seconds)[0]
            if self._ear in heard:
                self._ear.recv(1024)
            if 0 not in heard or os.read(0, 1024):
                return
        except OSError as error:
            log.debug("Standard input: %s", error)
        self._heard = [self._ear]
        self.stop, self.is_supervised = True, False

    def ring(self) -> None:
        """End a wait; for other threads."""
        self._bell.send(b"\0")

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        """Take one: SIGUSR1 means at once, SIGTERM to drain first.

        A second SIGTERM means at once as well where there is no supervisor. Where there is one, several are usual: a service
        manager may send them to the whole group, and the supervisor sends its own.
        """
        self._terminations += number == signal.SIGTERM
        self.stop = True
        self.at_once = self.at_once or number == signal.SIGUSR1 or (self._terminations > 1 and not self.is_supervised)


def run(settings: Settings, *, name: str, threads: int, is_supervised: bool = False) -> int:
    """Run tasks until SIGTERM, or until the parent is gone; then drain and return 0, or `GIVEN_UP` if tasks did not stop.

    Returns `RECYCLED` when it has retired. `is_supervised`: the parent hands on what a dead worker held, and starts another
    when this one says on its standard input that it retires.
    """
    engine = Engine(settings=settings)
    engine.check()
    engine.load_tasks()
    requests = _Requests(is_supervised=is_supervised)
    requests.listen()

    def give_up() -> NoReturn:
        _give_up(worker, requests)

    def retiring() -> None:
        if requests.is_supervised:
            _say_that_it_retires()
        requests.ring()

    worker = Worker(engine.tasks, settings, name=name, threads=threads, give_up=give_up, retiring=retiring)
    worker.start()
    while not requests.stop and not worker.has_retired():
        requests.wait(_SHORT_LOOK_SECONDS if worker.is_retiring else _LOOK_SECONDS)
    if not _drain(worker, requests, timedelta(seconds=settings.drain_seconds)):
        give_up()
    return 0 if requests.stop else RECYCLED


def _give_up(worker: Worker, requests: _Requests) -> NoReturn:
    """End at once: threads that do not stop would keep the process alive. Whoever sees it dead hands on what they held."""
    try:
        if not requests.is_supervised:
            _call_undertaker(worker.name)
        worker.abandon()
    except (EntrepotError, OSError) as error:
        log.warning("%s ends at once, and could not leave word: %s", worker.name, error)
    finally:
        os._exit(GIVEN_UP)


def _call_undertaker(name: str) -> None:
    """Start a process that outlives this one, and hands on what it held as soon as its standard input, our pipe, ends."""
    command = [sys.executable, "-m", "entrepot", "bury-worker", "--name", name]
    subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)


def _say_that_it_retires() -> None:
    try:
        os.write(0, RETIRING)
    except OSError as error:  # the parent is gone: there will be no other, and this one will be told to stop
        log.debug("Nobody hears that this worker retires: %s", error)


def _drain(worker: Worker, requests: _Requests, timeout: timedelta) -> bool:
    """Let running tasks end; a request to stop at once, or the end of the time, gives them up."""
    ended: list[bool] = []
    draining = threading.Thread(target=lambda: ended.append(worker.drain(timeout)), daemon=True)
    draining.start()
    while draining.is_alive() and not requests.at_once:
        requests.wait(_SHORT_LOOK_SECONDS)
    return bool(ended and ended[0])

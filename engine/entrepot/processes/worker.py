"""The main function of a worker process."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
from datetime import timedelta
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from entrepot.engine import Engine
from entrepot.errors import EntrepotError
from entrepot.tasking.worker import Worker

if TYPE_CHECKING:
    from entrepot.settings import Settings

log = logging.getLogger(__name__)

#: Exit code of a process that was given up because tasks in it did not stop in time.
GIVEN_UP = 75
#: Seconds between two looks at the requests to stop.
_LOOK_SECONDS = 0.1


class _Requests:
    """Requests to stop. A handler only takes note: it may have interrupted whoever holds a lock."""

    def __init__(self) -> None:
        self.stop = False
        self.at_once = False

    def receive(self, number: int = signal.SIGTERM, _frame: FrameType | None = None) -> None:
        """Take one request: SIGUSR1 means at once, anything else to drain first, however often it comes."""
        self.stop = True
        self.at_once = self.at_once or number == signal.SIGUSR1


def run(settings: Settings, *, name: str, threads: int) -> int:
    """Run tasks until SIGTERM, or until the parent is gone; then drain and return 0; `GIVEN_UP` if tasks did not stop."""
    engine = Engine(settings=settings)
    engine.check()
    engine.load_tasks()
    requests = _Requests()
    signal.signal(signal.SIGTERM, requests.receive)
    signal.signal(signal.SIGUSR1, requests.receive)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C reaches the whole group; the supervisor decides

    worker = Worker(engine.tasks, settings, name=name, threads=threads, give_up=lambda: _give_up(worker))
    worker.start()
    pause = threading.Event()
    threading.Thread(target=_follow_parent, args=(requests,), daemon=True).start()
    while not requests.stop:
        pause.wait(_LOOK_SECONDS)
    ended = _drain(worker, requests, timedelta(seconds=settings.drain_seconds))
    if not ended:
        _give_up(worker)
    return 0


def _give_up(worker: Worker) -> NoReturn:
    """End at once: threads that do not stop would keep the process alive. The supervisor hands on what they held."""
    try:
        worker.abandon()
    except EntrepotError as error:
        log.warning("The tasks of %s wait until their leases run out: %s", worker.name, error)
    finally:
        os._exit(GIVEN_UP)


def _drain(worker: Worker, requests: _Requests, timeout: timedelta) -> bool:
    """Let running tasks end; SIGUSR1, or the end of the time, gives them up."""
    ended: list[bool] = []
    draining = threading.Thread(target=lambda: ended.append(worker.drain(timeout)), daemon=True)
    draining.start()
    while draining.is_alive() and not requests.at_once:
        draining.join(0.1)
    return bool(ended and ended[0])


def _follow_parent(requests: _Requests) -> None:
    """Stop when standard input ends: the parent holds its other end, and is gone."""
    with contextlib.suppress(OSError):  # no standard input at all is as good as one that ended
        while os.read(0, 1024):
            pass
    requests.receive()

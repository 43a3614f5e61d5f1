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

#: Exit code of a process that was given up because a task in it did not stop.
GIVEN_UP = 75


class _Signals:
    """Counts requests to stop: signals, and the end of the pipe from the parent."""

    def __init__(self) -> None:
        self.count = 0
        self.stop = threading.Event()
        self.at_once = threading.Event()

    def receive(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """Take one request; the second means at once."""
        self.count += 1
        (self.at_once if self.count > 1 else self.stop).set()


def run(settings: Settings, *, name: str, threads: int) -> int:
    """Run tasks until SIGTERM, or until the parent is gone; then drain and return 0, or 1 if tasks had to be given up."""
    engine = Engine(settings=settings)
    engine.check()
    engine.load_tasks()
    signals = _Signals()
    signal.signal(signal.SIGTERM, signals.receive)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C reaches the whole group; the supervisor decides

    def give_up() -> None:
        _end(worker, GIVEN_UP)

    worker = Worker(engine.tasks, settings, name=name, threads=threads, give_up=give_up)
    worker.start()
    threading.Thread(target=_follow_parent, args=(signals,), daemon=True).start()
    signals.stop.wait()
    ended = _drain(worker, signals, timedelta(seconds=settings.drain_seconds))
    if not ended:
        _end(worker, 1)
    return 0


def _end(worker: Worker, code: int) -> NoReturn:
    """Hand back what still runs and end at once: threads that do not stop would keep the process alive."""
    try:
        worker.abandon()
    except EntrepotError as error:
        log.warning("The tasks of %s wait until their leases run out: %s", worker.name, error)
    finally:
        os._exit(code)


def _drain(worker: Worker, signals: _Signals, timeout: timedelta) -> bool:
    """Let running tasks end; a second signal, or the end of the time, gives them up."""
    ended: list[bool] = []
    draining = threading.Thread(target=lambda: ended.append(worker.drain(timeout)), daemon=True)
    draining.start()
    while draining.is_alive() and not signals.at_once.is_set():
        draining.join(0.1)
    return bool(ended and ended[0])


def _follow_parent(signals: _Signals) -> None:
    """Stop when standard input ends: the parent holds its other end, and is gone."""
    with contextlib.suppress(OSError):  # no standard input at all is as good as one that ended
        while os.read(0, 1024):
            pass
    signals.receive()

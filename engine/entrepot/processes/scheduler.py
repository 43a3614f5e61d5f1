"""The main function of `entrepot scheduler`: the background loops, and nothing else."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import TYPE_CHECKING

from entrepot.engine import Engine
from entrepot.loops import LoopRunner

if TYPE_CHECKING:
    from entrepot.settings import Settings

#: Seconds between two looks at the requests to stop.
_LOOK_SECONDS = 0.2


class _Request:
    """A request to stop. A handler only takes note: it may have interrupted whoever holds a lock."""

    def __init__(self) -> None:
        self.stop = False

    def receive(self, _number: int, _frame: FrameType | None) -> None:
        self.stop = True


def run(settings: Settings) -> int:
    """Run the loops until SIGTERM or SIGINT, and return 0 when the present round has ended.

    Raises `DatabaseOutdated`, `DatabaseTooNew`. Any number of processes may run the loops at the same time.
    """
    engine = Engine(settings=settings)
    engine.check()
    engine.store.prepare()
    engine.close()
    request = _Request()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, request.receive)
    loops = LoopRunner(engine.loops(), visit=engine.visit)
    loops.start()
    pause = threading.Event()
    while not request.stop:
        pause.wait(_LOOK_SECONDS)
    loops.stop()
    return 0

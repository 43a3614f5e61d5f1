"""The main function of the process that buries a worker which ends at once without a supervisor.

What such a worker runs can be handed on when its threads are certainly dead, and not before: so another process does it.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from entrepot.engine import Engine

if TYPE_CHECKING:
    from entrepot.settings import Settings


def run(settings: Settings, *, name: str) -> int:
    """Wait for the end of standard input, whose other end the worker `name` holds; then hand on what it ran."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # whoever ends the worker may end its group; this takes a moment only
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while os.read(0, 1024):
        pass
    with Engine(settings=settings) as engine:
        engine.worker_lost(name, count=False)
    return 0

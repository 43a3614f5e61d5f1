"""What one thread has under way in a database."""

from __future__ import annotations

import threading
from collections.abc import Callable

from entrepot.models.witness import Witness


class ThreadState(threading.local):
    """Each thread sees its own; `connection.Database` keeps it."""

    def __init__(self) -> None:
        """Begin with nothing under way."""
        self.depth = 0  # transactions, the one around all others counted as 1
        self.doomed = False
        self.after_commit: list[Callable[[], object]] = []
        self.announces = False
        self.durable: bool | None = None
        self.witness: Witness | None = None  # of the block around
        self.present: Witness | None = None  # who has seen the outermost transaction begin

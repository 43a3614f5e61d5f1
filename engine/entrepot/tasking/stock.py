"""How many tiny tasks a process claims ahead, and how long their outcomes may wait: pure but for the clock.

A transaction costs several times what a tiny task does, so a process that runs such tasks claims a few more than it has
threads, and writes their outcomes together. Only tasks that reserve nothing are claimed ahead: nobody waits for them. As
soon as runs take longer there is no stock, and what is left of it is handed back after `OVERDUE_SECONDS`.
"""

from __future__ import annotations

from entrepot import clock

#: Runs that take less than this on average are tiny, seconds.
_TINY_SECONDS = 0.001
#: Tasks that are claimed ahead.
_SIZE = 12
#: Outcomes that wait for each other at most, and for how long, seconds.
_MOST_OUTCOMES = 12
_LONGEST_WAIT_SECONDS = 0.004
#: Seconds after which what waits is written, or handed back, by another thread.
OVERDUE_SECONDS = 0.02
#: Weight of the latest run in the average.
_WEIGHT = 0.1
#: Turns without a look after one that found nothing to claim ahead.
_REST_TURNS = 50


class Stock:
    """The measure of one ledger; called with its lock held, but for `note` and `is_overdue`."""

    def __init__(self) -> None:
        """Begin without a stock: nobody knows yet how long runs take."""
        self._average_seconds = 1.0
        self._turned_at = clock.monotonic()
        self._rest = 0

    @property
    def size(self) -> int:
        """How many tasks to claim ahead now."""
        return _SIZE if self._average_seconds < _TINY_SECONDS and not self._rest else 0

    @property
    def is_overdue(self) -> bool:
        """True if nothing was written for so long that somebody has to look after what waits."""
        return clock.monotonic() - self._turned_at > OVERDUE_SECONDS

    def note(self, seconds: float) -> None:
        """Take note of how long a run took."""
        self._average_seconds += _WEIGHT * (seconds - self._average_seconds)

    def may_wait(self, outcomes: int) -> bool:
        """Return True if so many outcomes may wait a little longer for others."""
        return outcomes < _MOST_OUTCOMES and clock.monotonic() - self._turned_at < _LONGEST_WAIT_SECONDS

    def found(self, count: int) -> None:
        """Take note of how many there were to claim ahead; if none, it is not asked for a while."""
        self._rest = 0 if count else _REST_TURNS

    def turned(self) -> None:
        """Take note that everything was written."""
        self._turned_at = clock.monotonic()
        self._rest = max(0, self._rest - 1)

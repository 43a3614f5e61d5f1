"""Counting bytes, and keeping many small transfers below a speed.

libcurl limits the speed of each transfer, but not how soon the next one begins.
"""

from __future__ import annotations

from entrepot import clock

#: What may come at once before the limit is felt, seconds of the limit.
_BURST_SECONDS = 1.0


class Pace:
    """Counts the bytes of all transfers together, against a limit if there is one."""

    def __init__(self, bytes_per_second: int | None) -> None:
        """Begin with nothing counted; None is no limit."""
        #: Bytes so far.
        self.bytes_received = 0
        #: False: there is no limit.
        self.is_limited = bool(bytes_per_second)
        self._speed = bytes_per_second or 1
        self._paid_until = 0.0

    def count(self, number: int) -> None:
        """Count bytes that came."""
        self.bytes_received += number
        if self.is_limited:
            self._paid_until = max(self._paid_until, clock.monotonic() - _BURST_SECONDS) + number / self._speed

    def wait_seconds(self) -> float:
        """Return how long no further transfer may begin; 0 or less: now."""
        return self._paid_until - clock.monotonic() if self.is_limited else 0.0

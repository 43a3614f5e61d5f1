"""How often one may ask: a bucket for each key, which fills at a steady rate. Kept in this process only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable

from entrepot import clock

#: Buckets that are kept before the full ones, which are as good as none, are thrown away.
_MANY = 10_000
#: As good as one permission: who has waited as long as was said is not turned away by the rounding of fractions.
_ONE = 1 - 1e-9


class Buckets:
    """Buckets of `burst` permissions each, filled by `rate_per_second`; safe to share between threads."""

    def __init__(self, rate_per_second: float, burst: int, seconds: Callable[[], float] = clock.monotonic) -> None:
        """Begin with full buckets; `seconds` tells a time that only grows."""
        self._rate, self._burst, self._seconds = rate_per_second, burst, seconds
        self._lock = threading.Lock()
        #: Key -> how many permissions there were, and when.
        self._buckets: dict[Hashable, tuple[float, float]] = {}
        self._many = _MANY

    def take(self, key: Hashable) -> float | None:
        """Take one permission from the bucket of `key`: None if there was one, else the seconds until there will be."""
        now = self._seconds()
        with self._lock:
            left = self._left(key, now)
            if left < _ONE:
                return (1 - left) / self._rate
            self._buckets[key] = (max(0.0, left - 1), now)
            if len(self._buckets) > self._many:
                self._forget_full(now)
        return None

    def __len__(self) -> int:
        return len(self._buckets)

    def _left(self, key: Hashable, now: float) -> float:
        left, at = self._buckets.get(key, (self._burst, now))
        return min(self._burst, left + (now - at) * self._rate)

    def _forget_full(self, now: float) -> None:
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if self._left(key, now) < self._burst}
        self._many = max(_MANY, 2 * len(self._buckets))  # so that the walk stays rare, however many are in use

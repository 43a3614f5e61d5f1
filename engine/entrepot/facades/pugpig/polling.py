"""How often one may ask: once a minute while something goes on, else once in five minutes. Kept in this process.

That is asked of pollers, and browsers reload: so some requests are answered at once, some more get what was told last, and
only then one is told to wait. Source: Pugpig's help centre, "Distribution monitoring API", and docs/facades.md.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from entrepot import clock

#: Seconds between two useful polls, while something goes on and while nothing does.
BUSY_SECONDS, IDLE_SECONDS = 60, 300
#: New answers at once, and kept ones between two new ones.
BURST, KEPT = 5, 20
#: Keys that are remembered before the one that asked the longest ago is forgotten.
_MANY = 10_000
#: As good as one permission: who has waited as long as was said is not turned away by the rounding of fractions.
_ONE = 1 - 1e-9

_Told = TypeVar("_Told")


@dataclass(frozen=True, slots=True)
class Turn(Generic[_Told]):
    """What to tell, None to tell nothing, and in how many whole seconds the next poll is useful."""

    told: _Told | None
    wait_seconds: int


@dataclass(slots=True)
class _Key(Generic[_Told]):
    permissions: float
    at: float
    told: _Told
    kept_answers: int = 0


class Polls(Generic[_Told]):
    """What each key was told last, and what it may be told now; safe to share between threads."""

    def __init__(self, seconds: Callable[[], float] = clock.monotonic) -> None:
        """Begin with full permissions for all; `seconds` tells a time that only grows."""
        self._seconds = seconds
        self._lock = threading.Lock()
        self._keys: dict[Hashable, _Key[_Told]] = {}

    def take(self, key: Hashable, interval_seconds: int, new: _Told) -> Turn[_Told]:
        """Return `new` if it is the turn of `key`, else what it was told last, for a while; permissions come each interval.

        A shorter interval counts for all the time since the last request, so that a permission comes at once.
        """
        now = self._seconds()
        with self._lock:
            known = self._keys.pop(key, None) or _Key(BURST, now, new)
            self._keys[key] = known  # the last to be forgotten
            if len(self._keys) > _MANY:
                del self._keys[next(iter(self._keys))]
            known.permissions = min(BURST, known.permissions + (now - known.at) / interval_seconds)
            known.at = now
            if known.permissions >= _ONE:
                known.permissions = max(0.0, known.permissions - 1)
                known.told, known.kept_answers = new, 0
                return Turn(new, interval_seconds)
            known.kept_answers = min(KEPT, known.kept_answers) + 1
            wait = max(1, math.ceil((1 - known.permissions) * interval_seconds - 1e-6))
            return Turn(known.told if known.kept_answers <= KEPT else None, wait)

    def permit(self, key: Hashable) -> None:
        """Let the next request of `key` be told what is new."""
        with self._lock:
            known = self._keys.get(key)
            if known is not None:
                known.permissions = max(1.0, known.permissions)

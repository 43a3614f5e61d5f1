"""Answers that are worked out once for all who ask: however many poll, the database is asked once in a while."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from entrepot import clock

#: Keys that are kept before the oldest is thrown away.
_MANY = 10_000

_Value = TypeVar("_Value")


@dataclass(slots=True)
class _Slot(Generic[_Value]):
    building: threading.Lock = field(default_factory=threading.Lock)
    #: The value, and when its building began; None until there is one.
    built: tuple[_Value, float] | None = None


class Snapshots(Generic[_Value]):
    """Values by key, each built anew when it is older than `max_age_seconds`, by one thread at a time."""

    def __init__(self, max_age_seconds: float, seconds: Callable[[], float] = clock.monotonic) -> None:
        """Begin without any; `seconds` tells a time that only grows."""
        self._max_age, self._seconds = max_age_seconds, seconds
        self._lock = threading.Lock()
        self._slots: dict[Hashable, _Slot[_Value]] = {}

    def get(self, key: Hashable, build: Callable[[], _Value]) -> _Value:
        """Return the value of `key`, from `build` unless there is one that is fresh; raises what `build` raises.

        While one thread builds, others get the value before, unless it is older than twice the age: those wait.
        """
        slot = self._slot(key)
        fresh = self._fresh(slot, self._max_age)
        if fresh is not None:
            return fresh[0]
        if not slot.building.acquire(blocking=False):
            before = self._fresh(slot, 2 * self._max_age)
            if before is not None:
                return before[0]
            slot.building.acquire()
        try:
            fresh = self._fresh(slot, self._max_age)  # somebody else may have built it meanwhile
            if fresh is None:
                began = self._seconds()
                fresh = slot.built = build(), began
            return fresh[0]
        finally:
            slot.building.release()

    def forget(self, key: Hashable) -> None:
        """Let the next who asks for `key` get a new value."""
        with self._lock:
            self._slots.pop(key, None)

    def _fresh(self, slot: _Slot[_Value], max_age: float) -> tuple[_Value, float] | None:
        built = slot.built
        return built if built is not None and self._seconds() - built[1] < max_age else None

    def _slot(self, key: Hashable) -> _Slot[_Value]:
        with self._lock:
            slot = self._slots.get(key)
            if slot is None:
                if len(self._slots) >= _MANY:
                    self._slots.pop(next(iter(self._slots)))
                slot = self._slots[key] = _Slot()
            return slot

"""The limits that settings give to task types: of time, of memory, of how many run at once. Pure.

Each is a table of patterns (`*`, `?`, `[…]`, in upper and lower case as written), of which the first that matches counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from entrepot.settings import Settings

V = TypeVar("V")

#: Bytes of a megabyte, as sizes are printed everywhere.
MEGABYTE = 1_000_000


class Limits:
    """The limits of one engine."""

    def __init__(self, settings: Settings) -> None:
        """Take the limits from `settings`."""
        self._seconds = settings.time_limits_seconds
        self._megabytes = settings.memory_limits_mb
        self._capacities = settings.concurrency_limits

    @property
    def has_memory_limits(self) -> bool:
        """True if any task type has a memory limit."""
        return bool(self._megabytes)

    @property
    def has_concurrency_limits(self) -> bool:
        """True if any key has a limit."""
        return bool(self._capacities)

    def timeout_for(self, type_name: str, own: timedelta | None) -> timedelta | None:
        """Return how long a run of this type may take, `own` being what the type says; None: as long as it wants."""
        seconds = _first(self._seconds, type_name)
        if seconds is None:
            return own
        return timedelta(seconds=seconds) if seconds else None

    def memory_for(self, type_name: str) -> int | None:
        """Return how many bytes a process may hold while it runs a task of this type, or None for any number."""
        megabytes = _first(self._megabytes, type_name)
        return None if megabytes is None else megabytes * MEGABYTE

    def concurrency_for(self, keys: Iterable[str], own: Mapping[str, int] | None = None) -> list[tuple[str, int]]:
        """Return those of `keys` that have a limit, each once and in their order, with how many may run at once.

        `own` are limits that the type sets itself; for a key that the settings know, theirs counts.
        """
        limits: dict[str, int | None] = {**dict.fromkeys(keys), **(own or {})}
        limited = ((key, _first(self._capacities, key) or capacity) for key, capacity in limits.items())
        return [(key, capacity) for key, capacity in limited if capacity is not None]


def _first(table: Mapping[str, V], name: str) -> V | None:
    return next((value for pattern, value in table.items() if fnmatchcase(name, pattern)), None)

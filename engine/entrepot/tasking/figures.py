"""How many tasks are unfinished, and whether any of them waits for something that ought to have happened: for monitoring.

Each query reads an index of unfinished tasks; what is finished, however much, costs nothing. Only tasks that stand in line
behind others are looked up by their rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from entrepot import clock

if TYPE_CHECKING:
    from entrepot.models import Database

#: Ready tasks by queue, from the index that claims go by: how many, and the row id of the first.
_READY = "SELECT queue, COUNT(*), MIN(id) FROM task WHERE state = 'waiting' AND ready_at IS NOT NULL GROUP BY queue"
_IN_LINE = "SELECT queue, COUNT(*) FROM task WHERE state = 'waiting' AND ready_at IS NULL GROUP BY queue"
_OWNED = "SELECT state, queue, COUNT(*) FROM task WHERE owner IS NOT NULL AND finished_at IS NULL GROUP BY state, queue"
_LATE_LEASES = "SELECT COUNT(*) FROM task WHERE owner IS NOT NULL AND finished_at IS NULL AND lease_until < ?"
_LATE_STARTS = "SELECT COUNT(*) FROM task WHERE state = 'waiting' AND not_before < ?"


@dataclass(frozen=True, slots=True)
class TaskFigures:
    """What is unfinished now.

    `unfinished` holds state, queue and how many; `oldest_ready` the queue, and since when its first task in line has been
    ready without being claimed.
    """

    unfinished: tuple[tuple[str, str, int], ...]
    oldest_ready: tuple[tuple[str, timedelta], ...]

    @property
    def waiting(self) -> int:
        """How many tasks wait."""
        return sum(count for state, _, count in self.unfinished if state == "waiting")


@dataclass(frozen=True, slots=True)
class LateTasks:
    """How many tasks wait for a background loop: those of lost workers, and those whose moment has come."""

    leases: int
    starts: int


def task_figures(database: Database) -> TaskFigures:
    """Return how many tasks are unfinished, and how long those first in line have waited."""
    now = clock.now_us()
    counts: dict[tuple[str, str], int] = {}
    oldest = []
    for queue, count, first in database.rows(_READY):
        counts["waiting", queue] = count
        row = database.row("SELECT ready_at FROM task WHERE id = ?", (first,))
        if row is not None and row[0] is not None:
            oldest.append((queue, timedelta(microseconds=max(0, now - row[0]))))
    for queue, count in database.rows(_IN_LINE):
        counts["waiting", queue] = counts.get(("waiting", queue), 0) + count
    for state, queue, count in database.rows(_OWNED):
        counts[state, queue] = count
    unfinished = tuple((state, queue, count) for (state, queue), count in sorted(counts.items()))
    return TaskFigures(unfinished, tuple(sorted(oldest)))


def late_tasks(database: Database, *, by: timedelta) -> LateTasks:
    """Return how many tasks have waited longer than `by` for a loop to do its round."""
    late_us = clock.us(by)
    leases = database.row(_LATE_LEASES, (database.lease_now_us() - late_us,))
    starts = database.row(_LATE_STARTS, (clock.now_us() - late_us,))
    return LateTasks(leases[0] if leases else 0, starts[0] if starts else 0)

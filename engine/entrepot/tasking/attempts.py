"""The runs of a task that did not end it: it failed and is tried again, or its worker was lost.

Written by `completion` and `rescue`, within the transaction that puts the task back into its place in line.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.errors import JSON

if TYPE_CHECKING:
    from entrepot.models import Database

_INSERT = "INSERT INTO task_attempt (task, attempt, worker, started_at, ended_at, error) VALUES (?, ?, ?, ?, ?, ?)"
#: Tasks in one query.
_CHUNK = 500

#: Row id of the task, number of the run, worker, beginning and end (microseconds since 1970), error (JSON text).
AttemptRow = tuple[int, int, str | None, int | None, int, str | None]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a task that did not end it; the first run of a task has `number` 1.

    `started` is None if the run had been claimed and had not begun, `error` if nothing is known of why it ended.
    """

    number: int
    worker_name: str | None
    started: datetime | None
    ended: datetime
    error: dict[str, JSON] | None


def record(database: Database, rows: Sequence[AttemptRow]) -> None:
    """Keep `rows` in the caller's transaction."""
    if rows:
        database.executemany(_INSERT, rows)


def of(database: Database, tasks: Sequence[int]) -> dict[int, tuple[Attempt, ...]]:
    """Return the attempts of each of `tasks` (row ids), the oldest first; no attempts for one that has none."""
    found: dict[int, list[Attempt]] = {task: [] for task in tasks}
    for start in range(0, len(tasks), _CHUNK):
        chunk = tasks[start : start + _CHUNK]
        query = (
            "SELECT task, attempt, worker, started_at, ended_at, error FROM task_attempt "
            f"WHERE task IN ({', '.join('?' * len(chunk))}) ORDER BY task, attempt"
        )
        for task, number, worker, started, ended, error in database.rows(query, chunk):
            found[task].append(
                Attempt(
                    number,
                    worker,
                    None if started is None else clock.from_us(started),
                    clock.from_us(ended),
                    None if error is None else json.loads(error),
                )
            )
    return {task: tuple(attempts) for task, attempts in found.items()}

"""A program that enqueues all the time, and remembers what it was told."""

from __future__ import annotations

import time
from collections.abc import Sequence
from random import Random

from .effects import TRACE, once, repeatable
from .inspection import Ending, Request, badly_ended, out_of_order, overlaps, read_trace, started_again, unknown
from .stage import Stage, wait_for

#: Resources that the tasks fight for.
LINES = [f"line:{number}" for number in range(12)]
#: Tasks that wait at any time: enough for a process that has yet to start, and few enough to stand in line for each other.
BACKLOG = 40


class Traffic:
    """Tasks of all kinds for one stage."""

    def __init__(self, stage: Stage, chance: Random) -> None:
        self.stage = stage
        self.requests: list[Request] = []
        self._chance = chance
        self._seen_finished: dict[str, int] = {}

    def top_up(self) -> None:
        """Enqueue until enough tasks wait."""
        for _ in range(BACKLOG - self.stage.unfinished()):
            self.enqueue()

    def enqueue(self) -> None:
        """Enqueue one task: repeatable or not, on one line or two, now and then only to read it, or on none."""
        chance, number = self._chance, len(self.requests) + 1
        uses = chance.sample(LINES, chance.choice([0, 1, 1, 1, 1, 2]))
        if chance.random() < 0.2:
            uses = [f"shared {name}" for name in uses]
        is_repeatable = chance.random() < 0.8
        called = time.monotonic()
        handle = self.stage.engine.enqueue(repeatable if is_repeatable else once, number, uses, chance.randint(0, 50))
        self.requests.append(Request(number, tuple(uses), is_repeatable, called, time.monotonic(), handle.task_id))

    def note_finished(self) -> None:
        """Remember which tasks are finished by now, and how long the trace was after that."""
        rows = self.stage.engine.database.rows("SELECT task_id FROM task WHERE state = 'finished'")
        lines = read_trace(self.stage.folder / TRACE).lines
        for (task_id,) in rows:
            self._seen_finished.setdefault(task_id, lines)

    def wait_until_all_ended(self) -> None:
        """Wait until no task is unfinished."""
        wait_for(lambda: self.stage.unfinished() == 0, "every task has ended", lambda: unfinished_tasks(self.stage))

    def findings(self, of_others: Sequence[Request] = ()) -> list[str]:
        """Return what broke a rule, once all tasks have ended; `of_others`: what other programs asked for."""
        requests = [*self.requests, *of_others]
        trace = read_trace(self.stage.folder / TRACE)
        held = self.stage.engine.database.rows("SELECT resource, task FROM reservation")
        return [
            *overlaps(trace),
            *out_of_order(trace, requests),
            *badly_ended(trace, requests, endings(self.stage)),
            *started_again(trace, self._seen_finished),
            *unknown(trace, requests),
            *(f"task {task} still reserves {resource}" for resource, task in held),
        ]


def endings(stage: Stage) -> dict[str, Ending]:
    """Return how the tasks of `effects` ended, by id, as any program can ask."""
    return {
        report.task_id: Ending(report.state, report.is_final, report.attempt, (report.error or {}).get("code"))
        for report in stage.engine.tasks.list(tags=["effect"], limit=100_000)
    }


def unfinished_tasks(stage: Stage) -> str:
    """Describe what has not ended, for a message."""
    columns = "id, task_type, state, ready_at, owner, attempt, rescues, lease_until"
    rows = stage.engine.database.rows(f"SELECT {columns} FROM task WHERE finished_at IS NULL ORDER BY id LIMIT 20")
    held = stage.engine.database.rows("SELECT resource, task, exclusive FROM reservation ORDER BY resource, task LIMIT 40")
    return "\n".join([columns, *map(str, rows), "reservations:", *map(str, held)])

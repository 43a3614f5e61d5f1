"""A program that enqueues all the time, cancels now and then, and remembers what it was told."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from random import Random

from entrepot import TaskHandle
from entrepot.errors import DatabaseError

from . import effects
from .canceler import look
from .inspection import (
    Cancel,
    Ending,
    Request,
    badly_canceled,
    badly_ended,
    badly_spawned,
    badly_written,
    crowds,
    out_of_order,
    overlaps,
    started_again,
    unknown,
)
from .process import wait_for
from .stage import Stage
from .trace import UNFLUSHED_SECONDS, read_trace

#: Resources that the tasks fight for.
LINES = [f"line:{number}" for number in range(12)]
#: Tasks that wait at any time: enough for a process that has yet to start, and few enough to stand in line for each other.
BACKLOG = 40
#: Kinds of tasks, and how often each comes.
_KINDS = {
    effects.repeatable: 45,
    effects.once: 15,
    effects.patient: 10,
    effects.limited: 10,
    effects.failing: 10,
    effects.writing: 10,
}


class Taken(Exception):
    """Undoes a transaction."""


class Traffic:
    """Tasks of all kinds for one stage."""

    def __init__(self, stage: Stage, chance: Random) -> None:
        self.stage = stage
        self.requests: list[Request] = []
        self.cancels: list[Cancel] = []
        self._chance = chance
        self._number = 0
        self._seen_finished: dict[str, tuple[int, float]] = {}

    def top_up(self) -> None:
        """Enqueue until enough tasks wait; and now and then one in a transaction that is rolled back."""
        for _ in range(BACKLOG - self.stage.unfinished()):
            self.enqueue()
            if self._chance.random() < 0.1:
                self.roll_back()

    def enqueue(self, kind: object = None, *, milliseconds: int = 50, on_lines: bool = True) -> TaskHandle | None:
        """Enqueue one task: of some kind, on one line or two, now and then only to read it, or on none; some are delayed."""
        chance = self._chance
        function = kind or chance.choices(list(_KINDS), weights=list(_KINDS.values()))[0]
        uses = chance.sample(LINES, chance.choice([0, 1, 1, 1, 1, 2]) if on_lines else 0)
        if chance.random() < 0.2:
            uses = [f"shared {name}" for name in uses]
        delay = timedelta(seconds=chance.uniform(0.01, 0.5)) if chance.random() < 0.1 else None
        priority = chance.choice(["high", "low", None, None, None, None])
        self._number += 1
        called, handle = time.monotonic(), None
        try:
            handle = self.stage.engine.enqueue(
                function, self._number, uses, chance.randint(0, milliseconds), not_before=delay, priority=priority
            )
        except DatabaseError:  # away: nobody was told anything
            returned = None
        else:
            returned = time.monotonic()
        task_id = handle.task_id if handle else None
        is_repeatable = function is not effects.once
        is_delayed = delay is not None
        self.requests.append(Request(self._number, tuple(uses), is_repeatable, called, returned, task_id, is_delayed))
        return handle

    def plant(self) -> TaskHandle:
        """Enqueue a task that spawns others, which spawn others."""
        self._number += 1
        chance = self._chance
        depth, width = chance.randint(1, 3), chance.randint(2, 4)
        uses = chance.sample(LINES, chance.choice([0, 1]))
        called = time.monotonic()
        handle = self.stage.engine.enqueue(effects.growing, self._number, uses, chance.randint(10, 60), depth, width)
        request = Request(self._number, tuple(uses), True, called, time.monotonic(), handle.task_id)
        self.requests.append(request)
        return handle

    def roll_back(self) -> None:
        """Enqueue a task, and think better of it: it must never run, and no bell may ring for it."""
        try:
            with self.stage.engine.transaction():
                self.stage.engine.enqueue(effects.repeatable, -1, [], 0)
                raise Taken
        except (Taken, DatabaseError):
            return

    def cancel(self, handle: TaskHandle, *, is_tree: bool = False) -> None:
        """Cancel a task, or the tree under it, and look how each of them is then."""
        state = handle.state
        found_something = handle.cancel(with_spawned=is_tree)
        after = look(self.stage.engine.database, handle.task_id, is_tree=is_tree)
        self.cancels.append(Cancel(handle.task_id, is_tree, found_something, after))
        self.stage.note(f"~{'tree under a task' if is_tree else 'task'} that was {state}")

    def note_finished(self) -> None:
        """Remember which tasks are finished by now, and how long the trace was after that."""
        rows = self.stage.rows("SELECT task_id FROM task WHERE state = 'finished'")
        lines, now = read_trace(self.stage.folder / effects.TRACE).lines, time.monotonic()
        for (task_id,) in rows:
            self._seen_finished.setdefault(task_id, (lines, now))

    def forget_unflushed(self, crash: float) -> None:
        """Forget what was seen of a PostgreSQL server that ended at this moment, and that it may not remember itself."""
        kept = {task_id: seen for task_id, seen in self._seen_finished.items() if seen[1] < crash - UNFLUSHED_SECONDS}
        self._seen_finished = kept

    def wait_until_all_ended(self) -> None:
        """Wait until no task is unfinished."""
        wait_for(lambda: self.stage.unfinished() == 0, "every task has ended", lambda: unfinished_tasks(self.stage))

    def findings(self, of_others: Sequence[Request] = (), canceled_by_others: Sequence[Cancel] = ()) -> list[str]:
        """Return what broke a promise, once all tasks have ended; others: what other programs asked for."""
        stage, ghosts = self.stage, self.stage.disturbances
        requests, cancels = [*self.requests, *of_others], [*self.cancels, *canceled_by_others]
        trace, ended = read_trace(stage.folder / effects.TRACE), endings(stage)
        finished = {task_id: lines for task_id, (lines, _) in self._seen_finished.items()}
        canceled = {task_id for cancel in cancels for task_id in (cancel.task_id, *cancel.after)}
        parents = "SELECT child.task_id, parent.task_id FROM task AS child JOIN task AS parent ON parent.id = child.parent"
        return [
            *overlaps(trace, ghosts),
            *crowds(trace, "limited", effects.LIMIT, ghosts),
            *out_of_order(trace, requests, ghosts),
            *badly_ended(trace, requests, ended, canceled, ghosts),
            *started_again(trace, finished, ghosts),
            *badly_written(trace, stage.rows("SELECT task, attempt FROM written ORDER BY id"), ended, ghosts),
            *badly_canceled(cancels, ended),
            *badly_spawned(trace, dict(stage.rows(parents)), cancels),
            *unknown(trace, requests),
            *stage.standing(),
            *stage.blunders(),
        ]


def endings(stage: Stage) -> dict[str, Ending]:
    """Return how the tasks of `effects` ended, by id, as any program can ask."""
    return {
        report.task_id: Ending(report.state, report.is_final, report.attempt, (report.error or {}).get("code"))
        for report in stage.engine.tasks.list(tags=["effect"], limit=100_000)
    }


def unfinished_tasks(stage: Stage) -> str:
    """Describe what has not ended, for a message."""
    columns = "id, task_type, state, ready_at, not_before, owner, attempt, rescues, lease_until"
    rows = stage.rows(f"SELECT {columns} FROM task WHERE finished_at IS NULL ORDER BY id LIMIT 20")
    held = stage.rows("SELECT resource, task, exclusive, capacity FROM reservation ORDER BY resource, task LIMIT 40")
    return "\n".join([columns, *map(str, rows), "reservations:", *map(str, held)])

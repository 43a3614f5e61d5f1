"""Why a task waits, found when somebody asks; nothing of it is kept.

Few statements, however many tasks are asked about: the lines they stand in, who is first there, the workers, what runs.
The position in a line is a range count of an index: it costs as much as the line is long (10,000 waiting on one resource:
about a millisecond on SQLite, five on PostgreSQL). For a ready task those before it are counted, up to `MOST_COUNTED`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from entrepot import clock
from entrepot.errors import JSON
from entrepot.tasking.resources import LIMIT
from entrepot.tasking.workers import NAME_PREFIX

if TYPE_CHECKING:
    from entrepot.models import Database

Reason = Literal["scheduled", "retry", "resource", "limit", "paused", "no worker", "busy", "ready"]

#: Ready tasks before a ready one are counted up to so many.
MOST_COUNTED = 1_000
#: Tasks in one statement.
_CHUNK = 500
#: Where tasks stand in their lines, and who is first there: for a shared one the first exclusive one. Each row of a line is
#: counted twice, however many tasks ask: those between one that asks and the next, and then the sums of these.
_LINES = """
WITH mine AS MATERIALIZED (
    SELECT task, resource, exclusive, capacity, LAG(task, 1, 0) OVER (PARTITION BY resource ORDER BY task) AS previous
    FROM reservation WHERE task IN ({marks})
), places AS MATERIALIZED (
    SELECT mine.*, (SELECT COUNT(*) FROM reservation AS line WHERE line.resource = mine.resource
                    AND line.task > mine.previous AND line.task <= mine.task) AS step
    FROM mine
), lines AS MATERIALIZED (
    SELECT asked.resource, (SELECT COUNT(*) FROM reservation AS line WHERE line.resource = asked.resource) AS length,
        (SELECT MIN(line.task) FROM reservation AS line WHERE line.resource = asked.resource) AS first,
        (SELECT MIN(line.task) FROM reservation AS line
         WHERE line.resource = asked.resource AND line.exclusive = TRUE) AS first_exclusive
    FROM (SELECT DISTINCT resource FROM mine) AS asked
)
SELECT task, places.resource, capacity, SUM(step) OVER (PARTITION BY places.resource ORDER BY task), length,
    CASE WHEN exclusive OR capacity IS NOT NULL THEN first ELSE first_exclusive END
FROM places JOIN lines ON lines.resource = places.resource ORDER BY places.resource, task
"""
_HOLDERS = "SELECT id, task_id, task_type, tags, state, started_at FROM task WHERE id IN ({marks})"
_RUNNING = "SELECT owner, COUNT(*) FROM task WHERE owner IS NOT NULL AND finished_at IS NULL GROUP BY owner"
_READY = "SELECT 1 FROM task WHERE state = 'waiting' AND ready_at IS NOT NULL{queues}"
#: By two ranges of an index: as a comparison of pairs, SQLite would walk through all of the same priority.
_READY_BEFORE = f"""
SELECT COUNT(*) FROM (
    {_READY} AND priority < ? UNION ALL {_READY} AND priority = ? AND id < ? LIMIT {MOST_COUNTED}
) AS before
"""
_SECONDS_IN = (("days", 86_400), ("h", 3_600), ("min", 60))


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why a task waits: a word for programs, a sentence for people, and the data that the sentence is made of.

    | reason | data |
    |---|---|
    | `scheduled` | `not_before` |
    | `retry` | `not_before`, `tries`, `error` |
    | `resource` | `resource`, `position`, `of`, `task_id`, `task_type`, `title`, `state`, `since`; `all` that hold it up |
    | `limit` | `limit`, `capacity`, `position`, `of`; `all` that hold it up |
    | `paused` | `queue`, `workers` |
    | `no worker` | `queue`, `served_queues` |
    | `busy`, `ready` | `queue`, `workers`, `threads`, `running`, `ready_before` (1,000 means: or more) |

    A position counts those that hold the resource: 2 is the next one.
    """

    reason: Reason
    text: str
    data: dict[str, JSON]


@dataclass(frozen=True, slots=True)
class WaitingTask:
    """What is to be known of a task that waits; `id` is its row id, moments are microseconds since 1970."""

    id: int
    queue: str
    priority: int
    not_before: int | None
    is_ready: bool
    attempt: int
    retries: int
    last_error: str | None


def explain(database: Database, tasks: Sequence[WaitingTask], *, lease: timedelta) -> dict[int, Waiting]:
    """Return why each of `tasks` waits, by row id; a worker that gave no sign of life for a `lease` is none."""
    now = clock.now_us()
    found = {task.id: _not_yet(task, task.not_before, now) for task in tasks if task.not_before is not None}
    found |= _held_up(database, [task.id for task in tasks if task.not_before is None and not task.is_ready], now)
    staff = _Staff(database, now - clock.us(lease))
    others = [task for task in tasks if task.id not in found]
    for task in sorted(others, key=lambda task: (task.priority, task.id)):
        found[task.id] = staff.explain(task)
    return found


def title(task_type: str, tags: Iterable[str]) -> str:
    """Return what a task is called to people: its action and its repository where its tags tell them.

    Source of the tags: the Pulp 2 REST contract, section 3.3 (`pulp:action:sync`, `pulp:repository:zoo`).
    """
    found: dict[str, str] = {}
    for tag in tags:
        kind, _, value = tag.removeprefix("pulp:").partition(":")
        found.setdefault(kind, value)
    words = [found.get("action", ""), found.get("repository", "")]
    return " ".join(word for word in words if word) or task_type


def rough_text(span: timedelta) -> str:
    """Return a span in one unit: `8 s`, `12 min`, `5 h`, `3 days`; up to two of a unit are told in the next smaller one."""
    seconds = round(span.total_seconds())
    for unit, length in _SECONDS_IN:
        if seconds >= 2 * length:
            return f"{round(seconds / length):,} {unit}"
    return f"{seconds} s"


def _not_yet(task: WaitingTask, not_before: int, now: int) -> Waiting:
    """Explain a task that waits for a moment; one that is due waits for a loop to see it."""
    moment = clock.from_us(not_before)
    when = f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    distance = rough_text(timedelta(microseconds=abs(not_before - now)))
    distance = f"in {distance}" if not_before > now else f"{distance} ago"
    data: dict[str, JSON] = {"not_before": clock.iso(moment)}
    if task.attempt == 0:
        verb = "starts" if not_before > now else "was to start"
        return Waiting("scheduled", f"{verb} at {when} ({distance})", data)
    tries = "once" if task.retries == 1 else f"{task.retries} times"
    verb = "tried again" if not_before > now else "was to be tried again"
    error = f": {task.last_error}" if task.last_error else ""
    data |= {"tries": task.retries, "error": task.last_error}
    return Waiting("retry", f"tried {tries}; {verb} at {when} ({distance}){error}", data)


@dataclass(frozen=True, slots=True)
class _Line:
    """A place in a line that is too far behind; `first` is the row id of the task that holds it up."""

    resource: str
    capacity: int | None
    position: int
    of: int
    first: int

    @property
    def place(self) -> str:
        return f"position {self.position:,} of {self.of:,}"


@dataclass(frozen=True, slots=True)
class _Holder:
    """A task that is in front of others."""

    id: int
    task_id: str
    task_type: str
    title: str
    state: str
    since: int | None


def _held_up(database: Database, tasks: Sequence[int], now: int) -> dict[int, Waiting]:
    """Explain those of `tasks` (row ids) that are too far behind in a line."""
    lines: dict[int, list[_Line]] = {}
    for start in range(0, len(tasks), _CHUNK):
        chunk = tasks[start : start + _CHUNK]
        for task, resource, capacity, position, of, first in database.rows(_LINES.format(marks=_marks(chunk)), chunk):
            if position > capacity if capacity is not None else first is not None and first < task:
                lines.setdefault(task, []).append(_Line(resource, capacity, int(position), of, first))
    holders = _holders(database, sorted({line.first for found in lines.values() for line in found}))
    explained = {task: _behind(found, holders, now) for task, found in lines.items()}
    return {task: waiting for task, waiting in explained.items() if waiting is not None}


def _holders(database: Database, tasks: Sequence[int]) -> dict[int, _Holder]:
    found = {}
    for start in range(0, len(tasks), _CHUNK):
        chunk = tasks[start : start + _CHUNK]
        for id_, task_id, task_type, tags, state, since in database.rows(_HOLDERS.format(marks=_marks(chunk)), chunk):
            found[id_] = _Holder(id_, task_id, task_type, title(task_type, json.loads(tags)), state, since)
    return found


def _behind(lines: Sequence[_Line], holders: dict[int, _Holder], now: int) -> Waiting | None:
    """Name the line whose first task runs, or else came earliest; None if those in front have just gone."""
    held = [(line, holders[line.first]) for line in lines if line.capacity is None and line.first in holders]
    limits = [line for line in lines if line.capacity is not None]
    everything: list[JSON] = [*(_held_data(line, holder) for line, holder in held), *map(_limit_data, limits)]
    if held:
        line, holder = min(held, key=lambda pair: (pair[1].state == "waiting", pair[1].id))
        who = f"task {holder.task_id} ({holder.title}, {_doing(holder, now)})"
        verb = "is reserved by the earlier" if holder.state == "waiting" else "is held by"
        return Waiting(
            "resource", f"{line.resource} {verb} {who}; {line.place}", {**_held_data(line, holder), "all": everything}
        )
    if limits:
        line = max(limits, key=lambda limit: limit.position - (limit.capacity or 0))
        text = f"at most {line.capacity} at once for {line.resource.removeprefix(LIMIT)}; {line.place}"
        return Waiting("limit", text, {**_limit_data(line), "all": everything})
    return None


def _held_data(line: _Line, holder: _Holder) -> dict[str, JSON]:
    return {
        "resource": line.resource,
        "position": line.position,
        "of": line.of,
        "task_id": holder.task_id,
        "task_type": holder.task_type,
        "title": holder.title,
        "state": holder.state,
        "since": None if holder.since is None else clock.iso(clock.from_us(holder.since)),
    }


def _limit_data(line: _Line) -> dict[str, JSON]:
    return {
        "limit": line.resource.removeprefix(LIMIT),
        "capacity": line.capacity,
        "position": line.position,
        "of": line.of,
    }


def _doing(holder: _Holder, now: int) -> str:
    if holder.state == "canceled":
        return "canceled, still stopping"
    if holder.since is None:
        return holder.state
    return f"{holder.state} for {rough_text(timedelta(microseconds=now - holder.since))}"


@dataclass(frozen=True, slots=True)
class _Worker:
    """A worker that is alive; it serves every queue if it names none. `drains` are what its drain is remembered by."""

    name: str
    short_name: str
    threads: int
    queues: frozenset[str]
    drains: frozenset[str]

    def serves(self, queue: str) -> bool:
        return not self.queues or queue in self.queues


class _Staff:
    """The workers of one moment, looked up by the first question; tasks are asked about in the order of their claims."""

    def __init__(self, database: Database, oldest_beat: int) -> None:
        self._database = database
        self._oldest_beat = oldest_beat
        self._uncounted: set[frozenset[str]] = set()

    def explain(self, task: WaitingTask) -> Waiting:
        """Say why a task waits that is ready, or about to be."""
        serving = [worker for worker in self._workers if worker.serves(task.queue)]
        if not serving:
            return self._no_worker(task.queue)
        active = [worker for worker in serving if not worker.drains]
        if not active:
            return _paused(task.queue, serving)
        threads = sum(worker.threads for worker in active)
        running = sum(self._running.get(worker.name, 0) for worker in active)
        before = self._ready_before(task, active)
        data: dict[str, JSON] = {
            "queue": task.queue,
            "workers": len(active),
            "threads": threads,
            "running": running,
            "ready_before": before,
        }
        count = f"{before:,}{' or more' if before == MOST_COUNTED else ''}"
        ahead = f"{count} ready task{' is' if before == 1 else 's are'} before it"
        if before < threads - running:
            return Waiting("ready", "a worker is about to take it" + (f"; {ahead}" if before else ""), data)
        staff = f"{running:,} of {_count(threads, 'thread')} of {_count(len(active), 'worker')}"
        return Waiting("busy", f"{staff} {'is' if threads == 1 else 'are'} busy; {ahead}", data)

    def _no_worker(self, queue: str) -> Waiting:
        served = sorted(frozenset[str]().union(*(worker.queues for worker in self._workers)))
        if self._workers:
            text = f"no worker serves queue {queue}, only {', '.join(served)}; start one: entrepot worker --queue {queue}"
        else:
            text = "no worker is running; start one: entrepot worker"
        return Waiting("no worker", text, {"queue": queue, "served_queues": list(served)})

    @cached_property
    def _workers(self) -> list[_Worker]:
        """Those that are alive; one that is about to be replaced claims nothing more."""
        rows = self._database.rows(
            "SELECT name, host, threads, queues FROM worker WHERE beat_at >= ? AND state <> 'retiring' ORDER BY name",
            (self._oldest_beat,),
        )
        drains = frozenset(row[0] for row in self._database.rows("SELECT target FROM worker_drain"))
        return [
            _Worker(
                name=name,
                short_name=name.removeprefix(NAME_PREFIX).removesuffix(f"@{host}"),
                threads=threads,
                queues=frozenset(json.loads(queues)),
                drains=drains & {"all", f"host:{host}", f"worker:{name}"},
            )
            for name, host, threads, queues in rows
        ]

    @cached_property
    def _running(self) -> dict[str, int]:
        """How many tasks each worker runs; one that was canceled and has not stopped yet keeps its thread."""
        return dict(self._database.rows(_RUNNING))

    def _ready_before(self, task: WaitingTask, active: Sequence[_Worker]) -> int:
        """Count what the workers would claim before `task`; no more once there were too many before an earlier one."""
        serves_all = any(not worker.queues for worker in active)
        queues = frozenset[str]() if serves_all else frozenset[str]().union(*(worker.queues for worker in active))
        if queues in self._uncounted:
            return MOST_COUNTED
        only = f" AND queue IN ({_marks(queues)})" if queues else ""
        values = (*queues, task.priority, *queues, task.priority, task.id)
        row = self._database.row(_READY_BEFORE.format(queues=only), values)
        count = int(row[0]) if row else 0
        if count == MOST_COUNTED:
            self._uncounted.add(queues)
        return count


def _paused(queue: str, workers: Sequence[_Worker]) -> Waiting:
    """Say how to let the drained workers claim again: all, those of a host, or one."""
    worker = min(workers, key=lambda worker: min(worker.drains))  # "all" before "host:…" before "worker:…"
    kind, _, name = min(worker.drains).partition(":")
    which = {"all": "--all", "host": f"--host {name}", "worker": worker.short_name}[kind]
    who = f"worker {worker.short_name} is" if len(workers) == 1 else f"all {len(workers):,} workers of queue {queue} are"
    data: dict[str, JSON] = {"queue": queue, "workers": [worker.name for worker in workers]}
    return Waiting("paused", f"{who} drained; resume: entrepot worker resume {which}", data)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))

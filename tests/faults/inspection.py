"""The rules, checked on the trace that the tasks left, on what the enqueuers were told, and on how the tasks ended.

Every check returns the list of its findings, empty if all is well.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TypeVar


@dataclass(frozen=True)
class Request:
    """A task as its enqueuer knows it: when `enqueue` was called and when it returned, on the monotonic clock.

    `returned` and `task_id` are None if it never did: the enqueuer died inside.
    """

    number: int
    uses: tuple[str, ...]
    is_repeatable: bool
    called: float
    returned: float | None
    task_id: str | None


@dataclass
class Run:
    """One run of a task: the lines of its start and of its end in the trace; None if it was killed before."""

    number: int
    task_id: str
    attempt: int
    pid: int
    uses: tuple[str, ...]
    start: int
    end: int | None = None


T = TypeVar("T", Run, Request)


@dataclass(frozen=True)
class Ending:
    """What the engine says of a task."""

    state: str
    is_final: bool
    attempt: int
    code: object = None


@dataclass
class Trace:
    """The effects' own log."""

    runs: list[Run] = field(default_factory=list)
    overlaps: list[str] = field(default_factory=list)
    lines: int = 0

    def of(self, task_id: str) -> list[Run]:
        """Return the runs of one task, in order."""
        return [run for run in self.runs if run.task_id == task_id]

    def by_task(self) -> dict[str, list[Run]]:
        """Return the runs of each task, in order."""
        found: dict[str, list[Run]] = defaultdict(list)
        for run in self.runs:
            found[run.task_id].append(run)
        return found


def read_trace(path: Path) -> Trace:
    """Read the trace."""
    return trace_of(path.read_text().splitlines() if path.exists() else [])


def trace_of(lines: Iterable[str]) -> Trace:
    """Make runs of the lines of a trace."""
    trace = Trace()
    open_runs: dict[tuple[str, int, int], Run] = {}
    for text in lines:
        line = json.loads(text)
        key = (line["task"], line["attempt"], line["pid"])
        if line["event"] == "overlap":
            trace.overlaps.append(f"task number {line['number']} ran beside another on {line['on']}")
        elif line["event"] == "start":
            run = Run(line["number"], line["task"], line["attempt"], line["pid"], tuple(line["uses"]), trace.lines)
            trace.runs.append(run)
            open_runs[key] = run
        else:
            open_runs[key].end = trace.lines
        trace.lines += 1
    return trace


def overlaps(trace: Trace) -> list[str]:
    """Find runs beside another on what one of them had to itself: by the kernel's locks, and by the order of the lines."""
    found = list(trace.overlaps)
    for resource, runs in _by_resource(trace.runs):
        for earlier, later in _conflicting(runs, resource):
            if earlier.end is not None and earlier.start < later.start < earlier.end:
                found.append(f"number {later.number} started on {resource} before number {earlier.number} had ended")
    return found


def out_of_order(trace: Trace, requests: Iterable[Request]) -> list[str]:
    """Find a task that ran before one that was acknowledged before it was enqueued, where both reserved the same.

    A run after a kill counts as well: the earlier task's last start precedes the later one's first.
    """
    found = []
    starts = {number: [run.start for run in runs] for number, runs in _by_number(trace.runs).items()}
    for resource, asked in _by_resource([request for request in requests if request.number in starts]):
        for earlier, later in _conflicting(asked, resource):
            is_before = earlier.returned is not None and earlier.returned < later.called
            if is_before and starts[earlier.number][-1] > starts[later.number][0]:
                found.append(f"number {later.number} ran on {resource} before number {earlier.number} was done with it")
    return found


def badly_ended(trace: Trace, requests: Iterable[Request], endings: Mapping[str, Ending]) -> list[str]:
    """Find tasks that were lost, that ended as they may not, that ran more often than claimed, or again after their end."""
    found = []
    runs_of = trace.by_task()
    for request in requests:
        if request.task_id is None:
            continue
        ending, runs = endings.get(request.task_id), runs_of.get(request.task_id, [])
        who = f"number {request.number} ({request.task_id})"
        if ending is None:
            found.append(f"{who} was acknowledged and is lost")
            continue
        attempts = [run.attempt for run in runs]
        if not ending.is_final:
            found.append(f"{who} has not ended: it is {ending.state}")
        elif ending.state != "finished" and (request.is_repeatable or (ending.state, ending.code) != ("error", "PLP0049")):
            found.append(f"{who} ended as {ending.state} {ending.code}")
        if any(later <= earlier for earlier, later in pairwise(attempts)) or any(
            attempt > ending.attempt for attempt in attempts
        ):
            found.append(f"{who} ran as attempts {attempts}, and was claimed {ending.attempt} times")
        if not request.is_repeatable and len(runs) > 1:
            found.append(f"{who} may not run twice, and started {len(runs)} times")
        if ending.state == "finished" and not (runs and runs[-1].attempt == ending.attempt and runs[-1].end is not None):
            found.append(f"{who} is finished by attempt {ending.attempt}, which left no whole trace")
    return found


def started_again(trace: Trace, finished: Mapping[str, int]) -> list[str]:
    """Find tasks that started after they had been seen finished; `finished`: task id -> lines of the trace at that moment."""
    return [
        f"number {run.number} ({run.task_id}) started again after it had finished"
        for run in trace.runs
        if run.start >= finished.get(run.task_id, trace.lines)
    ]


def unknown(trace: Trace, requests: Iterable[Request]) -> list[str]:
    """Find effects of tasks that nobody asked for."""
    asked = {request.number for request in requests}
    return [f"number {run.number} ran, and nobody asked for it" for run in trace.runs if run.number not in asked]


def _by_number(runs: Iterable[Run]) -> dict[int, list[Run]]:
    found: dict[int, list[Run]] = defaultdict(list)
    for run in runs:
        found[run.number].append(run)
    return found


def _by_resource(items: Iterable[T]) -> Iterator[tuple[str, list[T]]]:
    found: dict[str, list[T]] = defaultdict(list)
    for item in items:
        for name in item.uses:
            found[name.removeprefix("shared ")].append(item)
    yield from found.items()


def _conflicting(items: Sequence[T], resource: str) -> Iterator[tuple[T, T]]:
    """Yield the pairs (earlier, later) of different tasks of which at least one had `resource` to itself."""
    for index, earlier in enumerate(items):
        for later in items[index + 1 :]:
            if earlier.number != later.number and (resource in earlier.uses or resource in later.uses):
                yield earlier, later

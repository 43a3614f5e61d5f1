"""What tasks left outside the database, read back; and what was done to processes and servers meanwhile."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

#: Seconds before the end of a PostgreSQL server whose commits that nobody waited for may be lost. It flushes what was written
#: five times a second, and takes three rounds at most; on a busy machine a round may be late. Source: PostgreSQL's
#: documentation, 30.4.
UNFLUSHED_SECONDS = 2.0


@dataclass
class Run:
    """One run of a task: the lines of its start and of its end in the trace, and their moments on the monotonic clock.

    `claimed_at`: when the worker asked for the task, which it may begin much later if it or the machine is busy. `end` and
    `ended_at` are None if it was killed before. `is_whole` if the function returned.
    """

    number: int
    kind: str
    task_id: str
    attempt: int
    pid: int
    uses: tuple[str, ...]
    start: int
    started_at: float
    claimed_at: float
    end: int | None = None
    ended_at: float | None = None
    is_whole: bool = False

    def __str__(self) -> str:
        """Say when it was what, in seconds."""
        ended = "never ended" if self.ended_at is None else f"ended at {self.ended_at:.3f}"
        began = f"claimed at {self.claimed_at:.3f}, started at {self.started_at:.3f}"
        return f"attempt {self.attempt} of process {self.pid} {began}, {ended}"


@dataclass(frozen=True)
class Overlap:
    """The kernel refused a lock: what the run `by` had reserved, another held."""

    number: int
    pid: int
    resource: str
    at: float


@dataclass
class Trace:
    """The effects' own log."""

    runs: list[Run] = field(default_factory=list)
    overlaps: list[Overlap] = field(default_factory=list)
    spawned: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    refused: list[tuple[str, int, str]] = field(default_factory=list)
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


@dataclass
class Disturbances:
    """What makes a run a ghost: it goes on, although the database knows of its claim no more.

    `freezes`: process id, and from when to when on the monotonic clock; `crashes`: when PostgreSQL was told to end at once,
    and when it had, which can be seconds later on a busy machine.
    """

    freezes: list[tuple[int, float, float]] = field(default_factory=list)
    crashes: list[tuple[float, float]] = field(default_factory=list)

    def froze(self, run: Run) -> bool:
        """Return True if the process of this run was frozen between its claim, which it may begin much later, and its end."""
        return any(
            pid == run.pid and run.claimed_at <= until and (run.ended_at is None or run.ended_at >= since)
            for pid, since, until in self.freezes
        )

    def may_have_forgotten(self, run: Run) -> bool:
        """Return True if the claim of this run, or its end, may have been lost when PostgreSQL ended."""
        return any(
            run.claimed_at <= ended and (run.ended_at is None or run.ended_at >= told - UNFLUSHED_SECONDS)
            for told, ended in self.crashes
        )

    def is_ghost(self, run: Run) -> bool:
        """Return True if the run may go on beside whoever has the task, or the resource, by now."""
        return self.froze(run) or self.may_have_forgotten(run)


def read_trace(path: Path) -> Trace:
    """Read the trace."""
    return trace_of(path.read_text().splitlines() if path.exists() else [])


def trace_of(lines: Iterable[str]) -> Trace:
    """Make runs of the lines of a trace."""
    trace = Trace()
    open_runs: dict[str, Run] = {}
    for text in lines:
        line = json.loads(text)
        match line["event"]:
            case "overlap":
                trace.overlaps.append(Overlap(line["number"], line["pid"], line["on"].removeprefix("shared "), line["at"]))
            case "start":
                run = Run(
                    line["number"],
                    line["kind"],
                    line["task"],
                    line["attempt"],
                    line["pid"],
                    tuple(line["uses"]),
                    trace.lines,
                    line["at"],
                    line["claimed_at"],
                )
                trace.runs.append(run)
                open_runs[line["run"]] = run
            case "end" | "stopped":
                ended = open_runs[line["run"]]
                ended.end, ended.ended_at, ended.is_whole = trace.lines, line["at"], line["event"] == "end"
            case "spawned":
                trace.spawned[line["task"]].append(line["child"])
            case "refused":
                trace.refused.append((line["task"], line["attempt"], line["what"]))
        trace.lines += 1
    return trace

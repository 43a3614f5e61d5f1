"""The promises of the engine, checked on the trace that tasks left, on what programs were told, and on how tasks ended.

1. *Accepted is kept.* What was acknowledged exists, whole, and ends; what was not exists whole or not at all. (`badly_ended`)
2. *Never two at once* on what one of them reserved exclusively, nor more than a limit allows. (`overlaps`, `crowds`)
3. *Order*: on one resource, what was acknowledged before another was enqueued runs before it, also when it runs again.
   (`out_of_order`)
4. *Final is final*: no run begins after the end; each claim is one attempt, and what may not run twice does not.
   (`badly_ended`, `started_again`)
5. *Who lost the lease changes nothing*: no write, no child, no end by a runner that was fenced out. (`badly_written`)
6. *Canceled is canceled*: a cancel that was acknowledged holds, whatever it raced; nothing claims the task any more, and
   nothing that it spawned survives the cancel of its tree. (`badly_canceled`)
7. *A bell names a row*: nothing is rung for before it is committed. (`standing`, with what Redis holds)
8. *The ended hold nothing.* (`standing`)

Two disturbances make ghosts, runs that go on although nobody waits for them: a process that was frozen for longer than its
lease, and the sudden end of a PostgreSQL server, which may forget the last claims and ends (docs/guarantees.md, "A power
cut"). Ghosts are excused from 2, 3 and from what 4 says of runs, where the disturbance explains it; never from the rest.

Every check returns the list of its findings, empty if all is well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from .trace import Disturbances, Run, Trace

_CALM = Disturbances()


@dataclass(frozen=True)
class Request:
    """A task as its enqueuer knows it: when `enqueue` was called and when it returned, on the monotonic clock.

    `returned` and `task_id` are None if it never did: the enqueuer died inside, or the database did. A delayed task stands
    in no line until it is due.
    """

    number: int
    uses: tuple[str, ...]
    is_repeatable: bool
    called: float
    returned: float | None
    task_id: str | None
    is_delayed: bool = False


@dataclass(frozen=True)
class Ending:
    """What the engine says of a task."""

    state: str
    is_final: bool
    attempt: int
    code: object = None


@dataclass(frozen=True)
class Cancel:
    """A cancel of a task, or of the tree under it: what it returned, and how each task that it was for was right after.

    `found_something` is None, and `after` is empty, if it never returned: the canceler died inside.
    """

    task_id: str
    is_tree: bool
    found_something: bool | None
    after: Mapping[str, Ending]


T = TypeVar("T", Run, Request)


def overlaps(trace: Trace, disturbances: Disturbances = _CALM) -> list[str]:
    """Find runs beside another on what one of them had to itself: by the kernel's locks, and by the order of the lines."""
    found = [
        f"number {overlap.number} ran beside another on {overlap.resource}"
        for overlap in trace.overlaps
        if not any(
            disturbances.is_ghost(run)
            and overlap.resource in map(_bare, run.uses)
            and run.started_at <= overlap.at
            and (run.ended_at is None or run.ended_at >= overlap.at)
            for run in trace.runs
        )
    ]
    for resource, runs in _by_resource(trace.runs):
        for earlier, later in _conflicting(runs, resource):
            is_beside = earlier.end is not None and earlier.start < later.start < earlier.end
            if is_beside and not (disturbances.is_ghost(earlier) or disturbances.is_ghost(later)):
                found.append(f"number {later.number} started on {resource} before number {earlier.number} had ended")
    return found


def crowds(trace: Trace, kind: str, limit: int, disturbances: Disturbances = _CALM) -> list[str]:
    """Find moments at which more tasks of one kind ran than may; one that was killed counts as ended when it started."""
    runs = [run for run in trace.runs if run.kind == kind and run.end is not None and not disturbances.is_ghost(run)]
    found = []
    for run in runs:
        beside = [other for other in runs if other.start < run.start < (other.end or 0)]
        if len(beside) >= limit:
            found.append(f"number {run.number} started beside {len(beside)} others, and {limit} may run at once")
    return found


def out_of_order(trace: Trace, requests: Iterable[Request], disturbances: Disturbances = _CALM) -> list[str]:
    """Find a task that ran before one that was acknowledged before it was enqueued, where both reserved the same.

    A run after a kill counts as well: the earlier task's last start precedes the later one's first.
    """
    found = []
    starts: dict[int, list[int]] = defaultdict(list)
    for run in trace.runs:
        if not disturbances.is_ghost(run):
            starts[run.number].append(run.start)
    for resource, asked in _by_resource([request for request in requests if request.number in starts]):
        for earlier, later in _conflicting(asked, resource):
            is_before = earlier.returned is not None and not earlier.is_delayed and earlier.returned < later.called
            if is_before and starts[earlier.number][-1] > starts[later.number][0]:
                found.append(f"number {later.number} ran on {resource} before number {earlier.number} was done with it")
    return found


def badly_ended(
    trace: Trace,
    requests: Iterable[Request],
    endings: Mapping[str, Ending],
    canceled: Collection[str] = (),
    disturbances: Disturbances = _CALM,
) -> list[str]:
    """Find tasks that were lost, that ended as they may not, that ran more often than claimed, or again after their end.

    `canceled`: those that somebody may have canceled.
    """
    found = []
    runs_of = trace.by_task()
    for request in requests:
        if request.task_id is None:
            continue
        ending, runs = endings.get(request.task_id), runs_of.get(request.task_id, [])
        who, history = f"number {request.number} ({request.task_id})", "; ".join(map(str, runs))
        if ending is None:
            found.append(f"{who} was acknowledged and is lost")
            continue
        if not ending.is_final:
            found.append(f"{who} has not ended: it is {ending.state}")
        elif not _may_end(ending, request, may_be_canceled=request.task_id in canceled):
            found.append(f"{who} ended as {ending.state} {ending.code}")
        attempts = [run.attempt for run in runs if not disturbances.is_ghost(run)]
        if any(later <= earlier for earlier, later in pairwise(attempts)) or any(
            attempt > ending.attempt for attempt in attempts
        ):
            found.append(f"{who} ran as attempts {attempts}, and was claimed {ending.attempt} times: {history}")
        lasting = [run for run in runs if not disturbances.may_have_forgotten(run)]
        if not request.is_repeatable and len(lasting) > 1:
            found.append(f"{who} may not run twice, and started {len(lasting)} times: {history}")
        if ending.state == "finished" and not any(run.attempt == ending.attempt and run.is_whole for run in runs):
            found.append(f"{who} is finished by attempt {ending.attempt}, which left no whole trace")
    return found


def _may_end(ending: Ending, request: Request, *, may_be_canceled: bool) -> bool:
    if ending.state == "finished" or (ending.state == "canceled" and may_be_canceled):
        return True
    return not request.is_repeatable and (ending.state, ending.code) == ("error", "PLP0049")


def started_again(trace: Trace, finished: Mapping[str, int], disturbances: Disturbances = _CALM) -> list[str]:
    """Find tasks that started after they had been seen finished; `finished`: task id -> lines of the trace at that moment."""
    return [
        f"number {run.number} ({run.task_id}) started again after it had finished"
        for run in trace.runs
        if run.start >= finished.get(run.task_id, trace.lines) and not disturbances.is_ghost(run)
    ]


def badly_written(
    trace: Trace, written: Sequence[tuple[str, int]], endings: Mapping[str, Ending], disturbances: Disturbances = _CALM
) -> list[str]:
    """Find rows of runners that had no right to write, and finished tasks without the row that they wrote before.

    `written`: task id and attempt of each row, in the order in which they were made.
    """
    found = []
    attempts: dict[str, list[int]] = defaultdict(list)
    for task_id, attempt in written:
        attempts[task_id].append(attempt)
    for run in trace.runs:
        ending = endings.get(run.task_id)
        is_finished = ending is not None and (ending.state, ending.attempt) == ("finished", run.attempt)
        if run.kind == "writing" and is_finished and run.attempt not in attempts[run.task_id]:
            found.append(f"number {run.number} is finished by attempt {run.attempt}, and what that wrote is lost")
    forgotten = {run.task_id for run in trace.runs if disturbances.may_have_forgotten(run)}
    for task_id, mine in attempts.items():
        if any(later <= earlier for earlier, later in pairwise(mine)) and task_id not in forgotten:
            found.append(f"task {task_id} was written to as attempts {mine}, one after the other")
    return found


def badly_canceled(cancels: Sequence[Cancel], endings: Mapping[str, Ending]) -> list[str]:
    """Find cancels that did not hold: of the task itself, and of all that it had spawned when the cancel returned."""
    found = []
    answers: dict[str, set[bool | None]] = defaultdict(set)
    for cancel in cancels:
        for task_id, after in cancel.after.items():
            answers[task_id].add(None if cancel.is_tree else cancel.found_something)
            ending = endings.get(task_id)
            if ending is None:
                found.append(f"task {task_id} is lost after the cancel of {cancel.task_id}")
            elif after.state in ("waiting", "running"):
                found.append(f"task {task_id} was {after.state} after the cancel of {cancel.task_id} had returned")
            elif (ending.state, ending.attempt) != (after.state, after.attempt):
                found.append(
                    f"task {task_id} was {after.state} after {after.attempt} claims when the cancel of {cancel.task_id} "
                    f"had returned, and is {ending.state} after {ending.attempt}"
                )
        if not cancel.after:
            answers[cancel.task_id].add(None)
    for task_id, said in answers.items():
        ending = endings.get(task_id)
        if ending is not None and ending.state == "canceled" and said == {False}:
            found.append(f"task {task_id} is canceled, and nobody was told that it would be")
        if ending is not None and ending.state != "canceled" and True in said:
            found.append(f"task {task_id} is {ending.state}, and the cancel said that it would be canceled")
    return found


def badly_spawned(trace: Trace, parents: Mapping[str, str | None], cancels: Iterable[Cancel]) -> list[str]:
    """Find children that were acknowledged and are lost, and those that came into a tree after it had been canceled.

    `parents`: of each task, the one that spawned it.
    """
    found = []
    for parent, children in trace.spawned.items():
        found += [f"{child}, spawned by {parent}, is lost" for child in children if parents.get(child) != parent]
    for cancel in cancels:
        if cancel.is_tree and cancel.after:
            late = {task for task, parent in parents.items() if parent in cancel.after} - cancel.after.keys()
            found += [f"{task} was spawned under {cancel.task_id} after that tree was canceled" for task in sorted(late)]
    return found


def unknown(trace: Trace, requests: Iterable[Request]) -> list[str]:
    """Find effects of tasks that nobody asked for, or whose transaction was rolled back."""
    asked = {request.number for request in requests}
    return [
        f"number {run.number} ran, and nobody asked for it"
        for run in trace.runs
        if run.number not in asked and run.kind != "growing"
    ]


def _by_resource(items: Iterable[T]) -> Iterator[tuple[str, list[T]]]:
    found: dict[str, list[T]] = defaultdict(list)
    for item in items:
        for name in item.uses:
            found[_bare(name)].append(item)
    yield from found.items()


def _bare(name: str) -> str:
    return name.removeprefix("shared ")


def _conflicting(items: Sequence[T], resource: str) -> Iterator[tuple[T, T]]:
    """Yield the pairs (earlier, later) of different tasks of which at least one had `resource` to itself."""
    for index, earlier in enumerate(items):
        for later in items[index + 1 :]:
            if earlier.number != later.number and (resource in earlier.uses or resource in later.uses):
                yield earlier, later

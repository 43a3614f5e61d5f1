"""The rounds: every contestant does the same in turn, so that a busy moment of the machine hits all alike.

In each round, each contestant begins with an empty queue:

1. enqueue: one by one, from one process, no worker runs.
2. drain: the workers are started; from the first start of a task to the last, which for a task that does nothing is its end.
   The workers' own start is not counted. `steady` leaves out the first and the last tenth.
3. memory of all processes that the workers have, after that drain.
4. start latency: tasks with pauses of 20 to 50 ms, from the call that enqueues to the start of the function; all rounds
   together.
5. idle: processor time of the waiting workers; all rounds together.
6. bulk: as many tasks again by one call, where there is one; no worker runs.

Contestants that are only variants of others take part in the first round, with 1 to 3.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from measuring_place import settle

from queues.contestants import Contestant
from queues.environments import Unavailable
from queues.processes import Memory, memory, processor_seconds
from queues.stage import Stage, Stages

#: Seconds that workers get to calm down after a drain.
_CALM_SECONDS = 0.5


@dataclass(frozen=True)
class Sizes:
    """How much is measured: `latencies` and `idle_seconds` in all rounds together."""

    rounds: int = 3
    tasks: int = 10_000
    #: Tasks of the later rounds of whoever is slow; more would only take longer: their rate comes from many seconds anyway.
    tasks_of_the_slow: int = 3_000
    latencies: int = 200
    idle_seconds: float = 10.0


#: Tasks a second below which a contestant is slow.
_SLOW = 1_000


@dataclass(frozen=True)
class Drain:
    """How quickly a queue was emptied, tasks a second, and how many of its tasks ran more than once, or not at all."""

    whole: float
    steady: float
    repeated: int
    lost: int


@dataclass(frozen=True)
class Round:
    """What one contestant reached in one round: tasks a second, seconds, shares of one processor core."""

    enqueued: float
    drained: Drain
    memory: Memory
    enqueued_many: float | None = None
    latencies: Sequence[float] = ()
    idle: Sequence[float] = ()  # of each process


def enqueued(each: Round) -> float:
    """Tasks a second, for `Standing.median` and `ratio`."""
    return each.enqueued


def emptied(each: Round) -> float:
    """Tasks a second, for `Standing.median` and `ratio`."""
    return each.drained.whole


@dataclass
class Standing:
    """One contestant: its rounds, or why it does not take part."""

    contestant: Contestant
    rounds: list[Round] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    skipped: str | None = None

    def median(self, figure: Callable[[Round], float | None]) -> float | None:
        """Return the median of a figure over the rounds, or None where it was not measured."""
        figures = [value for value in map(figure, self.rounds) if value is not None]
        return statistics.median(figures) if figures and not self.skipped else None

    def latency(self, percent: int) -> float | None:
        """Return a percentile of the start latencies of all rounds, seconds."""
        latencies = [seconds for each in self.rounds for seconds in each.latencies]
        if self.skipped or len(latencies) < 2:
            return None
        return statistics.quantiles(latencies, n=100, method="inclusive")[percent - 1]

    def idle(self, of: Callable[[Sequence[float]], float]) -> float | None:
        """Return what `of` (max, sum) says of the waiting processes' shares of a core: the mean of the rounds."""
        looks = [of(each.idle) for each in self.rounds if each.idle]
        return statistics.mean(looks) if looks and not self.skipped else None


def hold(stages: Stages, contestants: Sequence[Contestant], sizes: Sizes) -> list[Standing]:
    """Let all contestants do their rounds in turn; there and back again, so that nobody is always first."""
    standings = [Standing(contestant) for contestant in contestants]
    for number in range(sizes.rounds):
        for standing in standings if number % 2 == 0 else reversed(standings):
            if standing.skipped is None and not (number and standing.contestant.is_extra):
                _let_do(stages, standing, number, sizes)
    return standings


def ratio(mine: Standing, theirs: Standing, figure: Callable[[Round], float]) -> float | None:
    """Return the median of the rounds' ratios, or None if either did not take part."""
    if mine.skipped or theirs.skipped:
        return None
    pairs = zip(mine.rounds, theirs.rounds, strict=False)  # a variant has one round only
    return statistics.median(figure(one) / figure(other) for one, other in pairs)


def drained(stage: Stage, count: int) -> Drain:
    """Start the workers and wait until the `count` tasks that are waiting have run; the workers go on."""
    before = len(stage.stamps())
    stage.start_workers()
    stage.wait_for(before + count)
    stamps = stage.stamps()[before:]
    moments = sorted(stamp.moment for stamp in stamps)
    begin, end = count // 10, count - count // 10 - 1
    return Drain(
        whole=(count - 1) / (moments[count - 1] - moments[0]) * 1e9,
        steady=(end - begin) / (moments[end] - moments[begin]) * 1e9,
        repeated=len(stamps) - len({stamp.number for stamp in stamps}),
        lost=count - len({stamp.number for stamp in stamps}),
    )


def _let_do(stages: Stages, standing: Standing, number: int, sizes: Sizes) -> None:
    contestant = standing.contestant
    is_slow = any(emptied(each) < _SLOW for each in standing.rounds)
    settle()
    began = time.monotonic()
    try:
        with stages.set_up(contestant) as stage:
            standing.versions = stage.prepare()
            standing.rounds.append(_round(stage, sizes, sizes.tasks_of_the_slow if is_slow else sizes.tasks))
    except Unavailable as reason:
        standing.skipped = str(reason)
        print(f"{contestant.name}: skipped: {reason}", flush=True)
    else:
        figures = standing.rounds[-1]
        print(
            f"round {number + 1}, {contestant.name}: enqueued {figures.enqueued:,.0f}/s, "
            f"drained {figures.drained.whole:,.0f}/s ({time.monotonic() - began:.0f} s)",
            flush=True,
        )


def _round(stage: Stage, sizes: Sizes, count: int) -> Round:
    rate = count / stage.enqueue(count)
    drain = drained(stage, count)
    time.sleep(_CALM_SECONDS)
    pids = stage.worker_pids()
    taken = memory(pids)
    if stage.contestant.is_extra:
        return Round(rate, drain, taken)
    latencies = stage.trickle(sizes.latencies // sizes.rounds)
    idle = _idle(pids, sizes.idle_seconds / sizes.rounds)
    stage.kill_workers()
    seconds = stage.enqueue_many(count)
    return Round(rate, drain, taken, enqueued_many=count / seconds if seconds else None, latencies=latencies, idle=idle)


def _idle(pids: Sequence[int], seconds: float) -> list[float]:
    """Return what share of a core each process takes while it waits."""
    time.sleep(_CALM_SECONDS)
    before, began = processor_seconds(pids), time.monotonic()
    time.sleep(seconds)
    after, ended = processor_seconds(pids), time.monotonic()
    return [(after[pid] - before[pid]) / (ended - began) for pid in before if pid in after]

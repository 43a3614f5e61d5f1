"""What this tier does to the engine, and how often: a list of faults that depends on `ENTREPOT_KILLS` and a seed alone.

Half of the kills happen on SQLite with the embedded transport, half on PostgreSQL with Redis; what only the latter two can
suffer comes on top. Each failpoint comes once before any comes twice. A campaign is a test that suffers some of the faults,
one after the other.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import cycle, islice, zip_longest

from entrepot.failpoints import POINTS

#: Faults of one test at most: so many that a damage that one leaves meets the next, so few that two processes share the work.
_LONGEST_CAMPAIGN = 10
#: From so many kills on, what takes its time takes all of it: Redis is away for half a minute.
_IN_EARNEST = 100


@dataclass(frozen=True)
class Fault:
    """One fault: what is done to `victim` when it passes `point`, or at a random moment."""

    campaign: str
    point: str | None = None
    victim: str = "worker"
    deed: str = "killed"

    @property
    def label(self) -> str:
        """How the summary counts it."""
        return f"{self.victim} {self.deed}, at {self.point or 'random'}"

    def armed(self, chance: random.Random) -> str:
        """What arms the point in the process that is to die; in a sync a point is passed once for each repository."""
        passes = 1 if self.campaign in ("syncs", "schedulers", "schedules") else chance.randint(1, 4)
        return f"{self.point}=kill@{passes}" if self.point else ""


@dataclass(frozen=True)
class Campaign:
    """The faults of one test, and the seed of whatever is random in it."""

    database: str
    seed: int
    faults: tuple[Fault, ...]

    def __str__(self) -> str:
        return f"{self.database}-{self.seed}"


#: Where a point is passed by a process that can be killed there, by how its name begins; the first that fits counts.
_HOMES = {
    "submission": "enqueuers",
    "readiness.looking": "enqueuers",
    "delivery": "enqueuers",
    "cancellation": "cancels",
    "rescue": "schedulers",
    "due": "schedulers",
    "schedules": "schedules",
    "push.": "pushes",
    "lease": "tasks",
    "execution": "tasks",
    "completion": "tasks",
    "readiness": "tasks",
    "": "syncs",
}
_VICTIMS = {"enqueuers": "enqueuer", "cancels": "canceler", "schedulers": "scheduler", "schedules": "scheduler"}
#: Points that are passed on PostgreSQL only: SQLite needs no second look after a commit.
_POSTGRESQL_ONLY = frozenset({"readiness.looking"})

#: What each campaign suffers beside its points: other processes, other moments, points of one walk in the middle of another.
_OTHERS = (
    Fault("tasks"),
    Fault("tasks", deed="frozen"),
    Fault("tasks"),
    Fault("syncs"),
    Fault("syncs", "submission.inserted"),
    Fault("syncs", "completion.released"),
    Fault("syncs", "submission.committed"),
    Fault("syncs"),
    Fault("syncs", "completion.committed"),
    Fault("enqueuers", victim="enqueuer"),
    Fault("supervisors", victim="supervisor"),
    Fault("supervisors", victim="supervised worker"),
    Fault("supervisors", victim="supervisor", deed="frozen"),
    Fault("supervisors", victim="supervised worker", deed="frozen"),
    Fault("schedulers", victim="scheduler"),
    Fault("schedulers", victim="scheduler", deed="frozen"),
    Fault("schedules", victim="scheduler", deed="frozen"),
    Fault("pushes"),
    Fault("cancels"),
    Fault("cancels", "execution.returned"),
    Fault("cancels", victim="canceler"),
    Fault("cancels", "completion.written"),
    Fault("cancels", "lease.committed"),
)
#: What can be done to servers: the faults in turn, a divisor of the kills asked for that says how many, and how many at least.
_SERVERS: tuple[tuple[tuple[Fault, ...], int, int], ...] = (
    (tuple(Fault("redis", victim="Redis", deed=deed) for deed in ("restarted", "emptied", "away", "frozen")), 4, 4),
    (tuple(Fault("sessions", victim=victim, deed="ended") for victim in ("session", "every session")), 6, 2),
    ((Fault("crashes", victim="PostgreSQL", deed="restarted at once"),), 10, 2),
)


def asked() -> int:
    """Return how many kills were asked for."""
    return int(os.environ.get("ENTREPOT_KILLS", "20"))


def is_in_earnest() -> bool:
    """Return True if so much was asked for that nothing is made shorter."""
    return asked() >= _IN_EARNEST


def campaigns(name: str) -> list[Campaign]:
    """Return the campaigns of one name on both databases."""
    return [campaign for campaign in _plan(asked(), seed()) if campaign.faults[0].campaign == name]


def seed() -> int:
    """Return what all that is random here depends on."""
    return int(os.environ.get("ENTREPOT_TEST_SEED", "0"))


@cache
def _plan(kills: int, base: int) -> list[Campaign]:
    planned = [
        *_split("sqlite", islice(cycle(_round("sqlite", base)), kills - kills // 2)),
        *_split("postgresql", islice(cycle(_round("postgresql", base + 1)), kills // 2)),
    ]
    for faults, divisor, least in _SERVERS:
        planned += _split("postgresql", islice(cycle(faults), max(least, kills // divisor)))
    return [Campaign(database, 1000 * base + number, faults) for number, (database, faults) in enumerate(planned, 1)]


def _round(database: str, base: int) -> list[Fault]:
    """Return all faults that `database` knows, the campaigns in turn, so that the first few are of many kinds."""
    points = [point for point in POINTS if database == "postgresql" or point not in _POSTGRESQL_ONLY]
    homes = {point: next(home for start, home in _HOMES.items() if point.startswith(start)) for point in points}
    faults = [*(Fault(home, point, _VICTIMS.get(home, "worker")) for point, home in homes.items()), *_OTHERS]
    random.Random(base).shuffle(faults)
    in_turn = zip_longest(
        *([fault for fault in faults if fault.campaign == name] for name in dict.fromkeys(fault.campaign for fault in _OTHERS))
    )
    return [fault for turn in in_turn for fault in turn if fault]


def _split(database: str, faults: Iterator[Fault]) -> Iterator[tuple[str, tuple[Fault, ...]]]:
    """Make campaigns of faults; those of one name are shared evenly among as few tests as may be."""
    by_name: dict[str, list[Fault]] = {}
    for fault in faults:
        by_name.setdefault(fault.campaign, []).append(fault)
    for mine in by_name.values():
        tests = -(-len(mine) // _LONGEST_CAMPAIGN)
        for number in range(tests):
            yield database, tuple(mine[number::tests])

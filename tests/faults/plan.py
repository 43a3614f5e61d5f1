"""How often this tier kills, and where: a list of kills that depends on `ENTREPOT_KILLS` alone.

Each failpoint comes once before any comes twice. A campaign is a test that makes some of the kills, one after the other.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice

from entrepot.failpoints import POINTS

#: Kills of one test at most: so many that a damage that one leaves meets the next, so few that two processes share the work.
_LONGEST_CAMPAIGN = 10
#: PostgreSQL gets this share of kills on top, and at least so many a campaign.
_POSTGRESQL_SHARE = 0.15
_POSTGRESQL_LEAST = 3


@dataclass(frozen=True)
class Kill:
    """One kill: of a process that passes `point`, or at a random moment."""

    campaign: str  # tasks, syncs, enqueuers, supervisors
    point: str | None = None
    victim: str = "worker"

    @property
    def label(self) -> str:
        """How the summary counts it."""
        return self.point or f"{self.victim}, at random"

    def armed(self, chance: random.Random) -> str:
        """What arms the point in the process that is to die; in a sync a point is passed once for each repository."""
        passes = 1 if self.campaign == "syncs" else chance.randint(1, 4)
        return f"{self.point}=kill@{passes}" if self.point else ""


@dataclass(frozen=True)
class Campaign:
    """The kills of one test, and the seed of whatever is random in it."""

    database: str
    seed: int
    kills: tuple[Kill, ...]

    def __str__(self) -> str:
        return f"{self.database}-{self.seed}"


def _home(point: str) -> str:
    room = point.partition(".")[0]
    if room == "submission":
        return "enqueuers"
    return "tasks" if room in ("lease", "execution", "completion") else "syncs"


#: What a plan repeats: every point, then other processes, other moments, and points of one walk in the middle of another.
_ROUND = (
    *(Kill(_home(point), point) for point in POINTS),
    Kill("supervisors", victim="supervisor"),
    Kill("tasks"),
    Kill("syncs"),
    Kill("supervisors", victim="supervised worker"),
    Kill("enqueuers", victim="enqueuer"),
    Kill("syncs", "submission.inserted"),
    Kill("tasks"),
    Kill("supervisors", victim="supervisor"),
    Kill("syncs", "completion.released"),
    Kill("syncs"),
    Kill("syncs", "submission.committed"),
    Kill("syncs", "completion.committed"),
)


def least_kills() -> int:
    """Return how many kills were asked for."""
    return int(os.environ.get("ENTREPOT_KILLS", "20"))


def campaigns(name: str) -> list[Campaign]:
    """Return the campaigns of one name: all its kills on SQLite, and a share more on PostgreSQL."""
    kills = [kill for kill in islice(cycle(_ROUND), least_kills()) if kill.campaign == name]
    more = max(_POSTGRESQL_LEAST, round(len(kills) * _POSTGRESQL_SHARE)) if kills else 0
    others = [kill for kill in _ROUND if kill.campaign == name]
    random.Random(least_kills()).shuffle(others)
    planned = [*_split("sqlite", kills), *_split("postgresql", list(islice(cycle(others), more)))]
    return [Campaign(database, seed, kills) for seed, (database, kills) in enumerate(planned, 1)]


def _split(database: str, kills: list[Kill]) -> Iterator[tuple[str, tuple[Kill, ...]]]:
    for start in range(0, len(kills), _LONGEST_CAMPAIGN):
        yield database, tuple(kills[start : start + _LONGEST_CAMPAIGN])

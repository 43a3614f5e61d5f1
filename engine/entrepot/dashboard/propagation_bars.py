"""How far a deploy has got, as bars: by POP where there is room for them, else by region. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entrepot.propagation import DeployReport, PopProgress

_FULL = 100


@dataclass(frozen=True, slots=True)
class Bar:
    """How many of `servers` are done or failed; `pop_id` is None where it is not of a single POP."""

    name: str
    servers: int
    done: int
    failed: int
    pop_id: int | None = None

    @property
    def share(self) -> str:
        """How much is done: `100 %` only if nothing is missing, and not 0 once there is something."""
        return share(self.done, self.servers)


@dataclass(frozen=True, slots=True)
class Region:
    """A region's bar, and those of its POPs, as far as they are shown."""

    bar: Bar
    pops: tuple[Bar, ...]
    pop_count: int


@dataclass(frozen=True, slots=True)
class Bars:
    """What is shown of a deploy: its own bar, its regions, and how many of these there is no room for."""

    whole: Bar
    regions: tuple[Region, ...]
    hidden: int

    @property
    def count(self) -> int:
        """How many bars these are."""
        return 1 + len(self.regions) + sum(len(region.pops) for region in self.regions)


def share(done: int, servers: int) -> str:
    """Return a share in per cent: 100 only if nothing is missing, and not 0 once there is something."""
    if not servers:
        return "–"
    rounded = min(max(round(done / servers * _FULL), 1), _FULL - 1) if 0 < done < servers else done * _FULL // servers
    return f"{rounded} %"


def bars(report: DeployReport, *, room: int) -> Bars:
    """Return the bars of a deploy, about `room` at most: of all POPs if they fit, else of regions, unfinished ones first."""
    whole = Bar("All servers", report.servers, report.done, report.failed)
    if len(report.pops) <= room:
        return Bars(whole, tuple(regions_of(report.pops)), 0)
    sums = sums_of(report.pops)
    if len(sums) > room:
        sums.sort(key=lambda region: region.bar.done == region.bar.servers)  # stable: else by name
    return Bars(whole, tuple(sums[:room]), max(len(sums) - room, 0))


def regions_of(pops: Sequence[PopProgress]) -> list[Region]:
    """Return the regions with their POPs, both in the order of their names."""
    by_region: dict[str, list[Bar]] = defaultdict(list)
    for pop in pops:
        region, _, place = pop.name.partition(" : ")
        by_region[region].append(Bar(place or pop.name, pop.servers, pop.done, pop.failed, pop.pop_id))
    return [Region(sums.bar, tuple(by_region[sums.bar.name]), sums.pop_count) for sums in sums_of(pops)]


def sums_of(pops: Sequence[PopProgress]) -> list[Region]:
    """Return the regions without their POPs, in the order of their names; there may be thousands of POPs."""
    sums: dict[str, list[int]] = {}
    for pop in pops:
        counts = sums.setdefault(region_of(pop.name), [0, 0, 0, 0])
        counts[0] += pop.servers
        counts[1] += pop.done
        counts[2] += pop.failed
        counts[3] += 1
    return [Region(Bar(name, *sums[name][:3]), (), sums[name][3]) for name in sorted(sums)]


def region_of(pop_name: str) -> str:
    """Return the region that a POP's name begins with."""
    return pop_name.partition(" : ")[0]

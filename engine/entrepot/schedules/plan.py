"""Which run comes next: the rules of the contract's 1.8.2, without a table or a clock.

A start that has passed runs once, now, and then on its grid. Runs that were missed become one. With `jitter_seconds` each
schedule has a splay, always the same, by which all of its runs come later.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entrepot.schedules.recurrence import Recurrence


@dataclass(frozen=True, slots=True)
class Plan:
    """The first run, with the offset of the text, and the next; None when no run is left."""

    first_run: datetime
    next_run: datetime | None


def begin(recurrence: Recurrence, now: datetime, splay: timedelta, last_run: datetime | None = None) -> Plan:
    """Return the plan of a schedule whose recurrence is new; `last_run` is when it ran before that."""
    first = recurrence.first_run(now)
    started = recurrence.starting(first)
    latest = started.latest_at_or_before(now - splay)
    if last_run is not None and latest is not None and last_run >= latest + splay:
        return Plan(first, following(started, now, splay))
    return Plan(first, max(first, now.replace(microsecond=0)) + splay)


def following(recurrence: Recurrence, now: datetime, splay: timedelta) -> datetime | None:
    """Return the run that comes after `now`, however many were missed before it."""
    following_run = recurrence.next_after(now - splay)
    return None if following_run is None else following_run + splay


def splay_of(schedule_id: str, jitter_seconds: int) -> timedelta:
    """Return by how much the runs of this schedule come later: less than `jitter_seconds`, and always the same."""
    return timedelta(seconds=zlib.crc32(schedule_id.encode()) % jitter_seconds if jitter_seconds else 0)

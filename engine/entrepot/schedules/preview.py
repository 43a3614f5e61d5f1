"""When a schedule runs next, as far as one can tell: nothing is written, and of a new one nothing is read.

A run that falls due while the last one is unfinished is left out all the same, and one that nobody fires comes later.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from entrepot.errors import InvalidValue
from entrepot.schedules import plan, rows, values
from entrepot.schedules.reports import SchedulePreview

if TYPE_CHECKING:
    from entrepot.schedules.recurrence import Recurrence

#: Runs that are shown at most.
MOST_RUNS = 100


def of_text(schedule: str, time_zone: str | None, count: int, now: datetime) -> SchedulePreview:
    """Return the first `count` runs of a schedule that is made now.

    Raises `InvalidValue` with `schedule`, `time_zone` or `count`.
    """
    _require(count)
    recurrence, _ = values.check({}, text=schedule, zone=time_zone)
    started = recurrence.starting(recurrence.first_run(now))
    planned = plan.begin(recurrence, now, timedelta())
    shown = count if recurrence.count is None else min(count, recurrence.count)
    runs = islice(_runs(started, planned.next_run, timedelta()), shown)
    return SchedulePreview(recurrence.text, recurrence.zone, started.sentence(), tuple(runs))


def of_row(row: Any, count: int, now: datetime) -> SchedulePreview:  # noqa: ANN401 - a row of `rows.select`
    """Return the next `count` runs of a schedule; none if it is disabled, and of `R<n>` no more than remain.

    One that is due runs now. Raises `InvalidValue("count")`.
    """
    _require(count)
    recurrence = rows.begun(row)
    sentence = row.schedule if recurrence is None else recurrence.sentence()
    runs: tuple[datetime, ...] = ()
    if recurrence is not None and row.enabled and row.next_run is not None:
        next_run = max(row.next_run, now.replace(microsecond=0))
        shown = count if row.remaining_runs is None else min(count, row.remaining_runs)
        runs = tuple(islice(_runs(recurrence, next_run, plan.splay_of(row.schedule_id, row.jitter_seconds)), shown))
    return SchedulePreview(row.schedule, row.time_zone, sentence, runs)


def _runs(started: Recurrence, run: datetime | None, splay: timedelta) -> Iterator[datetime]:
    while run is not None:
        yield run.astimezone(UTC)
        run = plan.following(started, run, splay)


def _require(count: object) -> None:
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MOST_RUNS:
        raise InvalidValue("count", why=f"it must be an integer from 1 to {MOST_RUNS}")

"""The runs of schedules: those that were, as far as their tasks are kept, and those that are expected.

A task says by its idempotency key which schedule it belongs to: `schedule:<id>:<number>:<instant>`, or `schedule:<id>:now:…` if
somebody asked for it (see `due`). Numbers count up to the schedule's `total_run_count`, so that the last runs are found by an
index, however many there were.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.schedules import plan, rows

if TYPE_CHECKING:
    from entrepot.models import Database, Row
    from entrepot.schedules.reports import ScheduleReport

#: Runs of one schedule that are looked at for a timeline: one a minute for a day.
_MOST = 1_440
#: Those that are looked at first: as a rule there are no more.
_FIRST = 50
_COLUMNS = """task.id, task.task_id, task.state, task.created_at, task.started_at, task.finished_at, task.error,
task.idempotency_key"""
#: The range is what the index is used for. An id is hexadecimal, and a 'g' is behind all of those in every collation; some pass
#: over ':', so what the range finds is compared once more. It is found first and ordered then.
_OF_ONE = f"""
SELECT {_COLUMNS} FROM task WHERE task.id IN (
    SELECT id FROM (
        SELECT id FROM task
        WHERE idempotency_key >= ? AND idempotency_key < ? AND substr(idempotency_key, 1, ?) = ?
    ) AS keyed WHERE id < ? ORDER BY id DESC LIMIT ?
) ORDER BY task.id DESC
"""
#: By numbers, from `total` down to `least`; an instant begins with the 2 of its year.
_NUMBERED = """
WITH RECURSIVE wanted (schedule_id, number, least) AS (
    VALUES {values} UNION ALL SELECT schedule_id, number - 1, least FROM wanted WHERE number > least
)
SELECT wanted.schedule_id, {columns} FROM wanted CROSS JOIN task
WHERE task.idempotency_key >= 'schedule:' || wanted.schedule_id || ':' || CAST(wanted.number AS TEXT) || ':2'
  AND task.idempotency_key < 'schedule:' || wanted.schedule_id || ':' || CAST(wanted.number AS TEXT) || ':3'
  AND substr(task.idempotency_key, 35, length(CAST(wanted.number AS TEXT)) + 2) = CAST(wanted.number AS TEXT) || ':2' {grouped}
"""
_BY_HAND = """
WITH wanted (schedule_id) AS (VALUES {values})
SELECT wanted.schedule_id, {columns} FROM wanted CROSS JOIN task
WHERE task.idempotency_key >= 'schedule:' || wanted.schedule_id || ':now:'
  AND task.idempotency_key < 'schedule:' || wanted.schedule_id || ':nox:'
  AND substr(task.idempotency_key, 35, 4) = 'now:' {grouped}
"""
#: In which span after a moment tasks were made, -1 for those before it, and how many in each of their states.
_COUNTS = """CASE WHEN task.created_at < CAST(? AS BIGINT) THEN -1
ELSE (task.created_at - CAST(? AS BIGINT)) / CAST(? AS BIGINT) END, task.state, COUNT(*)"""
_GROUPED = "GROUP BY 1, 2, 3"
_TOTAL = "(CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS BIGINT))"
_NO_END = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ScheduleRun:
    """A task that a schedule has enqueued.

    `number` counts the runs on the calendar from 1, and `due` is the instant that it was fired for; both are None of a run that
    somebody asked for. `row_id` grows with every run. `error` says why it failed.
    """

    schedule_id: str
    row_id: int
    number: int | None
    due: datetime | None
    task_id: str
    state: str
    created: datetime
    started: datetime | None
    finished: datetime | None
    error: str | None

    @property
    def duration(self) -> timedelta | None:
        """How long it ran; None while it is not over, and if it never began."""
        return None if self.started is None or self.finished is None else self.finished - self.started


def runs_of(database: Database, schedule_id: str, *, before: int | None, limit: int) -> list[ScheduleRun]:
    """Return the runs of one schedule, the newest first: those before the row id `before`, if one is given."""
    beginning = f"schedule:{schedule_id}:"
    span = (beginning[:-1], f"{beginning[:-1]}g", len(beginning), beginning)
    found = database.rows(_OF_ONE, (*span, _NO_END if before is None else before, limit))
    return [_run(schedule_id, row) for row in found]


def last_runs(database: Database, reports: Sequence[ScheduleReport]) -> dict[str, ScheduleRun]:
    """Return the last run of each of these schedules, by its id; none where no task of it is kept."""
    if not reports:
        return {}
    last = [value for one in reports for value in (one.schedule_id, one.total_run_count, one.total_run_count)]
    numbered = _NUMBERED.format(values=", ".join([_TOTAL] * len(reports)), columns=_COLUMNS, grouped="")
    by_hand = _BY_HAND.format(values=", ".join(["(CAST(? AS TEXT))"] * len(reports)), columns=_COLUMNS, grouped="")
    told = [*database.rows(numbered, last), *database.rows(by_hand, [report.schedule_id for report in reports])]
    found = sorted((_run(row[0], row[1:]) for row in told), key=lambda run: run.row_id)
    return {run.schedule_id: run for run in found}


def count_runs(
    database: Database, reports: Sequence[ScheduleReport], since: datetime, step: timedelta
) -> dict[str, Counter[tuple[int, str]]]:
    """Return how many runs these schedules had since a moment, by the number of the `step` after it and by their states.

    By schedule, those that had none left out; of each the last 1,440 runs are counted at most.
    """
    first = [(one.schedule_id, one.total_run_count, max(one.total_run_count - _FIRST + 1, 1)) for one in reports]
    moment = clock.to_us(since)
    spans = (moment, moment, clock.us(step))
    found = _counted(database, first, spans)
    reached = {schedule_id for schedule_id, span, _, _ in found if span < 0}
    seen = {schedule_id for schedule_id, _, _, _ in found} - reached
    more = [(name, least - 1, max(total - _MOST, 1)) for name, total, least in first if least > 1 and name in seen]
    found += _counted(database, more, spans)
    if reports:
        marks = ", ".join(["(CAST(? AS TEXT))"] * len(reports))
        statement = _BY_HAND.format(values=marks, columns=_COUNTS, grouped=_GROUPED)
        found += database.rows(statement, ([*(report.schedule_id for report in reports), *spans]))
    counts: dict[str, Counter[tuple[int, str]]] = {}
    for schedule_id, span, state, count in found:
        if span >= 0:
            counts.setdefault(schedule_id, Counter())[span, state] += count
    return counts


def expected_runs(report: ScheduleReport, now: datetime, until: datetime, step: timedelta) -> list[datetime]:
    """Return when a schedule runs from `now` on and before `until`, in UTC: of each `step` that passes, only the first run.

    None if it is disabled, or no run is left. Of a schedule that counts its runs, no more than remain.
    """
    recurrence = rows.begun(report)
    if recurrence is None or not report.enabled or report.next_run is None:
        return []
    splay = plan.splay_of(report.schedule_id, report.jitter_seconds)
    run: datetime | None = max(report.next_run, now)
    left = _MOST if report.remaining_runs is None else min(report.remaining_runs, _MOST)
    found: list[datetime] = []
    while run is not None and run < until and left > 0:
        if not found or (run - now) // step > (found[-1] - now) // step:
            found.append(run.astimezone(UTC))
        passed = now + ((run - now) // step + 1) * step - timedelta(microseconds=1)
        run = plan.following(recurrence, run if report.remaining_runs is not None else max(run, passed), splay)
        left -= 1
    return found


def _counted(database: Database, wanted: Sequence[tuple[str, int, int]], spans: tuple[int, int, int]) -> list[Row]:
    """Return (schedule, span, state, count) of the runs with these numbers: of (schedule, the last, the first)."""
    values = [value for one in wanted if one[1] > 0 for value in one]
    if not values:
        return []
    marks = ", ".join([_TOTAL] * (len(values) // 3))
    return database.rows(_NUMBERED.format(values=marks, columns=_COUNTS, grouped=_GROUPED), (*values, *spans))


def _run(schedule_id: str, row: Row) -> ScheduleRun:
    row_id, task_id, state, created, started, finished, error, key = row
    number, _, instant = key.removeprefix(f"schedule:{schedule_id}:").partition(":")
    is_numbered = number.isdecimal()
    told = None if error is None else json.loads(error).get("description")
    return ScheduleRun(
        schedule_id=schedule_id,
        row_id=row_id,
        number=int(number) if is_numbered else None,
        due=datetime.fromisoformat(instant) if is_numbered else None,
        task_id=task_id,
        state=state,
        created=clock.from_us(created),
        started=None if started is None else clock.from_us(started),
        finished=None if finished is None else clock.from_us(finished),
        error=None if told is None else str(told),
    )

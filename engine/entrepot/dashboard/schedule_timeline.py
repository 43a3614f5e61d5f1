"""The timeline of schedules: a strip for each, the runs of the last 24 hours, and those that are expected in the next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from markupsafe import Markup

from entrepot.schedules.runs import expected_runs
from entrepot.schedules.words import what_runs

if TYPE_CHECKING:
    from entrepot.engine import Engine
    from entrepot.schedules import ScheduleReport

#: What one mark stands for. A strip begins and ends with one, so that it is another picture twice an hour and not each second.
_STEP = timedelta(minutes=30)
_HALF = 48  # marks on each side of the present
_HEIGHT = 12
#: How states are drawn, the most telling last: it stands for all that were at the same time. A failure is the tallest.
_TOPS = {"skipped": 7, "canceled": 7, "finished": 4, "waiting": 4, "running": 4, "error": 0}
_EXPECTED_TOP = 8
_WORDS = {"error": "failed"}


@dataclass(frozen=True, slots=True)
class Strip:
    """The timeline of one schedule; `label` says in words what `picture` shows."""

    report: ScheduleReport
    name: str
    label: str
    picture: Markup


def strips(engine: Engine, reports: Sequence[ScheduleReport], now: datetime) -> list[Strip]:
    """Return the timelines of schedules, in their order."""
    present = _floor(now)
    since, until = present - _HALF * _STEP, present + _HALF * _STEP
    past = engine.schedules.count_runs(reports, since, _STEP)
    return [_strip(report, past.get(report.schedule_id, Counter()), since, now, until) for report in reports]


def _strip(report: ScheduleReport, past: Counter[tuple[int, str]], since: datetime, now: datetime, until: datetime) -> Strip:
    expected = sorted({max((run - since) // _STEP, _HALF) for run in expected_runs(report, now, until, _STEP)})
    states = list(_TOPS)
    shown: dict[int, str] = {}
    counts: Counter[str] = Counter()
    for (column, given), count in past.items():
        state = given if given in _TOPS else "waiting"
        counts[state] += count
        shown[column] = max(shown.get(column, state), state, key=states.index)
    marks = [
        Markup('<path class="{}" d="{}"/>').format(state, _path([column for column, one in shown.items() if one == state], top))
        for state, top in _TOPS.items()
        if state in shown.values()
    ]
    if expected:
        marks.append(Markup('<path class="expected" d="{}"/>').format(_path(expected, _EXPECTED_TOP)))
    label = _label(counts, expected)
    picture = Markup(
        '<svg class="strip" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}"><title>{}</title>'
        '<path class="hours" d="M24 0V{}M72 0V{}"/><path class="present" d="M{} 0V{}"/>{}</svg>'
    ).format(2 * _HALF, _HEIGHT, label, label, _HEIGHT, _HEIGHT, _HALF, _HEIGHT, Markup("").join(marks))
    return Strip(report, what_runs(report), label, picture)


def _path(columns: Sequence[int], top: int) -> str:
    """Return bars at these columns, from the ground up to `top`."""
    return "".join(f"M{column}.1 {top}h.8V{_HEIGHT}h-.8z" for column in sorted(columns))


def _label(counts: Counter[str], expected: Sequence[int]) -> str:
    """Return in words what a strip shows."""
    total = sum(counts.values())
    told = ", ".join(f"{counts[state]:,} {_WORDS.get(state, state)}" for state in reversed(_TOPS) if counts[state])
    was = f"{_runs(total)} in the last 24 hours: {told}" if total else "no run in the last 24 hours"
    if not expected:
        return f"{was}; none is expected in the next 24 hours"
    first = "now" if expected[0] == _HALF else f"in {(expected[0] - _HALF) / 2:g} h"
    half_hours = "half-hour" if len(expected) == 1 else "half-hours"
    return f"{was}; runs are expected in {len(expected)} {half_hours} of the next 24 hours, first {first}"


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count:,} runs"


def _floor(moment: datetime) -> datetime:
    """Return the beginning of the half-hour that comes after a moment, so that what was is left of it."""
    begun = moment.replace(minute=moment.minute // 30 * 30, second=0, microsecond=0)
    return begun + _STEP

"""When a task went from state to state, and how long it took; and the same of a whole tree, as bars. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from markupsafe import Markup

from entrepot.dashboard.task_filters import name_of
from entrepot.wording import span_text

if TYPE_CHECKING:
    from entrepot.tasking import TaskReport, TreeTask

_WIDTH, _HEIGHT = 240, 12
#: A bar is never narrower, so that it is seen.
_LEAST_WIDTH = 1.5


@dataclass(frozen=True, slots=True)
class Step:
    """A step on the way of a task: its moment, None while it is to come, and how long it was since the one before."""

    name: str
    explanation: str
    moment: datetime | None
    since: timedelta | None


@dataclass(frozen=True, slots=True)
class Bar:
    """A task of a tree with its bar; `waited` and `ran` go on until it has started, and ended."""

    depth: int
    report: TaskReport
    name: str
    waited: timedelta
    ran: timedelta | None
    drawing: Markup


def timeline(report: TaskReport) -> list[Step]:
    """Return the steps of a task in their order; those that it will never take are left out."""
    steps: list[tuple[str, str, datetime | None]] = [("created", "it was enqueued", report.created)]
    if report.not_before is not None:
        steps.append(("due", "it is not to start before", report.not_before))
    has_ended = report.finished is not None
    if report.ready is not None or not has_ended:
        steps.append(("ready", "first in line for all that it reserves", report.ready))
    if report.started is not None or not has_ended:
        steps.append(("started", "a worker began to run it", report.started))
    steps.append((report.state if has_ended else "ended", "nothing of it runs any more", report.finished))
    found = list[Step]()
    before: datetime | None = None
    for name, explanation, moment in steps:
        since = max(moment - before, timedelta()) if moment is not None and before is not None else None
        found.append(Step(name, explanation, moment, since))
        before = moment or before
    return found


def waterfall(tasks: Sequence[TreeTask], now: datetime) -> list[Bar]:
    """Return the tasks of a tree with bars on one scale, from the first that was created to the last end, or to `now`."""
    if not tasks:
        return []
    begin = min(node.report.created for node in tasks)
    end = max(node.report.finished or now for node in tasks)
    scale = _WIDTH / max((end - begin).total_seconds(), 0.001)
    return [_bar(node, begin=begin, now=now, scale=scale) for node in tasks]


def _bar(node: TreeTask, *, begin: datetime, now: datetime, scale: float) -> Bar:
    report = node.report
    end = report.finished or now
    start = report.started or end
    waited = max(start - report.created, timedelta())
    ran = max(end - report.started, timedelta()) if report.started else None
    parts = [_rect("waited", (report.created - begin).total_seconds() * scale, waited.total_seconds() * scale)]
    if ran is not None:
        parts.append(_rect(f"ran {report.state}", (start - begin).total_seconds() * scale, ran.total_seconds() * scale))
    label = f"waited {span_text(waited)}" + (f", ran {span_text(ran)}" if ran is not None else "")
    drawing = Markup(
        '<svg class="span" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
    ).format(_WIDTH, _HEIGHT, label, Markup("").join(parts))
    return Bar(node.depth, report, name_of(report), waited, ran, drawing)


def _rect(kind: str, left: float, width: float) -> Markup:
    wide = max(width, _LEAST_WIDTH)
    return Markup('<rect class="{}" x="{}" y="0" width="{}" height="{}"/>').format(
        kind, f"{min(max(left, 0), _WIDTH - _LEAST_WIDTH):.1f}", f"{wide:.1f}", _HEIGHT
    )

"""Read what a task report tells: its errors of single units, its runs, and how it ended; no I/O."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.cli.output import printable
from entrepot.errors import JSON
from entrepot.tasking.steps import steps_of
from entrepot.tasking.waiting import rough_text
from entrepot.wording import span_text

if TYPE_CHECKING:
    from entrepot.tasking import TaskReport

#: The tag of tasks that delete orphans. Source: the Pulp 2 REST contract, section 5.3.
_ORPHANS = "pulp:content_unit:orphans"


def unit_errors(report: TaskReport) -> list[str]:
    """Return the errors of a report that belong to single units or steps, one line each."""
    lines = [printable(line) for step in steps_of(report) for line in step.errors]
    subs = (report.error or {}).get("sub_errors")
    found = [sub.get("description") for sub in subs if isinstance(sub, dict)] if isinstance(subs, list) else []
    lines += [printable(str(description)) for description in found if description]
    return list(dict.fromkeys(lines))


def note(report: TaskReport) -> str:
    """Return the one thing to know of a task beside its state, as short as a column of a table needs it."""
    if report.waiting is None:
        return str((report.error or {}).get("description") or "")
    data = report.waiting.data
    place = f"{data.get('position')} of {data.get('of')}"
    text = "ready"
    match report.waiting.reason:
        case "scheduled" if report.not_before is not None:
            text = f"starts in {rough_text(max(report.not_before - clock.now(), timedelta()))}"
        case "retry":
            text = f"tried {data.get('tries')}×: {data.get('error') or 'its worker was lost'}"
        case "resource":
            text = f"{place}, behind {data.get('title')}"
        case "limit":
            text = f"{place}, {data.get('capacity')} at once: {data.get('limit')}"
        case "paused":
            text = "its workers are drained"
        case "no worker":
            text = f"no worker of queue {data.get('queue')}"
        case "busy":
            text = f"busy, {data.get('ready_before')} before it"
    return text


def runs(report: TaskReport) -> list[str]:
    """Return the runs of a task that did not end it, one line each: number, worker, beginning, length, error."""
    lines = []
    for run in report.attempts:
        worker = f" by {run.worker_name}" if run.worker_name else ""
        when = f" at {clock.iso(run.started)} for {span_text(run.ended - run.started)}" if run.started else " not begun"
        description = printable(str((run.error or {}).get("description") or "its worker was lost"))
        lines.append(f"{run.number}{worker}{when}: {description}")
    return lines


def outcome(report: TaskReport) -> str:
    """Return how a task ended, as one sentence without a full stop: `finished in 1.20 s: 3 added, 0 updated, 0 removed`."""
    took = f" in {span_text(report.finished - report.started)}" if report.finished and report.started else ""
    state = "failed" if report.state == "error" else report.state
    told = ", ".join(_deleted(report.result) if _ORPHANS in report.tags else _counts(report.result))
    return f"{state}{took}" + (f": {told}" if told else "")


def _deleted(result: JSON) -> list[str]:
    """Return how many orphans of each type were deleted."""
    if not isinstance(result, dict):
        return []
    return [f"{count:,} {kind} deleted" for kind, count in result.items() if isinstance(count, int)] or ["nothing to delete"]


def _counts(result: JSON) -> list[str]:
    """Return what a sync or publish did, or a copy or removal, from its result.

    Source: the Pulp 2 REST contract, sections 2.8 and 5.1.
    """
    if not isinstance(result, dict):
        return []
    units = result.get("units_successful")
    if isinstance(units, list):
        count = result.get("units_total", len(units))
        return [f"{count:,} unit{'' if count == 1 else 's'}"] if isinstance(count, int) else []
    summary = result.get("summary")
    counts = [(noun, result.get(f"{noun}_count")) for noun in ("added", "updated", "removed")]
    if isinstance(summary, dict):
        counts += [(noun, summary.get(noun)) for noun in ("files", "added", "updated", "removed")]
    texts = [f"{count:,} {noun}" for noun, count in counts if isinstance(count, int)]
    if isinstance(summary, dict) and summary.get("unchanged") is True:
        texts.append("unchanged")
    return texts

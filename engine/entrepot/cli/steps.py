"""Read what a task report tells: its steps, its errors of single units, its runs, and how it ended; no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.cli.output import printable, size_text, span_text
from entrepot.errors import JSON
from entrepot.tasking.waiting import rough_text

if TYPE_CHECKING:
    from entrepot.tasking import TaskReport

#: The tag of tasks that delete orphans. Source: the Pulp 2 REST contract, section 5.3.
_ORPHANS = "pulp:content_unit:orphans"


@dataclass(frozen=True)
class Step:
    """One step of a sync or publish, read from a progress report that may lack anything."""

    key: str
    description: str
    state: str
    done: int
    total: int
    bytes_done: int
    bytes_total: int
    failures: int
    details: str
    errors: tuple[str, ...]

    @property
    def share(self) -> float | None:
        """How much of the step is done, 0 to 1, by bytes if it has any, else by items; None while its size is not known."""
        if self.bytes_total:
            return min(self.bytes_done / self.bytes_total, 1.0)
        return min(self.done / self.total, 1.0) if self.total else None

    @property
    def counts(self) -> str:
        """The step's items and bytes: `1,200/10,000  12.3 MB/40.0 MB`."""
        parts = []
        if self.total or self.done:
            parts.append(f"{self.done:,}/{self.total:,}" if self.total else f"{self.done:,}")
        if self.bytes_total or self.bytes_done:
            ends = [self.bytes_done, self.bytes_total] if self.bytes_total else [self.bytes_done]
            parts.append("/".join(dict.fromkeys(map(size_text, ends))))
        if self.failures:
            parts.append(f"{self.failures:,} failed")
        return "  ".join(parts)


def steps(report: TaskReport) -> list[Step]:
    """Return the steps that a report's progress tells of, in order.

    Source: the Pulp 2 REST contract, section 3.4 (`progress_report`: a list of steps for each plugin).
    """
    found = []
    for plugin, items in report.progress.items():
        for index, item in enumerate(items if isinstance(items, list) else ()):
            if isinstance(item, dict):
                found.append(_step(f"{plugin}/{item.get('step_id', index)}", item))
    return found


def unit_errors(report: TaskReport) -> list[str]:
    """Return the errors of a report that belong to single units or steps, one line each."""
    lines = [line for step in steps(report) for line in step.errors]
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


def _step(key: str, item: dict[str, JSON]) -> Step:
    details = item.get("error_details")
    errors = []
    for detail in details if isinstance(details, list) else ():
        text = detail.get("error") if isinstance(detail, dict) else detail
        errors.append(printable(str(text)))
    return Step(
        key=key,
        description=str(item.get("description") or item.get("step_type") or key),
        state=str(item.get("state") or "NOT_STARTED"),
        done=_whole(item.get("num_processed")),
        total=_whole(item.get("items_total")),
        bytes_done=_whole(item.get("bytes_done")),
        bytes_total=_whole(item.get("bytes_total")),
        failures=_whole(item.get("num_failures")),
        details=str(item.get("details") or ""),
        errors=tuple(errors),
    )


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


def _whole(value: JSON) -> int:
    return int(value) if isinstance(value, (int, float)) else 0

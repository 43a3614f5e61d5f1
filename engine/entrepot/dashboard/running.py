"""What runs now, as a line of a page shows it: its bar and its words. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot.tasking.workers import NAME_PREFIX
from entrepot.wording import size_text

if TYPE_CHECKING:
    from entrepot.errors import JSON
    from entrepot.tasking import TaskReport

#: Characters of a step's own words that fit on a line.
_LONGEST_WORDS = 80


@dataclass(frozen=True, slots=True)
class Running:
    """A task that runs: `done` of `most` of its step, which is None while nobody knows; `words` name the step."""

    report: TaskReport
    done: int
    most: int | None
    words: str

    @property
    def worker(self) -> str | None:
        """Where it runs, without what the names of all workers begin with; None before its first claim."""
        name = self.report.worker_name
        return None if name is None else name.removeprefix(NAME_PREFIX)

    @classmethod
    def of(cls, report: TaskReport) -> Running:
        """Read the step that a task is at, whatever its progress report lacks: the last that has begun."""
        begun = [step for step in _steps(report) if step.get("state") != "NOT_STARTED"]
        if not begun:
            return cls(report, 0, None, "")
        going = [step for step in begun if step.get("state") == "IN_PROGRESS"] or begun
        step = going[-1]
        items, all_items = _whole(step.get("num_processed")), _whole(step.get("items_total"))
        size, whole_size = _whole(step.get("bytes_done")), _whole(step.get("bytes_total"))
        name = str(step.get("description") or step.get("step_type") or "")[:_LONGEST_WORDS]
        counts = [f"{items:,} of {all_items:,}" if all_items else f"{items:,}" if items else ""]
        counts.append(f"{size_text(size)} of {size_text(whole_size)}" if whole_size else "")
        words = ", ".join(part for part in (name, *counts) if part)
        if whole_size:
            return cls(report, min(size, whole_size), whole_size, words)
        return cls(report, min(items, all_items), all_items or None, words)


def running(reports: Iterable[TaskReport]) -> list[Running]:
    """Return what runs, in the order of the reports."""
    return [Running.of(report) for report in reports]


def _steps(report: TaskReport) -> list[dict[str, JSON]]:
    return [
        step
        for steps in report.progress.values()
        for step in (steps if isinstance(steps, list) else ())
        if isinstance(step, dict)
    ]


def _whole(value: JSON) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0

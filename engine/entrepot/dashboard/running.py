"""What runs now, as a line of a page shows it: its bar and its words. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot.tasking.steps import steps_of
from entrepot.tasking.workers import NAME_PREFIX
from entrepot.wording import size_text

if TYPE_CHECKING:
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
        begun = [step for step in steps_of(report) if step.state != "NOT_STARTED"]
        if not begun:
            return cls(report, 0, None, "")
        step = ([step for step in begun if step.state == "IN_PROGRESS"] or begun)[-1]
        items = f"{step.done:,} of {step.total:,}" if step.total else f"{step.done:,}" if step.done else ""
        size = f"{size_text(step.bytes_done)} of {size_text(step.bytes_total)}" if step.bytes_total else ""
        words = ", ".join(part for part in (step.description[:_LONGEST_WORDS], items, size) if part)
        if step.bytes_total:
            return cls(report, min(step.bytes_done, step.bytes_total), step.bytes_total, words)
        return cls(report, min(step.done, step.total), step.total or None, words)


def running(reports: Iterable[TaskReport]) -> list[Running]:
    """Return what runs, in the order of the reports."""
    return [Running.of(report) for report in reports]

"""The steps of a task as its page shows them: bars, words and the errors of single units. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot.tasking.steps import Step, steps_of

if TYPE_CHECKING:
    from entrepot.tasking import TaskReport

#: Steps that are shown, and characters of a step's texts.
_MOST_STEPS = 30
_LONGEST_TEXT = 200
#: The states of steps, as people are told them.
_STATES = {
    "NOT_STARTED": "to come",
    "IN_PROGRESS": "running",
    "FINISHED": "finished",
    "FAILED": "failed",
    "CANCELLED": "canceled",
    "SKIPPED": "skipped",
}


@dataclass(frozen=True, slots=True)
class ShownStep:
    """A step: `done` of `most`, by bytes if it has any, else by items; `most` is None while nobody knows."""

    name: str
    state: str
    done: int
    most: int | None
    counts: str
    details: str
    errors: tuple[str, ...]


def shown_steps(report: TaskReport, most_errors: int) -> list[ShownStep]:
    """Return the first steps of a task in their order, with so many errors of single units in all."""
    found = list[ShownStep]()
    for step in steps_of(report)[:_MOST_STEPS]:
        shown = _shown(step, most_errors)
        most_errors -= len(shown.errors)
        found.append(shown)
    return found


def _shown(step: Step, most_errors: int) -> ShownStep:
    done, most = (step.bytes_done, step.bytes_total) if step.bytes_total else (step.done, step.total)
    return ShownStep(
        name=step.description[:_LONGEST_TEXT],
        state=_STATES.get(step.state, step.state.lower()[:40]),
        done=max(0, min(done, most) if most else done),
        most=most if most > 0 else None,
        counts=step.counts[:_LONGEST_TEXT],
        details=step.details[:_LONGEST_TEXT],
        errors=tuple(error[:_LONGEST_TEXT] for error in step.errors[:most_errors]),
    )

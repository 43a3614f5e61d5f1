"""What is being done to a repository now, or was a moment ago: its tasks, and how far their steps are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.repositories.task_tags import repository_tag
from entrepot.tasking.reports import FINAL_STATES, STATES
from entrepot.tasking.steps import Step, steps_of
from entrepot.wording import size_text

if TYPE_CHECKING:
    from entrepot.dashboard.page import Asked
    from entrepot.tasking import TaskReport

#: Tasks that are shown; the page of tasks has the others.
_SHOWN = 10
#: Those that have just ended stay for so long, so that somebody who looks at one sees how it ended.
_JUST_ENDED = timedelta(minutes=1)
_ENDED_SHOWN = 3
_UNFINISHED = tuple(state for state in STATES if state not in FINAL_STATES)


@dataclass(frozen=True, slots=True)
class WorkStep:
    """A step: `done` of `most` (0: nobody knows) of its bytes, if it has any, else of its items; `counts` in words."""

    description: str
    state: str
    done: int
    most: int
    counts: str

    @property
    def share(self) -> int | None:
        """How much is done in per cent, None while that is not known."""
        if self.state == "FINISHED":
            return 100
        return min(self.done * 100 // self.most, 100) if self.most else None

    @property
    def words(self) -> str:
        """The state as people say it."""
        return self.state.lower().replace("_", " ")


@dataclass(frozen=True, slots=True)
class Work:
    """A task with its steps, as far as it has told of them."""

    report: TaskReport
    steps: tuple[WorkStep, ...]


def work_on(asked: Asked, repository_id: str) -> list[Work]:
    """Return the tasks of a repository that are not over, then those that have just ended, the newest first.

    None for who may not see tasks.
    """
    if not asked.may("READ", "/v2/tasks/"):
        return []
    tasks, tags, since = asked.engine.tasks, [repository_tag(repository_id)], clock.now() - _JUST_ENDED
    unfinished = tasks.list(states=_UNFINISHED, tags=tags, limit=_SHOWN, explain=True)
    newest = tasks.list(states=FINAL_STATES, tags=tags, limit=_ENDED_SHOWN)
    ended = [report for report in newest if report.finished is not None and report.finished > since]
    return [Work(report, tuple(map(_shown, steps_of(report)))) for report in (*unfinished, *ended)]


def _shown(step: Step) -> WorkStep:
    counts = []
    if step.done or step.total:
        counts.append(f"{step.done:,} of {step.total:,}" if step.total else f"{step.done:,}")
    if step.bytes_total:
        counts.append(f"{size_text(step.bytes_done)} of {size_text(step.bytes_total)}")
    elif step.bytes_done:
        counts.append(size_text(step.bytes_done))
    if step.failures:
        counts.append(f"{step.failures:,} failed")
    return WorkStep(
        description=step.description,
        state=step.state,
        done=step.bytes_done if step.bytes_total else step.done,
        most=step.bytes_total or step.total,
        counts=", ".join(counts),
    )

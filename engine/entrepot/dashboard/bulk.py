"""Cancel, retry or remove many tasks: those that were ticked, or all that a filter finds. First it is said how many.

What is said and what is done are the same tasks: those that the filter found, up to the newest there was at that moment. What
has changed in between is passed over, and said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from entrepot.access import may_retry
from entrepot.dashboard.page import Asked, Page, Redirect, Route
from entrepot.dashboard.task_filters import Filters, row_id
from entrepot.dashboard.tasks import RESOURCE
from entrepot.errors import EntrepotError, InvalidValue, MissingResource
from entrepot.tasking import FINAL_STATES, STATES, TaskBrief, TaskFilter
from entrepot.tasking.short_ids import FULL_LENGTH

_PATH = "/tasks/bulk"
#: Tasks that can be ticked; a page has fewer.
_MOST_TICKED = 200


@dataclass(frozen=True, slots=True)
class Action:
    """What can be done with many tasks: `states` are those that it concerns, `most` how many at a time.

    `operation` is what must be permitted on all tasks.
    """

    name: str
    verb: str
    states: frozenset[str]
    most: int
    operation: str
    explanation: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """The tasks that are concerned, and those that were ticked and are not; `is_more` if there are more than at a time."""

    tasks: Sequence[TaskBrief]
    others: Sequence[TaskBrief]
    is_more: bool


_ACTIONS = {
    "cancel": Action(
        "cancel",
        "cancels",
        frozenset({"waiting", "accepted", "running", "suspended"}),
        10_000,
        "DELETE",
        "Those that wait end at once, those that run as soon as they can stop. What they have spawned goes on.",
    ),
    "retry": Action(
        "retry",
        "tries again",
        FINAL_STATES,
        500,
        "EXECUTE",
        "Each is enqueued once more, as a new task that does the same. The old ones stay as they are.",
    ),
    "purge": Action(
        "purge",
        "removes",
        frozenset({"finished", "error", "skipped"}),
        10_000,
        "DELETE",
        "They are gone from all lists for good; what they have done stays done. Canceled tasks are kept until they are old.",
    ),
}


def preview(asked: Asked) -> Page:
    """Say how many tasks would be concerned."""
    action = _action(asked.query)
    asked.require(action.operation, RESOURCE)
    filters, is_ticked = Filters.of(asked.query), "task" in asked.query
    chosen = _chosen(asked, action, asked.query, None)
    counts = Counter(task.state for task in chosen.tasks)
    values = {
        "action": action,
        "count": len(chosen.tasks),
        "counts": [(state, counts[state]) for state in STATES if counts[state]],
        "types": Counter(task.task_type for task in chosen.tasks).most_common(10),
        "others": Counter(task.state for task in chosen.others).most_common(),
        "is_more": chosen.is_more,
        "is_ticked": is_ticked,
        "filters": filters,
        "newest": chosen.tasks[0].row_id if chosen.tasks else 0,
        "ticked": [task.task_id for task in chosen.tasks] if is_ticked else [],
        "back": filters.address("/tasks"),
    }
    return Page("tasks_bulk.html", f"{'Remove' if action.name == 'purge' else action.name.capitalize()} tasks", values)


def act(asked: Asked) -> Redirect:
    """Do it, and say what became of it."""
    action = _action(asked.form)
    asked.require(action.operation, RESOURCE)
    newest = row_id(asked.given("newest"))
    chosen = _chosen(asked, action, asked.form, None if newest is None else newest + 1)
    notice, is_trouble = _DOINGS[action.name](asked, chosen.tasks)
    if chosen.others:
        notice += f" {_count(len(chosen.others))} had changed meanwhile, and were left as they are."
    return Redirect(Filters.of(asked.form).address("/tasks"), notice, is_trouble)


def _action(given: Mapping[str, list[str]]) -> Action:
    name = given.get("action", [""])[-1]
    if name not in _ACTIONS:
        raise InvalidValue("action", why=f"it must be one of {', '.join(_ACTIONS)}")
    return _ACTIONS[name]


def _chosen(asked: Asked, action: Action, given: Mapping[str, list[str]], before: int | None) -> Chosen:
    """Find the tasks that are meant: those ticked, or all that the filter finds below the row id `before`."""
    tasks = asked.engine.tasks
    if "task" in given:
        ticked = [found for task_id in dict.fromkeys(given["task"][:_MOST_TICKED]) for found in _ticked(asked, task_id)]
        ticked.sort(key=lambda task: -task.row_id)
        concerned = [task for task in ticked if task.state in action.states]
        return Chosen(concerned, [task for task in ticked if task.state not in action.states], is_more=False)
    wanted = _limited(Filters.of(given).wanted, action)
    if not wanted.states:
        return Chosen([], [], is_more=False)
    found = tasks.briefs(wanted, before=before, limit=action.most + 1)
    return Chosen(found[: action.most], [], is_more=len(found) > action.most)


def _limited(wanted: TaskFilter, action: Action) -> TaskFilter:
    return replace(wanted, states=sorted(action.states.intersection(wanted.states or action.states)))


def _ticked(asked: Asked, task_id: str) -> Sequence[TaskBrief]:
    if len(task_id) != FULL_LENGTH:
        return []
    found = asked.engine.tasks.briefs(TaskFilter(id_beginning=task_id), limit=1)
    return [task for task in found if task.task_id == task_id]


def _cancel(asked: Asked, tasks: Sequence[TaskBrief]) -> tuple[str, bool]:
    count = asked.engine.tasks.cancel_many([task.task_id for task in tasks])
    return _told(count, len(tasks), "canceled, or told to stop", "had ended already"), False


def _purge(asked: Asked, tasks: Sequence[TaskBrief]) -> tuple[str, bool]:
    count = asked.engine.tasks.purge_many([task.row_id for task in tasks])
    return _told(count, len(tasks), "removed", "could not be removed any more"), False


def _retry(asked: Asked, tasks: Sequence[TaskBrief]) -> tuple[str, bool]:
    """Try each again that may be; what cannot is counted, and the first reason is said."""
    count, refused, reason = 0, 0, ""
    for task in reversed(tasks):  # the oldest first, as they were enqueued before
        try:
            report = asked.engine.tasks.get(task.task_id)
            if may_retry(asked.engine.access, asked.principal, report):
                asked.engine.tasks.retry(task.task_id)
                count += 1
                continue
            reason = reason or "You lack the permission for what they do."
        except MissingResource:
            reason = reason or "They have been removed."
        except EntrepotError as error:
            reason = reason or error.message
        refused += 1
    text = f"{_count(count)} enqueued once more."
    return (f"{text} {_count(refused)} not: {reason}", True) if refused else (text, False)


_DOINGS: Mapping[str, Callable[[Asked, Sequence[TaskBrief]], tuple[str, bool]]] = {
    "cancel": _cancel,
    "retry": _retry,
    "purge": _purge,
}


def _told(count: int, of: int, done: str, missed: str) -> str:
    if count == of:
        return f"{_count(count)} {done}."
    return f"{count:,} of {_count(of)} {done}; the other {of - count:,} {missed}."


def _count(number: int) -> str:
    return f"{number:,} task{'' if number == 1 else 's'}"


ROUTES = (
    Route("GET", _PATH, preview, resource=RESOURCE),
    Route("POST", _PATH, act, resource=RESOURCE, actions={name: f"{name} tasks" for name in _ACTIONS}),
)

"""Groups of tasks: make, list, count, cancel. Source: the Pulp 2 REST contract, 3.3; to make and list them is an extension."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.access import Operation
from entrepot.errors import JSON, InvalidValue, MissingResource
from entrepot.rest.endpoint import COUNT, Answer, Asked, Endpoint, Parameter, Schema, Wait
from entrepot.rest.reading import whole_number
from entrepot.rest.schemas import INTEGER, MOMENT, NULL, TEXT, many, record
from entrepot.rest.shapes import href, moment
from entrepot.rest.task_watch import LONGEST_WAIT_SECONDS, seconds_to_wait
from entrepot.tasking import STATES

if TYPE_CHECKING:
    from entrepot.tasking import GroupReport, TaskGroup

_COUNTED = (*STATES, "total")
SUMMARY: Schema = {
    "title": "StateSummary",
    "type": "object",
    "properties": dict.fromkeys(_COUNTED, INTEGER),
    "required": list[JSON](_COUNTED),
}
GROUP: Schema = {
    "title": "TaskGroup",
    "allOf": [SUMMARY, record("NamedGroup", _href=TEXT, group_id=TEXT, create_time=MOMENT)],
}
#: A list without a limit holds all there are.
_ALL = 2**31
#: Seconds between two counts of a group that is waited for.
_COUNT_SECONDS = 1.0


def list_groups(asked: Asked) -> Answer:
    """Return the groups of tasks, the newest first, with how many of their tasks are in each state."""
    text = asked.query.get("limit", [str(_ALL)])[-1]
    limit = whole_number(text)
    if not limit:
        raise InvalidValue("limit", why=f"{text!r} is no whole number from 1 on")
    return Answer([_shape(report) for report in asked.engine.tasks.list_groups(limit=limit)])


def create_group(asked: Asked) -> Answer:
    """Make an empty group of tasks."""
    report = asked.engine.tasks.create_group().report()
    return Answer(_shape(report), 201, location=href("task_groups", report.group_id))


def get_group(asked: Asked) -> Answer | Wait:
    """Return one group, with how many of its tasks are in each state; with `wait`, when all of them have ended."""
    group = _group(asked)
    if "wait" not in asked.query:
        return Answer(_shape(group.report()))
    watched = _WatchedGroup(group)
    return Wait(watched.look, lambda _: watched.has_ended, seconds_to_wait(asked))


def cancel_group(asked: Asked) -> Answer:
    """Cancel all tasks of a group that are not complete."""
    count = _group(asked).cancel()
    return Answer(None, headers={COUNT: str(count)})


def get_summary(asked: Asked) -> Answer:
    """Return how many tasks of a group are in each state."""
    return Answer(_group(asked).summary())


class _WatchedGroup:
    """A group that is looked at again and again: it is counted now and then only, and when all of its tasks have ended."""

    def __init__(self, group: TaskGroup) -> None:
        self._group = group
        self._unfinished: int | None = None
        self._answer: Answer | None = None
        self._count_at = 0.0
        self.has_ended = False

    def look(self) -> Answer:
        self._unfinished = self._group.find_unfinished(self._unfinished)
        self.has_ended = self._unfinished is None
        if self._answer is None or self.has_ended or clock.monotonic() >= self._count_at:
            self._answer = Answer({**_shape(self._group.report()), "unfinished": not self.has_ended})
            self._count_at = clock.monotonic() + _COUNT_SECONDS
        return self._answer


def _group(asked: Asked) -> TaskGroup:
    group_id = asked.names["group_id"]
    try:
        return asked.engine.tasks.get_group(group_id)
    except MissingResource as error:
        raise MissingResource(resource_id=group_id) from error


def _shape(report: GroupReport) -> dict[str, JSON]:
    return {
        "_href": href("task_groups", report.group_id),
        "group_id": report.group_id,
        "create_time": moment(report.created),
        **report.summary,
    }


_ONE = "/v2/task_groups/{group_id}/"
_LONGEST_WAIT = Parameter(
    "wait",
    "Answer when all of its tasks have ended, or after so many seconds.",
    {"type": "number", "minimum": 0, "maximum": LONGEST_WAIT_SECONDS},
)
_LIMIT = Parameter("limit", "How many are shown at most.", {"type": "integer", "minimum": 1})

ENDPOINTS = (
    Endpoint("GET", "/v2/task_groups/", Operation.READ, list_groups, {200: many(GROUP)}, query=(_LIMIT,)),
    Endpoint("POST", "/v2/task_groups/", Operation.CREATE, create_group, {201: GROUP}),
    Endpoint("GET", _ONE, Operation.READ, get_group, {200: GROUP}, problems=(404,), query=(_LONGEST_WAIT,)),
    Endpoint("DELETE", _ONE, Operation.DELETE, cancel_group, {200: NULL}, problems=(404,)),
    Endpoint("GET", f"{_ONE}state_summary/", Operation.READ, get_summary, {200: SUMMARY}, problems=(404,)),
)

"""Tasks: look up, await, follow, search, enqueue, try again, cancel, purge. Source: the Pulp 2 REST contract, 3.1 to 3.3."""

from __future__ import annotations

from collections.abc import Iterator

from entrepot.access import Operation, require_retry
from entrepot.criteria import Criteria
from entrepot.errors import JSON, InvalidValue, PurgeRefused, UnknownTaskType
from entrepot.rest.endpoint import COUNT, NOTHING, Answer, Asked, Endpoint, Parameter, Schema, Wait
from entrepot.rest.reading import flag, whole_number
from entrepot.rest.schemas import CALL_REPORT, NULL, OBJECT, TEXT, many, record
from entrepot.rest.search import PARAMETERS, criteria_document, cut, part_of, search_body, tree_of
from entrepot.rest.shapes import accepted
from entrepot.rest.task_shape import SINGLE_TASK, TASK, shape, single_shape
from entrepot.rest.task_submission import NEW_TASK, enqueue_task
from entrepot.rest.task_watch import LONGEST_WAIT_SECONDS, task_events, wait_for
from entrepot.tasking import STATES

#: What a task that was searched for shows whatever fields were asked for. Source: the Pulp 2 REST contract, 4.4.
_ALWAYS = ("_href", "_id", "id", "task_id")
_LAST = 2**63 - 1  # a row id
#: What a list may be narrowed by that begins with the newest.
_ONLY_NEWEST = {"task_type", "queue", "before"}
#: Tags that a list may be limited to; each is a condition of the query.
_MOST_TAGS = 100


def list_tasks(asked: Asked) -> Answer:
    """Return all tasks that are in no group, those of all `tag`s if any are given, in the order they were made."""
    states, tags = set(asked.query.get("state", [])), sorted(set(asked.query.get("tag", [])))
    group = asked.query.get("group_id", [None])[-1]
    if not states <= set(STATES):
        raise InvalidValue("state", why=f"the states are {', '.join(STATES)}")
    if len(tags) > _MOST_TAGS:
        raise InvalidValue("tag", why=f"more than {_MOST_TAGS} tags")
    tasks, explain = asked.engine.tasks, flag(asked, "explain")
    if "newest" in asked.query:
        reports = tasks.list(
            states=states,
            tags=tags,
            group=group,
            task_types=set(asked.query.get("task_type", [])),
            queue=asked.query.get("queue", [None])[-1],
            before=_before(asked),
            limit=_newest(asked),
            explain=explain,
        )
        return Answer(list(map(shape, reports)))
    if others := _ONLY_NEWEST & set(asked.query):
        raise InvalidValue(*sorted(others), why="it narrows the newest tasks only: say how many by `newest`")
    found = tasks.iterate(states=states, tags=tags, group=group, is_alone=group is None, explain=explain)
    return Answer(map(shape, found))


def purge_tasks(asked: Asked) -> Answer:
    """Remove all tasks that are complete and in one of the states given."""
    states = asked.query.get("state", [])
    if not states:
        text = "A purge must name the states of the tasks to remove: ?state=finished&state=error&state=skipped."
        raise PurgeRefused(text, args=[text])
    count = asked.engine.tasks.purge(states)
    return Answer(NOTHING, 204, headers={COUNT: str(count)})


def search_tasks(asked: Asked) -> Answer:
    """Search all tasks, those in groups too."""
    criteria = Criteria.parse(criteria_document(asked))
    return Answer(_found(asked, criteria))


def get_task(asked: Asked) -> Answer | Wait:
    """Return the report of one task; with `wait`, when it has ended or that many seconds are over."""
    task_id = asked.names["task_id"]
    return wait_for(asked, task_id) if "wait" in asked.query else Answer(single_shape(asked.engine.tasks.get(task_id)))


def get_arguments(asked: Asked) -> Answer:
    """Return what a task was called with; whatever may be a secret reads `*****`."""
    engine = asked.engine
    arguments = engine.tasks.arguments(asked.names["task_id"], secrets=engine.plugins.secret_names())
    return Answer({"args": arguments.args, "kwargs": arguments.kwargs})


def cancel_task(asked: Asked) -> Answer:
    """Cancel a task, but for what it has spawned; nothing happens to one that is complete."""
    is_canceled = asked.engine.tasks.handle(asked.names["task_id"]).cancel(with_spawned=flag(asked, "spawned"))
    return Answer(None, headers={COUNT: str(int(is_canceled))})


def retry_task(asked: Asked) -> Answer:
    """Enqueue once more what a task that has ended was to do, as a new task; who asks must be permitted that as well."""
    tasks, task_id = asked.engine.tasks, asked.names["task_id"]
    report = tasks.get(task_id)
    if asked.principal is not None:
        require_retry(asked.engine.access, asked.principal, report)
    try:
        return accepted(tasks.retry(task_id))
    except UnknownTaskType as error:
        raise InvalidValue("task_type", why=error.message) from error


def _newest(asked: Asked) -> int:
    text = asked.query["newest"][-1]
    number = whole_number(text)
    if not number:
        raise InvalidValue("newest", why=f"{text!r} is no whole number from 1 on")
    return number


def _before(asked: Asked) -> int | None:
    text = asked.query.get("before", [None])[-1]
    try:
        return None if text is None else min(int(text, 16), _LAST)
    except ValueError as error:
        raise InvalidValue("before", why=f"{text!r} is no `id` of a task as lists show it, in hexadecimal digits") from error


def _found(asked: Asked, criteria: Criteria) -> Iterator[dict[str, JSON]]:
    documents = map(shape, asked.engine.tasks.search(criteria))
    if not criteria.fields:
        return documents
    tree = tree_of(criteria.fields)
    return (cut(document, tree, _ALWAYS) for document in documents)


_STATE: Schema = {"enum": list[JSON](STATES)}
_WAIT: Schema = {"type": "number", "minimum": 0, "maximum": LONGEST_WAIT_SECONDS}
_NUMBER: Schema = {"type": "integer", "minimum": 1}
_EVENTS: Schema = {"contentMediaType": "text/event-stream"}
_LISTED = (
    Parameter("tag", "Only tasks that have all of these tags.", is_repeated=True),
    Parameter("state", "Only tasks in one of these states.", _STATE, is_repeated=True),
    Parameter("group_id", "Only tasks of this group."),
    Parameter("newest", "The newest so many, the newest first, those in groups too.", _NUMBER),
    Parameter("task_type", "With `newest`: only tasks of one of these types.", is_repeated=True),
    Parameter("queue", "With `newest`: only tasks of this queue."),
    Parameter("before", "With `newest`: only tasks made before the one with this `id`, for the next page."),
    Parameter("explain", "`true` says of those that wait why they do."),
)
_PURGED = (Parameter("state", "`finished`, `error` or `skipped`; at least one.", is_repeated=True),)
_ARGUMENTS = record("TaskArguments", args={"type": "array"}, kwargs=OBJECT)
_FOUND = many(part_of(TASK, "FoundTask", _ALWAYS))
_ONE = "/v2/tasks/{task_id}/"

ENDPOINTS = (
    Endpoint("GET", "/v2/tasks/", Operation.READ, list_tasks, {200: many(TASK)}, problems=(404,), query=_LISTED),
    Endpoint("POST", "/v2/tasks/", Operation.CREATE, enqueue_task, {202: CALL_REPORT}, problems=(400, 404, 409), body=NEW_TASK),
    Endpoint("DELETE", "/v2/tasks/", Operation.DELETE, purge_tasks, {204: None}, problems=(403,), query=_PURGED),
    Endpoint("GET", "/v2/tasks/search/", Operation.READ, search_tasks, {200: _FOUND}, query=PARAMETERS),
    Endpoint("POST", "/v2/tasks/search/", Operation.READ, search_tasks, {200: _FOUND}, body=search_body("TaskSearch")),
    Endpoint(
        "GET",
        _ONE,
        Operation.READ,
        get_task,
        {200: SINGLE_TASK},
        problems=(404,),
        query=(Parameter("wait", "Answer when the task has ended, or after so many seconds.", _WAIT),),
    ),
    Endpoint(
        "DELETE",
        _ONE,
        Operation.DELETE,
        cancel_task,
        {200: NULL},
        problems=(404,),
        query=(Parameter("spawned", "`true` cancels what it has spawned as well."),),
    ),
    Endpoint("GET", f"{_ONE}arguments/", Operation.READ, get_arguments, {200: _ARGUMENTS}, problems=(404,)),
    Endpoint("POST", f"{_ONE}actions/retry/", Operation.EXECUTE, retry_task, {202: CALL_REPORT}, problems=(400, 404, 409)),
    Endpoint(
        "GET",
        f"{_ONE}events/",
        Operation.READ,
        task_events,
        {200: _EVENTS},
        problems=(404,),
        query=(
            Parameter("after", "The id of the last event seen, as the header Last-Event-ID.", TEXT),
            Parameter("wait", "End the stream after so many seconds, if the task has not.", _WAIT),
        ),
    ),
)

"""Follow one task: an answer that waits for its end, and a stream of its reports."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.errors import JSON, InvalidValue
from entrepot.rest.endpoint import Answer, Asked, Events, Wait
from entrepot.rest.task_shape import single_shape
from entrepot.streaming import Event

if TYPE_CHECKING:
    from entrepot.engine import Engine

#: Seconds that an answer may be waited for at most; proxies cut off what is silent for longer.
LONGEST_WAIT_SECONDS = 60
#: Seconds between two looks at why the task waits: that changes with others, and not with the task itself.
_EXPLAIN_SECONDS = 5.0


class WatchedTask:
    """A task that is looked at again and again: its document is made anew only if it may have changed."""

    def __init__(self, engine: Engine, task_id: str) -> None:
        """Watch the task with this id, which is looked up by the first look."""
        self._engine = engine
        self._handle = engine.tasks.handle(task_id)
        self._seen: tuple[object, ...] = ()
        self._document: dict[str, JSON] = {}
        self._explain_at = 0.0

    def look(self) -> dict[str, JSON]:
        """Return the task's document; raises `MissingResource`."""
        glance, now = self._handle.glance(), clock.monotonic()
        is_waiting = glance[0] == "waiting"
        if glance != self._seen or (is_waiting and now >= self._explain_at):
            self._seen, self._explain_at = glance, now + _EXPLAIN_SECONDS
            self._document = single_shape(self._handle.report())
        return self._document


def wait_for(asked: Asked, task_id: str) -> Wait:
    """Return an answer with the task, which is sent when it has ended or the time of the parameter `wait` is over."""
    watched = WatchedTask(asked.engine, task_id)
    return Wait(lambda: Answer(watched.look()), lambda answer: _is_final(answer.document), seconds_to_wait(asked))


def task_events(asked: Asked) -> Events:
    """Stream the task's report now and after each change, as events `task`; the stream ends with the final one."""
    watched = WatchedTask(asked.engine, asked.names["task_id"])

    def look(after: str | None) -> tuple[list[Event], bool]:
        document = watched.look()
        event_id = hashlib.sha256(json.dumps(document).encode()).hexdigest()[:16]
        events = [] if event_id == after else [Event("task", document, event_id)]
        return events, _is_final(document)

    headers = dict(asked.scope["headers"])
    last = headers.get(b"last-event-id", b"").decode("latin-1")
    seconds = seconds_to_wait(asked) if "wait" in asked.query else None
    return Events(look, asked.query.get("after", [last])[-1] or None, seconds)


def seconds_to_wait(asked: Asked) -> float:
    """Return the parameter `wait`; raises `InvalidValue`."""
    text = asked.query["wait"][-1]
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= LONGEST_WAIT_SECONDS:
        raise InvalidValue("wait", why=f"{text!r} is no number of seconds between 0 and {LONGEST_WAIT_SECONDS}")
    return seconds


def _is_final(document: object) -> bool:
    """Return True if nothing of the task runs any more; one that was canceled may still be stopping."""
    return isinstance(document, dict) and document["finish_time"] is not None

"""Follow one task by the server's stream of events. Source: the HTML standard, 9.2 (server-sent events)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from entrepot import clock
from entrepot.client.connection import Connection
from entrepot.client.documents import Document
from entrepot.client.refusals import refusal

#: Seconds that one stream lasts at most, and of silence after which it counts as broken: the server speaks every 15.
_STREAM_SECONDS = 60.0
_SILENCE_SECONDS = 40.0
#: Seconds before a stream that broke off is asked for again.
_PAUSE_SECONDS = 0.5


@dataclass(slots=True)
class _Event:
    name: str = "message"
    id: str = ""
    data: str = ""


def task_documents(connection: Connection, task_id: str, deadline: float | None) -> Iterator[Document]:
    """Yield the task's document now and after each change, until the final one or `deadline` (of `clock.monotonic`).

    A stream that breaks off is taken up where it ended. Raises what the server refuses, `ServerUnavailable`.
    """
    after = ""
    while True:
        began = clock.monotonic()
        seconds = _STREAM_SECONDS if deadline is None else min(max(deadline - began, 0.0), _STREAM_SECONDS)
        query = [("wait", f"{seconds:.3f}"), *([("after", after)] if after else [])]
        with connection.lines("tasks", task_id, "events", query=query, silence=_SILENCE_SECONDS) as lines:
            for event in _events(lines):
                document: Document = json.loads(event.data)
                if event.name == "error":
                    raise refusal(document["error"])
                after = event.id
                yield document
                if document["finish_time"] is not None:
                    return
        now = clock.monotonic()
        if deadline is not None and now >= deadline:
            return
        if now - began < seconds:
            time.sleep(min(_PAUSE_SECONDS, seconds - (now - began)))


def _events(lines: Iterable[str]) -> Iterator[_Event]:
    """Yield the events that the lines of a stream make up; one that breaks off in the middle is none."""
    event = _Event()
    for line in lines:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if event.data:
                yield event
            event = _Event()
        elif field == "data":
            event.data += value
        elif field == "event":
            event.name = value
        elif field == "id":
            event.id = value

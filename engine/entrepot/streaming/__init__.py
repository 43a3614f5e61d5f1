"""What doors have in common that tell clients of changes as they come.

* `changes`: one thread a process sees that the database has changed, and wakes whoever listens.
* `events`: a stream of server-sent events, which goes on where a client has heard the last one.
"""

from entrepot.streaming.changes import Changes, Listener
from entrepot.streaming.events import EVENTS_HEADERS, Event, Stream, client_gone, event_text, send_events

__all__ = ["EVENTS_HEADERS", "Changes", "Event", "Listener", "Stream", "client_gone", "event_text", "send_events"]

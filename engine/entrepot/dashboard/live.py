"""What of a page is new for somebody who looks at it: its live parts are made anew, and those that differ are sent.

The id of an event names the state of all live parts as the browser then has them, so that nothing has to be remembered here:
a browser that comes back says what it has, and gets what differs. Source: the HTML standard, 9.2 (`Last-Event-ID`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from entrepot.dashboard.rendering import digest
from entrepot.errors import EntrepotError
from entrepot.streaming import Event

if TYPE_CHECKING:
    from entrepot.dashboard.rendering import Rendered
    from entrepot.readers import Readers

_LOG = logging.getLogger("entrepot.dashboard")
#: A page is made anew at most so often, seconds, however much goes on.
_TURN_SECONDS = 0.5
#: The event that lets the page be loaded anew: it is gone, or whoever looks at it may not any more.
RELOAD = "reload"


class LivePage:
    """A page that is looked at, for one stream."""

    def __init__(self, rendered: Callable[[], Rendered], readers: Readers, turns: asyncio.Semaphore) -> None:
        """Look at what `rendered` makes, in a reader's thread, when it is this one's turn."""
        self._rendered = rendered
        self._readers = readers
        self._turns = turns
        self._next_at = 0.0

    async def look(self, after: str | None) -> tuple[list[Event], bool]:
        """Return what differs from the state `after`, and whether that was the last; raises what the page does."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._next_at - loop.time())
        async with self._turns:
            rendered = await self._readers.run(self._rendered)
        self._next_at = loop.time() + _TURN_SECONDS
        known, events = states(after or ""), list[Event]()
        for name, part in rendered.parts.items():
            state = digest(part)
            if known.get(name) != state:
                known[name] = state
                events.append(Event(name, part, ";".join(f"{one}:{its}" for one, its in sorted(known.items()))))
        return events, False

    async def look_again(self, after: str | None) -> tuple[list[Event], bool]:
        """Return as `look`; where the page cannot be made any more, the browser is told to load it anew."""
        try:
            return await self.look(after)
        except EntrepotError as error:
            _LOG.info("A page cannot be made for its stream any more: %s", error.message)
        except Exception:  # noqa: BLE001 - a border: loaded anew, the page says what went wrong
            _LOG.exception("a page cannot be made for its stream")
        return [Event(RELOAD, "", after or "")], True


def states(marks: str) -> dict[str, str]:
    """Return the states of live parts that an id of an event names; what is none is left out."""
    pairs = (pair.partition(":") for pair in marks[:4000].split(";"))
    return {name: state for name, colon, state in pairs if colon and name.isidentifier() and state.isalnum()}

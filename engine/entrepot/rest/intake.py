"""Take in a body of bytes, however long: pieces as they come are handed to a reader's thread, which waits for no client."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from entrepot.rest.endpoint import Answer, Intake

if TYPE_CHECKING:
    from starlette.types import Receive

#: So much is gathered before it is handed on: a piece costs a turn of a thread and a row of the database.
PIECE_BYTES = 4 * 1024 * 1024

#: Runs a function in a reader's thread.
Run: TypeAlias = "Callable[[Callable[[], object]], Awaitable[object]]"


async def take_in(intake: Intake, receive: Receive, run: Run) -> Callable[[], Answer] | None:
    """Return what makes the answer once all has been taken; None if the client goes before, whose last bytes are taken too."""
    parts: list[bytes] = []
    taken = gathered = 0
    is_more = True
    while is_more:
        message = await receive()
        has_gone = message["type"] == "http.disconnect"
        if part := message.get("body", b""):
            parts.append(part)
            gathered += len(part)
        is_more = not has_gone and message.get("more_body", False)
        if gathered >= PIECE_BYTES or (gathered and not is_more):
            await run(partial(intake.take, taken, b"".join(parts)))
            taken, gathered, parts = taken + gathered, 0, []
        if has_gone:
            return None
    return intake.end

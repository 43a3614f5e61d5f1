"""Step 3 of the walk of a task: after the commit, a bell rings for each task that has become ready.

A bell tells a worker to look; it carries no truth. One that is lost costs the time until a worker looks anyway
(`ledger.LOOK_ANYWAY_SECONDS`), one too many costs a look. So whoever rings never fails: the row is committed already.

Before: `readiness`. Next: `lease`, in the worker that hears it (`transport`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from entrepot import failpoints

if TYPE_CHECKING:
    from entrepot.models import Database


class Bell(NamedTuple):
    """Tells that the task with this id is ready, to workers that serve its queue."""

    task_id: str
    queue: str


#: What is called with the bells of one commit.
Ring = Callable[[Sequence[Bell]], object]


class Doorbell(Protocol):
    """How bells reach the workers of one engine."""

    def ring(self, bells: Sequence[Bell]) -> None:
        """Tell the workers; returns soon and raises nothing, whatever state the transport is in."""

    def is_connected(self) -> bool:
        """Return whether the transport answers, as far as it is another than the database; returns soon, and raises nothing."""

    def close(self) -> None:
        """Let go of connections; ringing opens them anew."""


class EmbeddedDoorbell:
    """The doorbell without a server: the database itself tells its watchers that something has changed."""

    def __init__(self, database: Database) -> None:
        """Ring by `database`: nothing is sent on SQLite, whose change counter is watched; on PostgreSQL, NOTIFY."""
        self._database = database

    def ring(self, bells: Sequence[Bell]) -> None:
        """Announce that something has changed."""
        if bells:
            self._database.announce()
            failpoints.reach("delivery.rung")

    def is_connected(self) -> bool:
        """Return True: there is nothing beside the database."""
        return True

    def close(self) -> None:
        """Nothing is open."""

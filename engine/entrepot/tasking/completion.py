"""Step 6 of the walk of a task: the outcome is written, the reservations go, the successors become ready.

Before: `execution`. Next: `readiness` for the successors, and so back to `lease`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot import clock, failpoints
from entrepot.tasking import readiness
from entrepot.tasking.lease import OWNED, Claim

if TYPE_CHECKING:
    from entrepot.models import Database
    from entrepot.tasking.readiness import Released

#: A task that was canceled while it ran stays canceled, whatever its function still returned or raised.
_COMPLETE = f"""
UPDATE task SET state = CASE WHEN state = 'canceled' THEN state ELSE ? END, finished_at = ?, lease_until = NULL,
    result = ?, error = CASE WHEN state = 'canceled' THEN NULL ELSE ? END,
    traceback = CASE WHEN state = 'canceled' THEN NULL ELSE ? END, progress = COALESCE(?, progress)
WHERE {OWNED} AND state IN ('running', 'canceled')
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a claimed task ended; `result`, `error` and `progress` are JSON text."""

    claim: Claim
    state: str
    result: str | None = None
    error: str | None = None
    traceback: str | None = None
    progress: str | None = None


def complete(database: Database, outcome: Outcome) -> list[Released] | None:
    """Write `outcome` in the caller's transaction and return the reservations that are free now.

    Returns None, and changes nothing, if the task has another owner or is finished already. The caller makes the
    successors ready (`readiness.make_successors_ready`).
    """
    changed = database.execute(
        _COMPLETE,
        (
            outcome.state,
            clock.now_us(),
            outcome.result,
            outcome.error,
            outcome.traceback,
            outcome.progress,
            *outcome.claim.fence,
        ),
    ).rowcount
    if changed == 0:
        return None
    failpoints.reach("completion.written")
    released = readiness.release(database, outcome.claim.id)
    failpoints.reach("completion.released")
    return released


def settle(database: Database, outcome: Outcome) -> None:
    """Write one outcome by itself, successors included; nothing happens if the task has another owner."""
    with database.transaction():
        readiness.pass_on(database, complete(database, outcome) or [])

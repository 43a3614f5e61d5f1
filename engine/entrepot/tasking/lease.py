"""Step 4 of the walk of a task: claim, and the lease that a claim holds.

A claim is a compare-and-set from waiting to running; it raises `attempt`, which together with `owner` fences every later
write: whoever no longer owns the task changes zero rows and learns it. Before: `readiness`. Next: `execution`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from entrepot import clock, failpoints

if TYPE_CHECKING:
    from entrepot.models import Database

_HAS_READY = "SELECT 1 FROM task WHERE state = 'waiting' AND ready_at IS NOT NULL LIMIT 1"
_CLAIM = """
UPDATE task SET state = 'running', attempt = attempt + 1, owner = ?, lease_until = ?, started_at = ?
WHERE id IN (SELECT id FROM task WHERE state = 'waiting' AND ready_at IS NOT NULL ORDER BY id LIMIT ?{skip_locked})
RETURNING id, task_id, task_type, arguments, attempt, timeout_us, task_group
"""
#: The fence of every write that an owner makes: zero rows changed means that it is the owner no longer.
OWNED = "id = ? AND attempt = ? AND owner = ? AND finished_at IS NULL"


@dataclass(frozen=True, slots=True)
class Claim:
    """A task that this worker runs now; `id` and `group` are row ids, `arguments` is JSON text."""

    id: int
    task_id: str
    task_type: str
    arguments: str
    attempt: int
    owner: str
    timeout: timedelta | None
    group: int | None

    @property
    def fence(self) -> tuple[int, int, str]:
        """The values for `OWNED`."""
        return self.id, self.attempt, self.owner


def has_ready(database: Database) -> bool:
    """Return True if some task could be claimed now; cheap, and takes no lock."""
    return database.row(_HAS_READY) is not None


def claim(database: Database, owner: str, *, limit: int, lease: timedelta) -> list[Claim]:
    """Take up to `limit` ready tasks, oldest first, in the caller's transaction.

    If the process dies after the commit, the lease runs out and `rescue` hands them on.
    """
    lease_until = database.lease_now_us() + clock.us(lease)
    statement = _CLAIM.format(skip_locked=database.skip_locked)
    rows = database.rows(statement, (owner, lease_until, clock.now_us(), limit))
    if rows:
        failpoints.reach("lease.claimed")
    return [
        Claim(id_, task_id, task_type, arguments, attempt, owner, _span(timeout_us), group)
        for id_, task_id, task_type, arguments, attempt, timeout_us, group in sorted(rows)
    ]


def renew(database: Database, claims: Iterable[Claim], *, lease: timedelta) -> list[Claim]:
    """Extend the leases of `claims` and return those whose task has another owner now.

    A row that the task itself is just writing to is passed over: that write extends its lease as well.
    """
    extend = f"UPDATE task SET lease_until = ? WHERE id IN (SELECT id FROM task WHERE {OWNED}{database.skip_locked})"
    lost = []
    with database.transaction(durable=False):
        lease_until = database.lease_now_us() + clock.us(lease)
        for held in claims:
            changed = database.execute(extend, (lease_until, *held.fence)).rowcount
            if changed == 0 and database.row(f"SELECT 1 FROM task WHERE {OWNED}", held.fence) is None:
                lost.append(held)
    return lost


def leave_word(database: Database, held: Claim, error: str) -> None:
    """Write how the task will end when its worker is gone, which does not stop it; `rescue` reads it."""
    with database.transaction():
        database.execute(f"UPDATE task SET error = ? WHERE {OWNED} AND state = 'running'", (error, *held.fence))


def canceled_ids(database: Database, owner: str) -> set[int]:
    """Return the row ids of the tasks that `owner` still runs although they were canceled."""
    rows = database.rows("SELECT id FROM task WHERE state = 'canceled' AND finished_at IS NULL AND owner = ?", (owner,))
    return {row[0] for row in rows}


def hand_back(database: Database, claims: Iterable[Claim]) -> list[Claim]:
    """Put tasks that have not begun back where they were, first in line; return those that were no longer owned."""
    refused = []
    with database.transaction(durable=False):
        for held in claims:
            changed = database.execute(
                f"UPDATE task SET state = 'waiting', owner = NULL, lease_until = NULL, started_at = NULL "
                f"WHERE {OWNED} AND state = 'running'",
                held.fence,
            ).rowcount
            if changed == 0:
                refused.append(held)
    return refused


def _span(microseconds: int | None) -> timedelta | None:
    return None if microseconds is None else timedelta(microseconds=microseconds)

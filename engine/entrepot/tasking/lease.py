"""Step 4 of the walk of a task: claim, and the lease that a claim holds.

A claim is a compare-and-set from waiting to running; it raises `attempt`, which together with `owner` fences every later
write: whoever no longer owns the task changes zero rows and learns it. Before: `readiness`. Next: `execution`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from entrepot import clock, failpoints

if TYPE_CHECKING:
    from entrepot.models import Database

#: Ordered, so that PostgreSQL takes the index, whatever it believes of the table.
_READY = "FROM task WHERE state = 'waiting' AND ready_at IS NOT NULL{queues} ORDER BY priority, id LIMIT ?"
_COLUMNS = "priority, id, task_id, task_type, arguments, attempt, timeout_us, task_group, retries"
_CLAIM = """
UPDATE task SET state = 'running', attempt = attempt + 1, owner = ?, lease_until = {now} + ?, started_at = ? WHERE id {chosen}
"""
#: How many of the first ready tasks `claim_free` looks at.
_LOOKED_AT = 32
#: The fence of every write that an owner makes: zero rows changed means that it is the owner no longer.
OWNED = "id = ? AND attempt = ? AND owner = ? AND finished_at IS NULL"


@dataclass(frozen=True, slots=True)
class Claim:
    """A task that this worker runs now; `id` and `group` are row ids, `arguments` is JSON text.

    `retries` counts the runs that raised and were to be tried again; rescues count in `attempt` only.
    """

    id: int
    task_id: str
    task_type: str
    arguments: str
    attempt: int
    owner: str
    timeout: timedelta | None
    group: int | None
    retries: int
    started_us: int

    @property
    def fence(self) -> tuple[int, int, str]:
        """The values for `OWNED`."""
        return self.id, self.attempt, self.owner


def has_ready(database: Database, queues: Sequence[str] = ()) -> bool:
    """Return True if some task of `queues` (all, if empty) could be claimed now; cheap, and takes no lock."""
    return database.row(f"SELECT 1 {_READY.format(queues=_only(queues))}", (*queues, 1)) is not None


def claim(database: Database, owner: str, *, limit: int, lease: timedelta, queues: Sequence[str] = ()) -> list[Claim]:
    """Take up to `limit` ready tasks of `queues` (all, if empty), by priority and then by age, in the caller's transaction.

    If the process dies after the commit, the lease runs out and `rescue` hands them on.
    """
    return _take(database, owner, lease, f"{_READY.format(queues=_only(queues))}{database.skip_locked}", (*queues, limit))


def _take(database: Database, owner: str, lease: timedelta, source: str, parameters: Sequence[object]) -> list[Claim]:
    """Make those tasks the owner's whose ids `SELECT id` with the rest `source` returns."""
    started = clock.now_us()
    values = (owner, clock.us(lease), started)
    if database.serialises_writers:  # plain statements are three times as fast there as one that returns what it wrote
        found = database.rows(f"SELECT {_COLUMNS} FROM task WHERE id IN (SELECT id {source})", parameters)
        database.executemany(_CLAIM.format(now=database.lease_clock_sql, chosen="= ?"), [(*values, row[1]) for row in found])
        rows = sorted((*row[:5], row[5] + 1, *row[6:]) for row in found)
    else:
        chosen = database.one_of(f"SELECT id {source}")
        statement = f"{_CLAIM.format(now=database.lease_clock_sql, chosen=chosen)} RETURNING {_COLUMNS}"
        rows = sorted(database.rows(statement, (*values, *parameters)))
    if rows:
        failpoints.reach("lease.claimed")
    return [
        Claim(id_, task_id, task_type, arguments, attempt, owner, _span(timeout_us), group, retries, started)
        for _, id_, task_id, task_type, arguments, attempt, timeout_us, group, retries in rows
    ]


def claim_free(database: Database, owner: str, *, limit: int, lease: timedelta, queues: Sequence[str] = ()) -> list[Claim]:
    """Take up to `limit` of the first ready tasks that reserve nothing, as `claim` does; of the first few only it is looked."""
    ready = f"SELECT id, priority {_READY.format(queues=_only(queues))}{database.skip_locked}"
    free = (
        f"FROM ({ready}) AS first WHERE NOT EXISTS (SELECT 1 FROM reservation WHERE reservation.task = first.id) "
        "ORDER BY first.priority, first.id LIMIT ?"
    )
    return _take(database, owner, lease, free, (*queues, _LOOKED_AT, limit))


def _only(queues: Sequence[str]) -> str:
    return f" AND queue IN ({', '.join('?' * len(queues))})" if queues else ""


def renew(database: Database, claims: Iterable[Claim], *, lease: timedelta) -> list[Claim]:
    """Extend the leases of `claims` and return those whose task has another owner now.

    A row that the task itself is just writing to is passed over: that write extends its lease as well.
    """
    extend = (
        f"UPDATE task SET lease_until = {database.lease_clock_sql} + ? "
        f"WHERE id IN (SELECT id FROM task WHERE {OWNED}{database.skip_locked})"
    )
    lost = []
    with database.transaction(durable=False):
        for held in claims:
            changed = database.execute(extend, (clock.us(lease), *held.fence)).rowcount
            if changed == 0 and database.row(f"SELECT 1 FROM task WHERE {OWNED}", held.fence) is None:
                lost.append(held)
    return lost


def leave_word(database: Database, held: Claim, error: str, retry_at: int | None) -> None:
    """Write how this run will have ended when its worker is gone, which does not stop it; `rescue` reads it."""
    statement = f"UPDATE task SET error = ?, not_before = ? WHERE {OWNED} AND state = 'running'"
    with database.transaction():
        database.execute(statement, (error, retry_at, *held.fence))


def canceled_ids(database: Database, owner: str) -> set[int]:
    """Return the row ids of the tasks that `owner` still runs although they were canceled."""
    rows = database.rows("SELECT id FROM task WHERE state = 'canceled' AND finished_at IS NULL AND owner = ?", (owner,))
    return {row[0] for row in rows}


def running_fences(database: Database, owner: str) -> set[tuple[int, int, str]]:
    """Return the fences of the tasks that `owner` runs, by their rows."""
    rows = database.rows("SELECT id, attempt FROM task WHERE owner = ? AND finished_at IS NULL AND state = 'running'", (owner,))
    return {(id_, attempt, owner) for id_, attempt in rows}


def hand_back(database: Database, fences: Iterable[tuple[int, int, str]]) -> None:
    """Put tasks that have not begun, by their fences, back where they were, first in line; another owner's are left alone."""
    with database.transaction(durable=False):
        database.executemany(
            "UPDATE task SET state = 'waiting', owner = NULL, lease_until = NULL, started_at = NULL "
            f"WHERE {OWNED} AND state = 'running'",
            list(fences),
        )
        database.announce()


def _span(microseconds: int | None) -> timedelta | None:
    return None if microseconds is None else timedelta(microseconds=microseconds)

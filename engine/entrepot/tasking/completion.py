"""Step 6 of the walk of a task: the outcome is written, the reservations go, the successors become ready.

A run that failed and is to be tried again ends here as well: its task waits, keeps its reservations, and so its place in
every line, until it is due (`due`).

Before: `execution`. Next: `readiness` for the successors, and so back to `lease`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot import clock, failpoints
from entrepot.tasking import attempts, readiness
from entrepot.tasking.lease import OWNED, Claim

if TYPE_CHECKING:
    from entrepot.models import Database
    from entrepot.tasking.delivery import Ring
    from entrepot.tasking.readiness import Released

#: A task that was canceled while it ran stays canceled, whatever its function still returned or raised.
_COMPLETE = f"""
UPDATE task SET state = CASE WHEN state = 'canceled' THEN state ELSE ? END, finished_at = ?, lease_until = NULL, result = ?,
    error = CASE WHEN state = 'canceled' THEN NULL ELSE ? END,
    traceback = CASE WHEN state = 'canceled' THEN NULL ELSE ? END, progress = COALESCE(?, progress)
WHERE {OWNED} AND state IN ('running', 'canceled')
"""
#: On PostgreSQL all outcomes are written, and what they held is freed, by one statement: a round trip costs more than it.
#: On SQLite the plain statements are six times as fast.
_COMPLETE_ON_POSTGRESQL = """
WITH outcome (id, attempt, owner, state, result, error, traceback, progress) AS (VALUES {outcomes}), done AS (
    UPDATE task SET state = CASE WHEN task.state = 'canceled' THEN task.state ELSE outcome.state END, finished_at = ?,
        lease_until = NULL, result = outcome.result, error = CASE WHEN task.state <> 'canceled' THEN outcome.error END,
        traceback = CASE WHEN task.state <> 'canceled' THEN outcome.traceback END,
        progress = COALESCE(outcome.progress, task.progress)
    FROM outcome
    WHERE task.id = outcome.id AND task.attempt = outcome.attempt AND task.owner = outcome.owner
        AND task.finished_at IS NULL AND task.state IN ('running', 'canceled')
    RETURNING task.id
), freed AS (
    DELETE FROM reservation WHERE task = ANY(ARRAY(SELECT id FROM done)) RETURNING task, resource, exclusive, capacity
)
SELECT id, NULL, NULL, NULL FROM done UNION ALL SELECT task, resource, exclusive, capacity FROM freed
"""
_OUTCOME = "(?::bigint, ?::integer, ?::text, ?::text, ?::text, ?::text, ?::text, ?::text)"
#: It keeps its reservations.
_TRY_AGAIN = f"""
UPDATE task SET state = 'waiting', not_before = ?, ready_at = NULL, retries = retries + 1, owner = NULL, lease_until = NULL,
    started_at = NULL, traceback = ?, progress = COALESCE(?, progress)
WHERE {OWNED} AND state = 'running'
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run of a claimed task ended; `result`, `error` and `progress` are JSON text.

    With `retry_at` (microseconds since 1970) the task is tried again then, and this was not its end.
    """

    claim: Claim
    state: str
    result: str | None = None
    error: str | None = None
    traceback: str | None = None
    progress: str | None = None
    retry_at: int | None = None


@dataclass(frozen=True, slots=True)
class Completed:
    """What came of outcomes that were written: what is free now, and those that nobody waited for any more."""

    released: list[Released]
    refused: list[Outcome]


def complete(database: Database, outcomes: Sequence[Outcome]) -> Completed:
    """Write `outcomes` in the caller's transaction, and free what the ended tasks had reserved.

    Those of a task that has another owner, or has ended already, change nothing: they are refused. The caller makes the
    successors ready (`readiness.make_successors_ready`).
    """
    now = clock.now_us()
    ended = sorted(
        (outcome for outcome in outcomes if outcome.retry_at is None or not _try_again(database, outcome, now)),
        key=lambda outcome: outcome.claim.id,
    )
    if not ended:
        return Completed([], [])
    written, released = (_end if database.serialises_writers else _end_on_postgresql)(database, ended, now)
    failpoints.reach("completion.released")
    return Completed(released, [outcome for outcome in ended if outcome.claim.id not in written])


def _try_again(database: Database, outcome: Outcome, now: int) -> bool:
    """Let the task wait for its next try and return True; or return False if it was canceled or has another owner."""
    claim = outcome.claim
    values = (outcome.retry_at, outcome.traceback, outcome.progress, *claim.fence)
    if database.execute(_TRY_AGAIN, values).rowcount == 0:
        return False
    attempts.record(database, [(claim.id, claim.attempt, claim.owner, claim.started_us, now, outcome.error)])
    return True


def _end(database: Database, outcomes: Sequence[Outcome], now: int) -> tuple[set[int], list[Released]]:
    """Return the row ids of the tasks that were still owned, and what they no longer reserve."""
    written: set[int] = set()
    for outcome in outcomes:
        texts = (outcome.result, outcome.error, outcome.traceback, outcome.progress)
        if database.execute(_COMPLETE, (outcome.state, now, *texts, *outcome.claim.fence)).rowcount:
            written.add(outcome.claim.id)
    if not written:
        return written, []
    failpoints.reach("completion.written")
    return written, readiness.release(database, sorted(written))


def _end_on_postgresql(database: Database, outcomes: Sequence[Outcome], now: int) -> tuple[set[int], list[Released]]:
    values: list[object] = []
    for outcome in outcomes:
        values += (*outcome.claim.fence, outcome.state, outcome.result, outcome.error, outcome.traceback, outcome.progress)
    marks = ", ".join([_OUTCOME] * len(outcomes))
    rows = database.rows(_COMPLETE_ON_POSTGRESQL.format(outcomes=marks), (*values, now))
    failpoints.reach("completion.written")
    released = [readiness.Released(*row) for row in rows if row[1] is not None]
    return {row[0] for row in rows}, released


def settle(database: Database, outcome: Outcome, ring: Ring) -> None:
    """Write one outcome by itself, successors included; nothing happens if the task has another owner."""
    with database.transaction():
        readiness.pass_on(database, complete(database, [outcome]).released, ring)
        database.announce()

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
from entrepot.tasking.lease import Claim

if TYPE_CHECKING:
    from entrepot.models import Database
    from entrepot.tasking.delivery import Ring
    from entrepot.tasking.readiness import Released

_OUTCOME = """
(CAST(? AS BIGINT), CAST(? AS INTEGER), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT),
 CAST(? AS TEXT), CAST(? AS BIGINT))
"""
#: A task that was canceled while it ran stays canceled, whatever its function still returned or raised.
_OUTCOMES = "WITH outcome (id, attempt, owner, state, result, error, traceback, progress, retry_at) AS (VALUES {outcomes})"
_COMPLETE = """
UPDATE task SET
    state = CASE WHEN task.state = 'canceled' THEN 'canceled' WHEN outcome.retry_at IS NOT NULL THEN 'waiting'
                 ELSE outcome.state END,
    finished_at = CASE WHEN task.state = 'canceled' OR outcome.retry_at IS NULL THEN ? END,
    result = outcome.result,
    error = CASE WHEN task.state <> 'canceled' AND outcome.retry_at IS NULL THEN outcome.error END,
    traceback = CASE WHEN task.state <> 'canceled' THEN outcome.traceback END,
    progress = COALESCE(outcome.progress, task.progress),
    lease_until = NULL,
    owner = CASE WHEN task.state = 'canceled' OR outcome.retry_at IS NULL THEN task.owner END,
    started_at = CASE WHEN task.state = 'canceled' OR outcome.retry_at IS NULL THEN task.started_at END,
    ready_at = CASE WHEN task.state = 'canceled' OR outcome.retry_at IS NULL THEN task.ready_at END,
    not_before = CASE WHEN task.state <> 'canceled' THEN outcome.retry_at END,
    retries = task.retries + CASE WHEN task.state <> 'canceled' AND outcome.retry_at IS NOT NULL THEN 1 ELSE 0 END
FROM outcome
WHERE task.id = outcome.id AND task.attempt = outcome.attempt AND task.owner = outcome.owner AND task.finished_at IS NULL
    AND task.state IN ('running', 'canceled')
RETURNING task.id, task.state
"""
#: On PostgreSQL one statement does both, which saves the round trips of a transaction.
_COMPLETE_AND_RELEASE = f"""
{_OUTCOMES}, done AS ({_COMPLETE}), freed AS (
    DELETE FROM reservation WHERE task = ANY(ARRAY(SELECT id FROM done WHERE state <> 'waiting'))
    RETURNING task, resource, exclusive, capacity
)
SELECT id, state, NULL, NULL, NULL FROM done UNION ALL SELECT task, NULL, resource, exclusive, capacity FROM freed
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
    ordered = sorted(outcomes, key=lambda outcome: outcome.claim.id)
    now = clock.now_us()
    states, released = _write(database, ordered, now)
    if not states:
        return Completed([], ordered)
    tried_again = [outcome for outcome in ordered if states.get(outcome.claim.id) == "waiting"]
    if tried_again:
        runs = [(outcome.claim, outcome.error) for outcome in tried_again]
        attempts.record(database, [(run.id, run.attempt, run.owner, run.started_us, now, error) for run, error in runs])
    failpoints.reach("completion.released")
    return Completed(released, [outcome for outcome in ordered if outcome.claim.id not in states])


def _write(database: Database, outcomes: Sequence[Outcome], now: int) -> tuple[dict[int, str], list[Released]]:
    """Return the states that the owned tasks have now, by row id, and what those that have ended no longer reserve."""
    values: list[object] = []
    for outcome in outcomes:
        values += (*outcome.claim.fence, outcome.state, outcome.result, outcome.error, outcome.traceback, outcome.progress)
        values.append(outcome.retry_at)
    marks = ", ".join([_OUTCOME] * len(outcomes))
    if database.serialises_writers:
        states: dict[int, str] = dict(database.rows(_OUTCOMES.format(outcomes=marks) + _COMPLETE, (*values, now)))
        failpoints.reach("completion.written")
        ended = [id_ for id_, state in states.items() if state != "waiting"]
        return states, readiness.release(database, ended) if ended else []
    rows = database.rows(_COMPLETE_AND_RELEASE.format(outcomes=marks), (*values, now))
    failpoints.reach("completion.written")
    states = {id_: state for id_, state, *_ in rows if state is not None}
    return states, [readiness.Released(id_, *gone) for id_, state, *gone in rows if state is None]


def settle(database: Database, outcome: Outcome, ring: Ring) -> None:
    """Write one outcome by itself, successors included; nothing happens if the task has another owner."""
    with database.transaction():
        readiness.pass_on(database, complete(database, [outcome]).released, ring)
        database.announce()

"""Run tasks in the calling thread, by the same walk that a worker process takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.tasking.context import TaskContext
from entrepot.tasking.execution import Execution
from entrepot.tasking.ledger import Ledger

if TYPE_CHECKING:
    from entrepot.engine import Engine


def drain(engine: Engine, *, limit: int = 1000, worker_name: str = "drain@test") -> int:
    """Run ready tasks one after the other until none is left, at most `limit`; return how many were run.

    What a task spawns is run too. No thread, no process and no waiting is involved.
    """
    ledger = Ledger(engine.database, worker_name, slots=1, lease_span=engine.settings.lease)
    count = 0
    while count < limit:
        ledger.turn()
        claim = ledger.take(0)
        if claim is None:
            break
        context = TaskContext(claim, engine.tasks, lease=engine.settings.lease, max_bytes=engine.settings.max_result_bytes)
        outcome = Execution(context).run(engine.registry)
        if outcome is not None:
            ledger.finish(outcome)
        ledger.free_slot()
        count += 1
    ledger.drain()
    ledger.turn()
    return count

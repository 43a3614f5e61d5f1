"""Run tasks in the calling thread, by the same walk that a worker process takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.tasking.context import TaskContext
from entrepot.tasking.delivery import EmbeddedDoorbell
from entrepot.tasking.execution import Execution
from entrepot.tasking.ledger import Ledger

if TYPE_CHECKING:
    from entrepot.engine import Engine


def drain(engine: Engine, *, limit: int = 1000, worker_name: str = "drain@test") -> int:
    """Run ready tasks one after the other until none is left, at most `limit`; return how many were run.

    What a task spawns is run too. No thread, no process and no waiting is involved.
    """
    ledger = Ledger(
        engine.database, worker_name, slots=1, lease_span=engine.settings.lease, doorbell=EmbeddedDoorbell(engine.database)
    )
    count, claim = 0, ledger.take()
    while claim is not None and count < limit:
        ledger.begin(claim)
        context = TaskContext(claim, engine.tasks, lease=engine.settings.lease, max_bytes=engine.settings.max_result_bytes)
        outcome = Execution(context).run(engine.registry)
        count += 1
        if count == limit:
            ledger.drain()
        claim = None if outcome is None else ledger.finish(outcome, seconds=1)
        if claim is None:
            ledger.free_slot()
            claim = ledger.take()
    ledger.hand_back()
    return count

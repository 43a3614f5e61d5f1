"""Cancel: a waiting task ends at once; a running one is canceled at once, and its owner is told to stop.

A task canceled while it ran keeps its reservations until its function has really stopped (`finished_at`), so that the
next in line never runs beside it. Terminal states are final. Source: the Pulp 2 REST contract, 3.2 to 3.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.errors import MissingResource
from entrepot.tasking import readiness

if TYPE_CHECKING:
    from entrepot.models import Database

_CANCEL_WAITING = "UPDATE task SET state = 'canceled', finished_at = ? WHERE task_id = ? AND state = 'waiting' RETURNING id"
_CANCEL_RUNNING = "UPDATE task SET state = 'canceled' WHERE task_id = ? AND state = 'running' RETURNING id"


def cancel(database: Database, task_id: str) -> bool:
    """Cancel one task and return True, or False if it was complete already.

    Raises `MissingResource` if there is no such task.
    """
    with database.transaction():
        if database.row(f"SELECT 1 FROM task WHERE task_id = ?{database.for_update}", (task_id,)) is None:
            raise MissingResource(resource_id=task_id)
        waiting = database.row(_CANCEL_WAITING, (clock.now_us(), task_id))
        if waiting is not None:
            readiness.pass_on(database, readiness.release(database, waiting[0]))
        running = None if waiting else database.row(_CANCEL_RUNNING, (task_id,))
    return waiting is not None or running is not None

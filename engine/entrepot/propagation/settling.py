"""What becomes of a deploy when a task of it ends without a word: canceled by hand, out of time, its worker lost for good.

One round of a loop; any number of processes may make it side by side.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.propagation import deploys, progress
from entrepot.propagation.progress import PushKey

if TYPE_CHECKING:
    from entrepot.models import Database
    from entrepot.propagation.reports import PushState
    from entrepot.repositories import House

_NEVER_BEGUN = f"""
SELECT deploy.id, {deploys.STATE}, task.error FROM {deploys.FROM}
WHERE deploy.finished_at IS NULL AND deploy.state = 'new' AND (task.state IS NULL OR task.state NOT IN {deploys.UNFINISHED})
"""
_WORDLESS = f"""
SELECT deploy_server.deploy, deploy_server.server, deploy_server.task_id, task.state, task.error
FROM deploy JOIN deploy_server ON deploy_server.deploy = deploy.id
LEFT JOIN task ON task.task_id = deploy_server.task_id
WHERE deploy.finished_at IS NULL AND deploy.state = 'propagating' AND deploy_server.state IN {progress.OPEN}
AND (task.state IS NULL OR task.state NOT IN {deploys.UNFINISHED})
"""


def settle(house: House) -> int:
    """Write down how deploys and pushes ended whose tasks did not; return how many there were."""
    database, count = house.database, 0
    for deploy_id, state, error in database.rows(_NEVER_BEGUN):
        with database.transaction(durable=False):
            reason = deploys.why_never_begun(state, error)
            count += progress.finish(database, deploy_id, state, reason, ("new",))
    for deploy_id, server_id, task_id, task_state, error in database.rows(_WORDLESS):
        ended: PushState = "canceled" if task_state == "canceled" else "failed"
        reason = "Its task was canceled." if ended == "canceled" else deploys.why_push_ended(error)
        with database.transaction(durable=False):
            count += progress.end(database, PushKey(deploy_id, server_id, task_id), ended, error=reason)
    return count


def prune(database: Database, *, older_than: timedelta) -> int:
    """Forget deploys that ended and are older than `older_than`, but for the latest of each distributor; return how many."""
    with database.transaction(durable=False):
        forgotten = database.execute(
            "DELETE FROM deploy WHERE state NOT IN ('new', 'propagating') AND created_at < ? "
            "AND id NOT IN (SELECT MAX(id) FROM deploy GROUP BY repository_id, distributor_id)",
            (clock.now_us() - clock.us(older_than),),
        )
        return int(forgotten.rowcount)

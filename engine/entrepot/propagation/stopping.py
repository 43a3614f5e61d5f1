"""A deploy is stopped, taken up again, or loses a server that is removed.

What it says is written by one transaction; the tasks that are not wanted any more are canceled after its commit. Should that
be lost by a crash, each of them finds by itself that it is not wanted.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from entrepot.errors import MissingResource, OperationConflict
from entrepot.propagation import deploys, progress
from entrepot.propagation.pushes import push_call
from entrepot.propagation.starting import deploy_config

if TYPE_CHECKING:
    from entrepot.models import Database, Row
    from entrepot.propagation.reports import DeployReport
    from entrepot.repositories import House

_UNDONE = """
SELECT deploy_server.server, deploy_server.pop, pop.max_pushes
FROM deploy_server JOIN pop ON pop.id = deploy_server.pop JOIN edge_server
ON edge_server.id = deploy_server.server AND edge_server.pop = deploy_server.pop AND edge_server.url = deploy_server.url
WHERE deploy_server.deploy = ? AND deploy_server.state IN ('failed', 'canceled')
"""
_AGAIN = """
UPDATE deploy_server SET state = 'pending', attempts = 0, error = NULL, started_at = NULL, next_attempt_at = NULL, task_id = ?
WHERE deploy = ? AND server = ?
"""
#: Those that are not pushed to again were not counted while the deploy was canceled, and count as failed now.
_COUNT_FAILED = """
UPDATE deploy_pop SET failed_count = (
    SELECT COUNT(*) FROM deploy_server WHERE deploy_server.deploy = deploy_pop.deploy
    AND deploy_server.pop = deploy_pop.pop AND deploy_server.state IN ('failed', 'canceled')
) WHERE deploy = ?
"""


def cancel(house: House, deploy_id: int) -> DeployReport:
    """Cancel a deploy; raises `MissingResource`, and `OperationConflict` if it has ended."""
    database = house.database
    with database.transaction():
        _require(database, deploy_id)
        report = deploys.get_deploy(database, deploy_id)
        if report.state not in ("new", "propagating"):
            msg = f"Deploy {deploy_id} is {report.state}, so there is nothing to cancel."
            raise OperationConflict(msg, reasons=[{"deploy_id": deploy_id, "state": report.state}])
        tasks = progress.stop_pushes(database, deploy_id)
        if report.state == "new" and report.task_id is not None:
            tasks.append(report.task_id)
        progress.finish(database, deploy_id, "canceled", "It was canceled.", ("new", "propagating"))
        database.after_commit(partial(house.tasks.cancel_many, tasks))
    return deploys.get_deploy(database, deploy_id)


def push_again(house: House, deploy_id: int, *, pop_id: int | None, server_id: int | None) -> DeployReport:
    """Push to the servers that a deploy did not reach, and count those no more that were removed since.

    Raises `MissingResource`, `OperationConflict`.
    """
    database = house.database
    with database.transaction():
        _require(database, deploy_id)
        _refuse_outdated(database, deploy_id)
        are_gone = progress.drop_gone(database, deploy_id)
        undone = _undone(database, deploy_id, pop_id, server_id)
        if not undone and not (are_gone and pop_id is None and server_id is None):
            msg = f"Deploy {deploy_id} has no push there that failed or was canceled, so there is nothing to push again."
            raise OperationConflict(msg, reasons=[{"deploy_id": deploy_id}])
        retries = _retries(house, deploy_id)
        tasks = house.tasks.enqueue_many(push_call(deploy_id, *row, retries=retries) for row in undone)
        database.executemany(_AGAIN, [(task.task_id, deploy_id, row[0]) for row, task in zip(undone, tasks, strict=True)])
        database.execute(_COUNT_FAILED, (deploy_id,))
        database.execute(
            "UPDATE deploy SET state = 'propagating', reason = NULL, finished_at = NULL WHERE id = ?", (deploy_id,)
        )
        progress.conclude(database, deploy_id)
    return deploys.get_deploy(database, deploy_id)


def remove_server(house: House, server_id: int) -> None:
    """Remove a server, from deploys under way as well unless they are done with it; raises `MissingResource`."""
    with house.database.transaction() as database:
        row = database.row("DELETE FROM edge_server WHERE id = ? RETURNING id, pop, url", (server_id,))
        if row is None:
            raise MissingResource(server=str(server_id))
        _drop(house, [row])


def remove_pop(house: House, pop_id: int) -> None:
    """Remove a POP with its servers; raises `MissingResource`."""
    with house.database.transaction() as database:
        if database.row(f"SELECT 1 FROM pop WHERE id = ?{database.for_update}", (pop_id,)) is None:
            raise MissingResource(pop=str(pop_id))
        servers = database.rows("DELETE FROM edge_server WHERE pop = ? RETURNING id, pop, url", (pop_id,))
        database.execute("DELETE FROM pop WHERE id = ?", (pop_id,))
        _drop(house, servers)


def _drop(house: House, servers: list[Row]) -> None:
    """Take removed servers out of the deploys that are under way, those one after the other in the order of their ids."""
    database, pairs = house.database, list[tuple[int, int]]()
    for server in servers:
        pairs += database.rows(
            "SELECT deploy, server FROM deploy_server JOIN deploy ON deploy.id = deploy_server.deploy "
            "WHERE server = ? AND pop = ? AND url = ? AND deploy.state = 'propagating' AND deploy_server.state <> 'done'",
            server,
        )
    for deploy_id in sorted({deploy_id for deploy_id, _ in pairs}):
        progress.hold(database, deploy_id)  # all rows first: the log is written last
    tasks = [progress.drop_server(database, deploy_id, server_id) for deploy_id, server_id in sorted(pairs)]
    database.after_commit(partial(house.tasks.cancel_many, [task for task in tasks if task is not None]))


def _require(database: Database, deploy_id: int) -> None:
    if progress.hold(database, deploy_id) is None:
        raise MissingResource(deploy=str(deploy_id))


def _refuse_outdated(database: Database, deploy_id: int) -> None:
    """Raise `OperationConflict` unless what the deploy brings is what its distributor serves now."""
    row = database.row(
        "SELECT newer.id FROM deploy JOIN deploy AS newer ON newer.repository_id = deploy.repository_id "
        "AND newer.distributor_id = deploy.distributor_id AND newer.started_at > deploy.started_at "
        "WHERE deploy.id = ? ORDER BY newer.started_at DESC LIMIT 1",
        (deploy_id,),
    )
    if row is not None:
        msg = f"Deploy {deploy_id} is out of date: deploy {row[0]} came after it. Push that one again, or roll back."
        raise OperationConflict(msg, reasons=[{"deploy_id": deploy_id, "newer": row[0]}])
    if database.row("SELECT 1 FROM deploy WHERE id = ? AND distributor IS NULL", (deploy_id,)) is not None:
        msg = f"The distributor of deploy {deploy_id} was removed, so there is nothing left to push."
        raise OperationConflict(msg, reasons=[{"deploy_id": deploy_id}])


def _undone(database: Database, deploy_id: int, pop_id: int | None, server_id: int | None) -> list[Row]:
    condition, values = "", list[object]([deploy_id])
    for column, value in (("pop", pop_id), ("server", server_id)):
        if value is not None:
            condition += f" AND deploy_server.{column} = ?"
            values.append(value)
    in_turns = "ROW_NUMBER() OVER (PARTITION BY deploy_server.pop ORDER BY deploy_server.server), deploy_server.pop"
    return database.rows(f"{_UNDONE}{condition} ORDER BY {in_turns}", values)


def _retries(house: House, deploy_id: int) -> int:
    row = house.database.row(
        "SELECT distributor.id, distributor_type_id FROM deploy JOIN distributor ON distributor.id = deploy.distributor "
        "WHERE deploy.id = ?",
        (deploy_id,),
    )
    config = None if row is None else deploy_config(house, *row)
    return house.settings.push_retries if config is None or config.retries is None else config.retries

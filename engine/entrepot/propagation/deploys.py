"""What is known of deploys: one, many, the pushes of one. Reads only.

One that was asked for is new until its publish flips; should the task of that have ended otherwise, it is told as failed or
canceled from that moment on, though `settling` writes it down a little later.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from entrepot import clock
from entrepot.content.bulk import chunks, placeholders
from entrepot.errors import InvalidValue, MissingResource
from entrepot.propagation.reports import DeployReport, PopProgress, ServerPush

if TYPE_CHECKING:
    from datetime import datetime

    from entrepot.models import Database, Row

#: States that a task leaves again.
UNFINISHED = "('waiting', 'accepted', 'running', 'suspended')"
#: The state of a deploy, of which `deploy` is the row and `task` that of its publish, if that is still kept.
STATE = f"""
CASE WHEN deploy.state <> 'new' OR task.state IN {UNFINISHED} THEN deploy.state
WHEN task.state = 'canceled' THEN 'canceled' ELSE 'failed' END
"""
FROM = "deploy LEFT JOIN task ON deploy.state = 'new' AND task.task_id = deploy.task_id"
#: More rows than there are.
_ALL = 2**62
_DEPLOYS = f"""
SELECT deploy.id, deploy.repository_id, distributor_id, revision, environment, network, {STATE} AS shown_state, message,
       reason, requested_by, deploy.task_id, deploy.created_at, deploy.started_at, deploy.finished_at, task.error,
       task.finished_at, deploy.state
FROM {FROM}
"""
_PUSHES = """
SELECT server, deploy_server.pop, deploy_pop.name, deploy_server.url, state, attempts, file_count, byte_count, error,
       next_attempt_at, started_at, acked_at, task_id, deploy_server.deploy
FROM deploy_server JOIN deploy_pop ON deploy_pop.deploy = deploy_server.deploy AND deploy_pop.pop = deploy_server.pop
"""
#: The newest of each distributor, and all that may be under way.
_LATEST = """
deploy.id IN (
    SELECT MAX(id) FROM deploy GROUP BY repository_id, distributor_id UNION SELECT id FROM deploy WHERE finished_at IS NULL
)
"""
_LAST_PUSHES = f"""
{_PUSHES} JOIN edge_server ON edge_server.id = deploy_server.server
WHERE edge_server.pop = ?
AND deploy_server.deploy = (SELECT MAX(one.deploy) FROM deploy_server AS one WHERE one.server = edge_server.id)
ORDER BY deploy_server.server
"""


def get_deploy(database: Database, deploy_id: int) -> DeployReport:
    """Return one deploy; raises `MissingResource`."""
    row = database.row(f"{_DEPLOYS} WHERE deploy.id = ?", (deploy_id,))
    if row is None:
        raise MissingResource(deploy=str(deploy_id))
    return _reports(database, [row])[0]


def list_deploys(
    database: Database,
    *,
    repository_ids: Collection[str] | None,
    distributor_id: str | None,
    environment: str | None,
    states: Collection[str] | None,
    before: int | None,
    limit: int,
    latest: bool,
) -> list[DeployReport]:
    """Return the newest deploys first; raises `InvalidValue` for a limit below 1."""
    if limit < 1:
        raise InvalidValue("limit", why="it must be at least 1")
    conditions, values = ["1 = 1"], list[object]()
    for column, chosen in (("deploy.repository_id", repository_ids), (f"({STATE})", states)):
        if chosen is not None:
            conditions.append(f"{column} IN ({', '.join('?' * len(chosen))})" if chosen else "1 = 0")
            values += sorted(chosen)
    if latest:
        conditions.append(_LATEST)
    for condition, value in (
        ("distributor_id = ?", distributor_id),
        ("environment = ?", environment),
        ("deploy.id < ?", before),
    ):
        if value is not None:
            conditions.append(condition)
            values.append(value)
    found = database.rows(f"{_DEPLOYS} WHERE {' AND '.join(conditions)} ORDER BY deploy.id DESC LIMIT ?", (*values, limit))
    return _reports(database, found)


def list_pushes(
    database: Database,
    deploy_id: int,
    *,
    pop_id: int | None,
    states: Collection[str] | None,
    skip: int,
    limit: int | None,
) -> list[ServerPush]:
    """Return the pushes of a deploy, by POP name and server; raises `MissingResource`, `InvalidValue`."""
    given = (("skip", skip, 0), ("limit", limit, 1))
    refused = [name for name, number, least in given if number is not None and number < least]
    if refused:
        raise InvalidValue(*refused, why="skip must be at least 0, limit at least 1")
    if database.row("SELECT 1 FROM deploy WHERE id = ?", (deploy_id,)) is None:
        raise MissingResource(deploy=str(deploy_id))
    conditions, values = ["deploy_server.deploy = ?"], list[object]([deploy_id])
    if pop_id is not None:
        conditions.append("deploy_server.pop = ?")
        values.append(pop_id)
    if states is not None:
        conditions.append(f"state IN ({', '.join('?' * len(states))})" if states else "1 = 0")
        values += sorted(states)
    query = f"{_PUSHES} WHERE {' AND '.join(conditions)} ORDER BY deploy_pop.name, server LIMIT ? OFFSET ?"
    pushes = [_push(row) for row in database.rows(query, (*values, _ALL if limit is None else limit, skip))]
    return pushes if limit is not None else sorted(pushes, key=lambda push: (push.pop, push.server_id))


def list_last_pushes(database: Database, pop_id: int) -> list[ServerPush]:
    """Return the newest push to each server of a POP that there was one to, by server; raises `MissingResource`."""
    if database.row("SELECT 1 FROM pop WHERE id = ?", (pop_id,)) is None:
        raise MissingResource(pop=str(pop_id))
    return [_push(row) for row in database.rows(_LAST_PUSHES, (pop_id,))]


def find_under_way(database: Database, distributor: int) -> int | None:
    """Return the id of a deploy of the distributor with that row id that has not ended, or None."""
    query = f"SELECT deploy.id FROM {FROM} WHERE distributor = ? AND ({STATE}) IN ('new', 'propagating') LIMIT 1"
    row = database.row(query, (distributor,))
    return None if row is None else int(row[0])


def why_never_begun(state: str, error: str | None) -> str:
    """Say why a deploy that was asked for never began: `state` is what it is told as, `error` that of its task (JSON text)."""
    if state == "canceled":
        return "Its publish was canceled."
    return _described(error) or "Its publish ended without a publication."


def why_push_ended(error: str | None) -> str:
    """Say why a push ended whose task did not say so itself; `error` is that of the task (JSON text)."""
    return _described(error) or "Its task ended without a word."


def _described(error: str | None) -> str | None:
    document: Any = json.loads(error) if error else {}
    return document.get("description") and str(document["description"])


def _reports(database: Database, rows: list[Row]) -> list[DeployReport]:
    if not rows:
        return []
    pops: dict[int, list[PopProgress]] = defaultdict(list)
    for some in chunks([row[0] for row in rows]):
        query = "SELECT deploy, pop, name, server_count, done_count, failed_count FROM deploy_pop WHERE deploy IN "
        for deploy_id, *values in sorted(database.rows(query + placeholders(len(some)), some), key=itemgetter(2, 1)):
            pops[deploy_id].append(PopProgress(*values))
    return [_report(row, pops[row[0]]) for row in rows]


def _report(row: Row, pops: list[PopProgress]) -> DeployReport:
    *values, created, started, finished, error, task_finished, written_state = row
    deploy_id, repository_id, distributor_id, revision, environment, network, state, message, reason, requested_by, task_id = (
        values
    )
    if state != written_state:
        reason, finished = why_never_begun(state, error), task_finished
    return DeployReport(
        deploy_id=deploy_id,
        repository_id=repository_id,
        distributor_id=distributor_id,
        revision=revision,
        environment=environment,
        network=network,
        state=state,
        message=message,
        reason=reason,
        requested_by=requested_by,
        task_id=task_id,
        servers=sum(pop.servers for pop in pops),
        done=sum(pop.done for pop in pops),
        failed=sum(pop.failed for pop in pops),
        created=clock.from_us(created),
        started=_moment(started),
        finished=_moment(finished),
        pops=tuple(pops),
    )


def _push(row: Row) -> ServerPush:
    server_id, pop_id, pop, url, state, attempts, files, size, error, next_attempt, started, acked, task_id, deploy_id = row
    moments = (_moment(next_attempt), _moment(started), _moment(acked))
    return ServerPush(server_id, pop_id, pop, url, state, attempts, files, size, error, *moments, task_id, deploy_id)


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else clock.from_us(microseconds)

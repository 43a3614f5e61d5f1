"""How far a deploy has got: what becomes of each push, and of the whole when the last one has ended.

All of it is written here, in the caller's transaction, and under the lock of the deploy's row: two pushes that end at the same
moment are counted one after the other, so that exactly one of them finds that it was the last. Whoever locks the row of a
task does so before. A push that has ended, or that another task has taken over, is not written to.

A server that is done stays counted for good, and no other ever joins: the share of the servers that are done only rises.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from entrepot import clock
from entrepot.errors import JSON
from entrepot.events import record_activity
from entrepot.models import EdgeServer, storable
from entrepot.propagation.reports import DeployState, PushState

if TYPE_CHECKING:
    from datetime import timedelta

    from entrepot.models import Database, Row

OPEN = "('pending', 'pushing', 'retrying')"

_OWNED = f"deploy = ? AND server = ? AND task_id = ? AND state IN {OPEN}"
_END = f"""
UPDATE deploy_server SET state = ?, error = ?, file_count = ?, byte_count = ?, acked_at = ?, next_attempt_at = NULL
WHERE {_OWNED} RETURNING pop
"""
#: The id of a server that was removed may be given again: it is the same server if its POP and its URL are.
_OPTIONS = """
SELECT edge_server.options FROM deploy_server JOIN edge_server
ON edge_server.id = deploy_server.server AND edge_server.pop = deploy_server.pop AND edge_server.url = deploy_server.url
WHERE deploy_server.deploy = ? AND deploy_server.server = ?
"""
_DROP_GONE = """
DELETE FROM deploy_server WHERE deploy = ? AND state IN ('failed', 'canceled') AND NOT EXISTS (
    SELECT 1 FROM edge_server WHERE edge_server.id = deploy_server.server AND edge_server.pop = deploy_server.pop
    AND edge_server.url = deploy_server.url
) RETURNING pop
"""
_UNENDED_POP = "SELECT 1 FROM deploy_pop WHERE deploy = ? AND done_count + failed_count < server_count"


@dataclass(frozen=True, slots=True)
class PushKey:
    """The push of a deploy to a server, by a task: another task that takes over has another key."""

    deploy_id: int
    server_id: int
    task_id: str


@dataclass(frozen=True, slots=True)
class BegunPush:
    """What a push is to do: `distributor` is a row id, `options` those of the server, unmasked."""

    repository_id: str
    distributor_id: str
    distributor: int
    revision: int
    url: str
    options: dict[str, JSON]


def begin(database: Database, push: PushKey) -> BegunPush | None:
    """Take note that an attempt begins, and return what it is to do; None if it is not wanted any more."""
    deploy = _hold(database, push.deploy_id)
    server = database.row(_OPTIONS, (push.deploy_id, push.server_id))
    if server is None:  # removed at the very moment when the deploy began
        drop_server(database, push.deploy_id, push.server_id)
        return None
    row = database.row(
        "UPDATE deploy_server SET state = 'pushing', attempts = attempts + 1, started_at = COALESCE(started_at, ?), "
        f"next_attempt_at = NULL WHERE {_OWNED} RETURNING url",
        (clock.now_us(), push.deploy_id, push.server_id, push.task_id),
    )
    if row is None or deploy is None:
        return None
    _, repository_id, distributor_id, distributor, revision = deploy
    options = EdgeServer.options.python_value(server[0])
    return BegunPush(repository_id, distributor_id, distributor, revision, row[0], options)


def is_wanted(database: Database, push: PushKey) -> bool:
    """Say whether the push is still open and this task's; it stays so until the transaction ends."""
    _hold(database, push.deploy_id)
    return database.row(f"SELECT 1 FROM deploy_server WHERE {_OWNED}", _key(push)) is not None


def try_later(database: Database, push: PushKey, error: str, *, task_id: str, wait: timedelta) -> None:
    """Take note that an attempt failed, and that the task `task_id` makes the next one after `wait`."""
    database.execute(
        f"UPDATE deploy_server SET state = 'retrying', error = ?, next_attempt_at = ?, task_id = ? WHERE {_OWNED}",
        (storable(error), clock.now_us() + clock.us(wait), task_id, *_key(push)),
    )


def end(
    database: Database, push: PushKey, state: PushState, *, error: str | None = None, files: int = 0, size: int = 0
) -> bool:
    """Take note that a push has ended: done, failed or canceled; return False if it was not open, or another task's.

    `files` and `size` (bytes) are what was transferred. The last push of a deploy ends the deploy.
    """
    deploy = _hold(database, push.deploy_id)
    acked = clock.now_us() if state == "done" else None
    text = None if error is None else storable(error)
    row = database.row(_END, (state, text, files, size, acked, *_key(push)))
    if row is None or deploy is None:
        return False
    column = "done_count" if state == "done" else "failed_count"
    database.execute(f"UPDATE deploy_pop SET {column} = {column} + 1 WHERE deploy = ? AND pop = ?", (push.deploy_id, row[0]))
    if error is not None:
        _warn(database, push, deploy, error)
    if database.row(f"{_UNENDED_POP} AND pop = ?", (push.deploy_id, row[0])) is None:
        conclude(database, push.deploy_id)
    return True


def drop_server(database: Database, deploy_id: int, server_id: int) -> str | None:
    """Count a server of a deploy under way no more, unless it is done; return its task, if that is under way."""
    deploy = _hold(database, deploy_id)
    if deploy is None or deploy[0] != "propagating":
        return None
    row = database.row(
        "DELETE FROM deploy_server WHERE deploy = ? AND server = ? AND state <> 'done' RETURNING pop, state, task_id",
        (deploy_id, server_id),
    )
    if row is None:
        return None
    pop, state, task_id = row
    was_counted = 1 if state in ("failed", "canceled") else 0
    database.execute(
        "UPDATE deploy_pop SET server_count = server_count - 1, failed_count = failed_count - ? WHERE deploy = ? AND pop = ?",
        (was_counted, deploy_id, pop),
    )
    database.execute("DELETE FROM deploy_pop WHERE deploy = ? AND pop = ? AND server_count = 0", (deploy_id, pop))
    conclude(database, deploy_id)
    return None if was_counted else str(task_id)


def drop_gone(database: Database, deploy_id: int) -> bool:
    """Count those servers no more that a deploy did not reach and that were removed after its end; say if there are any."""
    rows = database.rows(_DROP_GONE, (deploy_id,))
    for pop, count in Counter(pop for (pop,) in rows).items():
        less = "UPDATE deploy_pop SET server_count = server_count - ? WHERE deploy = ? AND pop = ?"
        database.execute(less, (count, deploy_id, pop))
    database.execute("DELETE FROM deploy_pop WHERE deploy = ? AND server_count = 0", (deploy_id,))
    return bool(rows)


def conclude(database: Database, deploy_id: int) -> None:
    """End a deploy under way if all of its pushes have; its row is held by this transaction."""
    if database.row(f"{_UNENDED_POP} LIMIT 1", (deploy_id,)) is not None:
        return
    sums = "SELECT COALESCE(SUM(server_count), 0), COALESCE(SUM(failed_count), 0) FROM deploy_pop WHERE deploy = ?"
    servers, failed = database.row(sums, (deploy_id,)) or (0, 0)
    if failed:
        finish(database, deploy_id, "failed", f"{failed} of {servers} servers could not be reached.", ("propagating",))
    else:
        reason = None if servers else "There was no server to push to."
        finish(database, deploy_id, "propagated", reason, ("propagating",))


def finish(database: Database, deploy_id: int, state: DeployState, reason: str | None, before: tuple[DeployState, ...]) -> bool:
    """End a deploy that is in one of the states `before`, and say so in the repository's log; return False if it is not."""
    row = database.row(
        f"UPDATE deploy SET state = ?, reason = ?, finished_at = ? WHERE id = ? AND state IN ({_marks(before)}) "
        "RETURNING repository_id, distributor_id, revision, task_id",
        (state, reason and storable(reason), clock.now_us(), deploy_id, *before),
    )
    if row is None:
        return False
    repository_id, distributor_id, revision, task_id = row
    what = f"Deploy {deploy_id}" + ("" if revision is None else f" of publication {revision}")
    record_activity(
        database,
        "error" if state == "failed" else "notice",
        repository_id,
        f"{what} is {state}." + (f" {reason}" if reason else ""),
        distributor_id=distributor_id,
        task_id=task_id,
    )
    return True


def stop_pushes(database: Database, deploy_id: int) -> list[str]:
    """Cancel all open pushes of a deploy that is over, and return their tasks, which the caller cancels after the commit."""
    rows = database.rows(
        "UPDATE deploy_server SET state = 'canceled', next_attempt_at = NULL "
        f"WHERE deploy = ? AND state IN {OPEN} RETURNING task_id",
        (deploy_id,),
    )
    return [task_id for (task_id,) in rows if task_id is not None]


def hold(database: Database, deploy_id: int) -> DeployState | None:
    """Return the state of a deploy, which stays as it is until this transaction ends; None if there is none."""
    row = _hold(database, deploy_id)
    return None if row is None else row[0]


def _hold(database: Database, deploy_id: int) -> Row | None:
    """Return state, repository's and distributor's id, distributor's row id and revision, and keep the row."""
    return database.row(
        f"SELECT state, repository_id, distributor_id, distributor, revision FROM deploy WHERE id = ?{database.for_update}",
        (deploy_id,),
    )


def _warn(database: Database, push: PushKey, deploy: Row, error: str) -> None:
    server = database.row(
        "SELECT url, attempts, deploy_pop.name FROM deploy_server JOIN deploy_pop USING (deploy, pop) "
        "WHERE deploy = ? AND server = ?",
        (push.deploy_id, push.server_id),
    )
    url, attempts, pop = server or ("", 0, "")
    tries = "1 attempt" if attempts == 1 else f"{attempts} attempts"
    message = f"Deploy {push.deploy_id} gave up {url} in {pop} after {tries}: {error}"
    record_activity(database, "warning", deploy[1], message, distributor_id=deploy[2], task_id=push.task_id)


def _key(push: PushKey) -> tuple[int, int, str]:
    return push.deploy_id, push.server_id, push.task_id


def _marks(values: tuple[Any, ...]) -> str:
    return ", ".join("?" * len(values))

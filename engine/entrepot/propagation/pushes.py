"""The task that pushes a deploy to one server.

An attempt that fails enqueues the next one, delayed, in the transaction that says so: while it waits nobody waits for it, and
the POP's other servers take their turns. A task whose worker was lost is run again; a target takes any push twice.
"""

from __future__ import annotations

import random
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from entrepot import failpoints
from entrepot.errors import JSON, DatabaseError, EntrepotError, PushFailed, PushGivenUp
from entrepot.propagation import progress, targets
from entrepot.propagation.progress import BegunPush, PushKey
from entrepot.propagation.published_tree import PublishedTree
from entrepot.tasking import Call, Retry, TaskContext, current_task
from entrepot.tasking.retry import decide

if TYPE_CHECKING:
    from entrepot.propagation.targets.tree import Pushed
    from entrepot.repositories import House
    from entrepot.settings import Settings

TASK_TYPE = "entrepot.propagation.push"

#: When the task itself is tried again: the database did not answer, so nobody could write down what became of the push.
RETRY = Retry(max=10, on=(DatabaseError,))


def push_call(
    deploy_id: int,
    server_id: int,
    pop_id: int,
    max_pushes: int,
    *,
    retries: int,
    failures: int = 0,
    not_before: timedelta | None = None,
) -> Call:
    """Return the call of one attempt: `retries` may follow the first one, `failures` came before this one."""
    options = {"retries": retries, "failures": failures}
    return Call(TASK_TYPE, (deploy_id, server_id, pop_id, max_pushes), options, not_before=not_before)


def reserves(_deploy_id: int, server_id: int, *_args: object, **_options: object) -> list[str]:
    """Return what a push reserves: its server, so that no other deploy pushes there meanwhile."""
    return [f"edge:server:{server_id}"]


def tags(deploy_id: int, server_id: int, *_args: object, **_options: object) -> list[str]:
    """Return what a push can be found by."""
    return ["pulp:action:push", f"entrepot:deploy:{deploy_id}", f"entrepot:edge_server:{server_id}"]


def limits(_deploy_id: int, _server_id: int, pop_id: int, max_pushes: int, **_options: object) -> dict[str, int]:
    """Return how many pushes go to the POP at once."""
    return {f"edge:pop:{pop_id}": max_pushes}


def push(
    house: House, deploy_id: int, server_id: int, pop_id: int, max_pushes: int, *, retries: int, failures: int = 0
) -> dict[str, JSON]:
    """Push the deploy's publication to a server, and return what was transferred.

    Raises `PushFailed` if another attempt follows, `PushGivenUp` if none does.
    """
    task, database = current_task(), house.database
    key = PushKey(deploy_id, server_id, task.task_id)
    with task.transaction():
        begun = progress.begin(database, key)
    if begun is None:
        return {"is_wanted": False}
    try:
        pushed = _push(house, task, begun)
    except PushFailed as error:
        wait = decide(_policy(house.settings, retries), error, retries=failures, chance=random.random())  # noqa: S311 - jitter
        if wait is None:
            _give_up(task, key, error)
            raise PushGivenUp(error.message, **error.data) from error
        with task.transaction():
            if progress.is_wanted(database, key):
                attempt = push_call(
                    deploy_id, server_id, pop_id, max_pushes, retries=retries, failures=failures + 1, not_before=wait
                )
                next_task = house.tasks.enqueue(attempt).task_id
                progress.try_later(database, key, error.message, task_id=next_task, wait=wait)
        raise
    except DatabaseError:
        raise
    except Exception as error:  # what no attempt mends; written down, it goes on to the task's own border
        _give_up(task, key, error)
        raise
    failpoints.reach("push.flipped")
    with task.transaction():
        progress.end(database, key, "done", files=pushed.files, size=pushed.bytes)
    failpoints.reach("push.acknowledged")
    return {"is_wanted": True, "files": pushed.files, "bytes": pushed.bytes, "was_current": pushed.was_current}


def _push(house: House, task: TaskContext, begun: BegunPush) -> Pushed:
    tree = PublishedTree(
        house.database,
        house.store,
        site=f"{begun.repository_id}/{begun.distributor_id}",
        distributor=begun.distributor,
        revision=begun.revision,
        checkpoint=task.checkpoint,
    )
    with targets.open_target(begun.url, begun.options, timeout_seconds=house.settings.push_timeout_seconds) as target:
        return target.push(tree)


def _give_up(task: TaskContext, key: PushKey, error: Exception) -> None:
    # Of what nobody foresaw no more than its type: its text may hold a secret, and many see deploys.
    unforeseen = f"An error that was not foreseen, {type(error).__name__}; the push's task says which."
    message = error.message if isinstance(error, EntrepotError) else unforeseen
    with task.transaction() as database:
        progress.end(database, key, "failed", error=message)


def _policy(settings: Settings, retries: int) -> Retry:
    return _policy_of(retries, settings.push_retry_seconds, settings.push_retry_longest_seconds)


@cache
def _policy_of(retries: int, first: float, longest: float) -> Retry:
    return Retry(max=retries, first=min(first, longest), longest=longest, on=(PushFailed,))

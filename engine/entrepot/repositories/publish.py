"""The walk of a publish: `request_publish` enqueues, `publish` does the work in the task.

`publishing` settles what it is about, the distributor lays out the files (`publish_run`), and `publication` writes them as rows
and flips. Steps 9 and 10 of the walk of a sync.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from entrepot import clock, failpoints
from entrepot.errors import JSON, InvalidValue, PluginError, PublishFailed
from entrepot.repositories import checks, publication, rows, sources
from entrepot.repositories.history import Record, recorded
from entrepot.repositories.publishing import Publishing
from entrepot.tasking import Call, TaskContext, TaskHandle, current_task

if TYPE_CHECKING:
    from entrepot.models import Repository
    from entrepot.repositories.house import House

#: The task type that clients know. Source: the Pulp 2 REST contract, 2.10.
TASK_TYPE = "pulp.server.managers.repo.publish.publish"


def request_publish(
    house: House, repository_id: str, distributor_id: str, override_config: dict[str, JSON] | None = None
) -> TaskHandle:
    """Enqueue a publish; raises `MissingResource` if there is no such repository or distributor."""
    repository = rows.get_repository(house.database, repository_id)
    rows.get_distributor(house.database, repository, distributor_id)
    return request_publish_unchecked(house, repository_id, distributor_id, override_config)


def request_publish_unchecked(
    house: House, repository_id: str, distributor_id: str, override_config: dict[str, JSON] | None = None
) -> TaskHandle:
    """Enqueue a publish that fails in its task if there is no such distributor.

    Raises `MissingResource` (no repository), `InvalidValue`. Source: the Pulp 2 REST contract, 2.10.
    """
    rows.get_repository(house.database, repository_id)
    if "\0" in distributor_id or len(distributor_id) > checks.LONGEST_ID:
        raise InvalidValue("id", why=f"a distributor's id has at most {checks.LONGEST_ID} characters, none of them NUL")
    return house.tasks.enqueue(Call(TASK_TYPE, (repository_id, distributor_id, override_config)))


def request_auto_publishes(house: House, repository: Repository, task: TaskContext) -> None:
    """Enqueue a publish for each distributor that asks for one after every sync, in the caller's transaction.

    A sync that is run again, because its worker was lost after this commit, finds the same tasks.
    """
    for distributor in sources.in_order(rows.distributors_of(house.database, repository.id)):
        if distributor.auto_publish:
            key = f"{task.task_id}:publish:{distributor.distributor_id}"
            arguments = (repository.repository_id, distributor.distributor_id)
            house.tasks.enqueue(Call(TASK_TYPE, arguments, {"automatic": True}, idempotency_key=key))


def publish(
    house: House,
    repository_id: str,
    distributor_id: str,
    override_config: dict[str, JSON] | None = None,
    *,
    automatic: bool = False,
) -> dict[str, JSON]:
    """Publish the repository, and return the history entry; runs in a task that has reserved the repository.

    Readers see the last publication or the new one, whole. If neither the contents nor the configuration changed since
    the latest publication, nothing is built; only a request by hand then serves the latest again after a roll-back, and
    builds it anew if files that the distributor wrote are lost.
    Raises `MissingResource`, `RefusedConfiguration`, `PublishFailed`, `PluginError`, `StorageError`.
    """
    task, database = current_task(), house.database
    repository = rows.get_repository(database, repository_id)
    distributor = rows.get_distributor(database, repository, distributor_id)
    type_id = distributor.distributor_type_id
    record = Record("publish", repository.id, repository_id, distributor_id, type_id, task.task_id, clock.now())
    done = record.find_success(database) if task.claim.attempt > 1 else None
    if done is not None:
        return done  # the worker of an earlier attempt was lost after its commit
    with recorded(database, record), _reported(repository_id, distributor_id):
        publishing = Publishing.settle(
            house, record, repository, distributor, override_config=override_config or {}, automatic=automatic
        )
        latest = publication.latest(database, distributor.id)
        base = latest if latest is not None and publishing.can_build_on(latest) else None
        if base is not None and publishing.is_met_by(base):
            return publishing.serve(base)
        result = None if base is None else publishing.build_on(base)
        if result is None:
            result = publishing.build_anew()
    failpoints.reach("publish.committed")
    return result


@contextmanager
def _reported(repository_id: str, distributor_id: str) -> Iterator[None]:
    """Let what a distributor reports end the task as clients know it, with what and where beside.

    Source: the Pulp 2 REST contract, 2.10 and A3.
    """
    try:
        yield
    except PluginError as error:
        data = error.data | {"distributor_id": distributor_id, "repo_id": repository_id, "summary": error.message}
        raise PublishFailed(error.message, **data) from error

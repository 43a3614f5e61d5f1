"""The distributors of a repository: seen, added at once, changed and removed by tasks that have reserved the repository.

`request_x` checks what can be checked before and enqueues `x`. Source: the Pulp 2 REST contract, 2.4 and 2.7 with its fixes.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import peewee

from entrepot.errors import JSON, DuplicateResource, InvalidValue, MissingValue, OperationConflict
from entrepot.models import Distributor
from entrepot.repositories import checks, download, flips, listing, rows
from entrepot.repositories.base_paths import BasePaths
from entrepot.repositories.documents import distributor_document
from entrepot.repositories.task_tags import repository_tag
from entrepot.tasking import Call, TaskHandle, current_task

if TYPE_CHECKING:
    from entrepot.models import Repository
    from entrepot.repositories.house import House
    from entrepot.repositories.reports import DistributorReport

#: The task types that clients know.
UPDATE_TASK_TYPE = "pulp.server.tasks.repository.distributor_update"
REMOVE_TASK_TYPE = "pulp.server.tasks.repository.distributor_delete"

_UNFINISHED = ("waiting", "accepted", "running", "suspended")


def list_distributors(house: House, repository: Repository) -> list[DistributorReport]:
    """Return the repository's distributors, in the order they were added."""
    query = f"{listing.SELECT_DISTRIBUTORS} WHERE distributor.repository = ? ORDER BY distributor.id"
    return listing.distributor_reports(house, house.database.rows(query, (repository.id,)))


def get_distributor(house: House, repository: Repository, distributor_id: str) -> DistributorReport:
    """Return one distributor; raises `MissingResource`."""
    row = rows.get_distributor(house.database, repository, distributor_id)
    query = f"{listing.SELECT_DISTRIBUTORS} WHERE distributor.id = ?"
    return listing.distributor_reports(house, house.database.rows(query, (row.id,)))[0]


def checked(
    house: House,
    type_id: object,
    config: object,
    *,
    distributor_id: object = None,
    auto_publish: object = False,
    stored: Distributor | None = None,
) -> dict[str, Any]:
    """Return the columns of a new distributor, in place of `stored`; a `relative_url` stands for its `base_path`.

    Raises `InvalidValue`, `UnknownDistributorType`, `RefusedConfiguration`.
    """
    if not isinstance(type_id, str):
        raise InvalidValue("distributor_type_id", why="name the type of each distributor")
    chosen = str(uuid.uuid4()) if distributor_id is None else distributor_id
    if not checks.is_distributor_id(chosen):
        why = f"it may hold letters, digits, '-' and '_' only, at most {checks.LONGEST_ID}"
        raise InvalidValue("distributor_id", why=why)
    plugin = house.plugins.distributor(type_id)
    known = stored.config if stored is not None and stored.distributor_type_id == type_id else None
    values = checks.new_config("distributor_config", config, known)
    return {
        "distributor_id": chosen,
        "distributor_type_id": type_id,
        "config": values,
        "scratchpad": {},
        "auto_publish": bool(auto_publish),
        "relative_url": plugin.configure(values, server=house.settings.plugins.get(type_id)).relative_url,
    }


def insert_all(house: House, repository: int, repository_id: str, distributors: list[dict[str, Any]]) -> None:
    """Write new distributors of the repository with row id `repository`, in the caller's transaction.

    Those that ask for a path have the first choice. Raises `OperationConflict`, `DuplicateResource`.
    """
    if not distributors:
        return
    paths = BasePaths(house.database)
    for values in sorted(distributors, key=lambda one: one["relative_url"] is None):
        values["base_path"] = paths.take(repository, repository_id, values["distributor_id"], values.pop("relative_url"))
    try:
        for values in distributors:
            Distributor.insert(repository=repository, **values).execute(house.database.peewee)
    except peewee.IntegrityError as error:
        raise DuplicateResource(values["distributor_id"]) from error


def add_distributor(
    house: House,
    repository_id: str,
    distributor_type_id: str | None,
    config: Mapping[str, JSON] | None = None,
    *,
    distributor_id: str | None = None,
    auto_publish: bool = False,
) -> DistributorReport:
    """Add a distributor at once, in place of one of the same id, which goes with its schedules and publications.

    Raises `MissingResource`, `MissingValue`, `InvalidValue`, `UnknownDistributorType`, `RefusedConfiguration`, and
    `OperationConflict` if its path is taken, or if one is to be replaced while the repository has unfinished tasks.
    """
    database = house.database
    rows.get_repository(database, repository_id)
    if distributor_type_id is None:
        raise MissingValue("distributor_type_id")
    with database.transaction():
        repository = rows.lock_repository(database, repository_id)
        old = (
            rows.find_distributor(database, repository.id, distributor_id) if checks.is_distributor_id(distributor_id) else None
        )
        values = checked(
            house, distributor_type_id, config, distributor_id=distributor_id, auto_publish=auto_publish, stored=old
        )
        if old is not None:
            _refuse_while_busy(house, repository_id, old.distributor_id)
            flips.ended(house, repository, [old])
            Distributor.delete().where(Distributor.id == old.id).execute(database.peewee)
        insert_all(house, repository.id, repository_id, [values])
        if old is not None:
            flips.removed(house, repository_id, old.distributor_id)
        return get_distributor(house, repository, values["distributor_id"])


def change(house: House, repository: Repository, distributor: Distributor, config: object, auto_publish: object = None) -> None:
    """Merge `config` into a distributor's configuration and set `auto_publish`, in the caller's transaction.

    None leaves either as it is. Raises `InvalidValue`, `RefusedConfiguration`, `OperationConflict`.
    """
    if auto_publish is not None and not isinstance(auto_publish, bool):
        raise InvalidValue("auto_publish", why="it must be true or false")
    stored = distributor.config
    values = checks.merged_config("distributor_config", stored, {} if config is None else config)
    type_id = distributor.distributor_type_id
    config = house.plugins.distributor(type_id).configure(values, server=house.settings.plugins.get(type_id))
    before, after = stored.get("relative_url"), config.relative_url
    base_path = distributor.base_path
    if after is not None or before is not None:
        paths = BasePaths(house.database)
        paths.give_up(base_path)
        base_path = paths.take(repository.id, repository.repository_id, distributor.distributor_id, after)
    new = distributor.auto_publish if auto_publish is None else auto_publish
    query = Distributor.update(config=values, base_path=base_path, auto_publish=new)
    query.where(Distributor.id == distributor.id).execute(house.database.peewee)


def request_update_distributor(
    house: House,
    repository_id: str,
    distributor_id: str,
    config: Mapping[str, JSON] | None = None,
    *,
    auto_publish: bool | None = None,
) -> TaskHandle:
    """Enqueue a change of one distributor; raises `MissingResource`, `InvalidValue`."""
    rows.get_distributor(house.database, rows.get_repository(house.database, repository_id), distributor_id)
    given = None if config is None else dict(checks.given_object("distributor_config", config))
    return house.tasks.enqueue(Call(UPDATE_TASK_TYPE, (repository_id, distributor_id, given, auto_publish)))


def request_distributor_updates(
    house: House, repository_id: str, configs: Mapping[str, Mapping[str, JSON]]
) -> list[TaskHandle]:
    """Enqueue a change of each distributor named, all or none; one that does not exist fails in its task.

    Raises `MissingResource` (no repository), `InvalidValue`.
    """
    rows.get_repository(house.database, repository_id)
    given = checks.given_object("distributor_configs", configs)
    calls = [
        Call(UPDATE_TASK_TYPE, (repository_id, distributor_id, dict(checks.given_object("distributor_configs", config))))
        for distributor_id, config in given.items()
    ]
    if any(not name or len(name) > checks.LONGEST_ID for name in given):
        raise InvalidValue("distributor_configs", why=f"a distributor's id has 1 to {checks.LONGEST_ID} characters")
    return house.tasks.enqueue_many(calls)


def update_distributor(
    house: House,
    repository_id: str,
    distributor_id: str,
    config: dict[str, JSON] | None = None,
    auto_publish: JSON = None,
) -> dict[str, JSON]:
    """Change a distributor, and return it as JSON; raises `MissingResource`, `InvalidValue`, `OperationRefused`."""
    with checks.refusals_of_tasks(), current_task().transaction() as database:
        repository = rows.lock_repository(database, repository_id)
        change(house, repository, rows.get_distributor(database, repository, distributor_id), config, auto_publish)
        return distributor_document(get_distributor(house, repository, distributor_id))


def request_remove_distributor(house: House, repository_id: str, distributor_id: str) -> TaskHandle:
    """Enqueue the removal of a distributor; raises `MissingResource`."""
    rows.get_distributor(house.database, rows.get_repository(house.database, repository_id), distributor_id)
    return house.tasks.enqueue(Call(REMOVE_TASK_TYPE, (repository_id, distributor_id)))


def remove_distributor(house: House, repository_id: str, distributor_id: str) -> None:
    """Remove a distributor with its schedules and what it publishes; its history stays. Raises `MissingResource`."""
    task, database = current_task(), house.database
    with task.transaction():
        repository = rows.lock_repository(database, repository_id)
        if task.claim.attempt > 1 and rows.find_distributor(database, repository.id, distributor_id) is None:
            return  # the worker of an earlier attempt was lost after its commit
        row = rows.get_distributor(database, repository, distributor_id)
        flips.ended(house, repository, [row])
        Distributor.delete().where(Distributor.id == row.id).execute(database.peewee)
        house.forget_grants(f"/v2/repositories/{repository_id}/distributors/{distributor_id}/")
        flips.removed(house, repository_id, distributor_id)


def _refuse_while_busy(house: House, repository_id: str, distributor_id: str) -> None:
    """Raise `OperationConflict` while a task that has reserved the repository, or waits to, has not ended; no download does."""
    reports = house.tasks.iterate(states=_UNFINISHED, tags=[repository_tag(repository_id)])
    busy = next((report for report in reports if report.task_type != download.TASK_TYPE), None)
    if busy is not None:
        msg = (
            f"The distributor {distributor_id!r} cannot be replaced now: {busy.title} (task {busy.task_id}) is {busy.state}. "
            "Wait for its end, or change the distributor instead."
        )
        raise OperationConflict(msg, reasons=[{"task_id": busy.task_id, "task_type": busy.task_type}])

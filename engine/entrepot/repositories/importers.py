"""The importer of a repository: seen, set, changed and removed, each by a task that has reserved the repository.

`request_x` checks what can be checked before and enqueues `x`. Source: the Pulp 2 REST contract, 2.6 with its fixes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from entrepot.errors import JSON, MissingResource, MissingValue, UnknownImporterType
from entrepot.models import Importer
from entrepot.repositories import checks, listing, rows
from entrepot.repositories.documents import importer_document
from entrepot.tasking import Call, TaskHandle, current_task

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrepot.models import Database, Repository
    from entrepot.repositories.house import House
    from entrepot.repositories.reports import ImporterReport

#: The task types that clients know.
SET_TASK_TYPE = "pulp.server.managers.repo.importer.set_importer"
UPDATE_TASK_TYPE = "pulp.server.managers.repo.importer.update_importer_config"
REMOVE_TASK_TYPE = "pulp.server.managers.repo.importer.remove_importer"


def list_importers(house: House, repository: Repository) -> list[ImporterReport]:
    """Return the repository's importer, or nothing."""
    query = f"{listing.SELECT_IMPORTERS} WHERE importer.repository = ?"
    return listing.importer_reports(house, house.database.rows(query, (repository.id,)))


def get_importer(house: House, repository: Repository, importer_id: str | None = None) -> ImporterReport:
    """Return the repository's importer; raises `MissingResource` if there is none, or one of another id (its type)."""
    found = list_importers(house, repository)
    if importer_id is None and not found:
        raise MissingResource(repo_id=repository.repository_id)
    if not found or importer_id not in (None, found[0].importer_type_id):
        raise MissingResource(importer_id=str(importer_id))
    return found[0]


def checked(house: House, type_id: object, config: object, stored: Importer | None = None) -> dict[str, Any]:
    """Return the columns of a new importer in place of `stored`.

    Raises `UnknownImporterType`, `InvalidValue`, `RefusedConfiguration`.
    """
    if not isinstance(type_id, str):
        msg = "name the type of the importer: importer_type_id"
        raise UnknownImporterType(msg, importer_type_id=None)
    plugin = house.plugins.importer(type_id)
    known = stored.config if stored is not None and stored.importer_type_id == type_id else None
    values = checks.new_config("importer_config", config, known)
    plugin.configure(values, server=house.settings.plugins.get(type_id))
    return {"importer_type_id": type_id, "config": values}


def change_config(house: House, importer: Importer, given: object) -> None:
    """Merge `given` into the importer's configuration, in the caller's transaction.

    Raises `InvalidValue`, `RefusedConfiguration`, `UnknownImporterType`.
    """
    values = checks.merged_config("importer_config", importer.config, given)
    type_id = importer.importer_type_id
    house.plugins.importer(type_id).configure(values, server=house.settings.plugins.get(type_id))
    Importer.update(config=values).where(Importer.id == importer.id).execute(house.database.peewee)


def request_set_importer(
    house: House, repository_id: str, importer_type_id: str, config: Mapping[str, JSON] | None = None
) -> TaskHandle:
    """Enqueue a new importer for the repository, in place of the one it has; see `set_importer`.

    Raises `MissingResource`, `UnknownImporterType`, `InvalidValue`, `RefusedConfiguration`.
    """
    repository = rows.get_repository(house.database, repository_id)
    checked(house, importer_type_id, config, rows.find_importer(house.database, repository.id))
    given = None if config is None else dict(config)
    return house.tasks.enqueue(Call(SET_TASK_TYPE, (repository_id, importer_type_id, given)))


def set_importer(
    house: House, repository_id: str, importer_type_id: str, config: dict[str, JSON] | None = None
) -> dict[str, JSON]:
    """Put a new importer in place of the one that is there, with its schedules and its memory; return it as JSON.

    A task that runs again after its commit finds its own importer and leaves it. Raises `OperationRefused`.
    """
    task = current_task()
    with checks.refusals_of_tasks(), task.transaction() as database:
        repository = rows.lock_repository(database, repository_id)
        old = rows.find_importer(database, repository.id)
        values = checked(house, importer_type_id, config, old)
        is_done = task.claim.attempt > 1 and old is not None and _is_new(old, values)
        if not is_done:
            Importer.delete().where(Importer.repository == repository.id).execute(database.peewee)
            Importer.insert(repository=repository.id, **values).execute(database.peewee)
        return importer_document(get_importer(house, repository))


def request_update_importer(
    house: House, repository_id: str, importer_id: str, config: Mapping[str, JSON] | None
) -> TaskHandle:
    """Enqueue a change of the importer's configuration; raises `MissingResource`, `MissingValue`, `InvalidValue`."""
    get_importer(house, rows.get_repository(house.database, repository_id), importer_id)
    if config is None:
        raise MissingValue("importer_config")
    given = dict(checks.given_object("importer_config", config))
    return house.tasks.enqueue(Call(UPDATE_TASK_TYPE, (repository_id, importer_id, given)))


def update_importer(house: House, repository_id: str, importer_id: str, config: dict[str, JSON]) -> dict[str, JSON]:
    """Merge `config` into the importer's configuration, and return the importer as JSON.

    Raises `MissingResource`, `OperationRefused`.
    """
    with checks.refusals_of_tasks(), current_task().transaction() as database:
        repository = rows.lock_repository(database, repository_id)
        change_config(house, _row(database, repository, importer_id), config)
        return importer_document(get_importer(house, repository))


def request_remove_importer(house: House, repository_id: str, importer_id: str) -> TaskHandle:
    """Enqueue the removal of the importer; raises `MissingResource`."""
    get_importer(house, rows.get_repository(house.database, repository_id), importer_id)
    return house.tasks.enqueue(Call(REMOVE_TASK_TYPE, (repository_id, importer_id)))


def remove_importer(house: House, repository_id: str, importer_id: str) -> None:
    """Remove the importer with its schedules; the repository keeps its units. Raises `MissingResource`."""
    task, database = current_task(), house.database
    with task.transaction():
        repository = rows.lock_repository(database, repository_id)
        if task.claim.attempt > 1 and rows.find_importer(database, repository.id) is None:
            return  # the worker of an earlier attempt was lost after its commit
        row = _row(database, repository, importer_id)
        Importer.delete().where(Importer.id == row.id).execute(database.peewee)
        house.forget_grants(f"/v2/repositories/{repository_id}/importers/{importer_id}/")


def _row(database: Database, repository: Repository, importer_id: str) -> Importer:
    row = rows.find_importer(database, repository.id)
    if row is None or row.importer_type_id != importer_id:
        raise MissingResource(importer_id=importer_id)
    return row


def _is_new(importer: Importer, values: Mapping[str, Any]) -> bool:
    """Say whether the importer is as `values` make it and has done nothing yet."""
    has_run = importer.last_sync is not None or importer.sync_state is not None or importer.scratchpad is not None
    return not has_run and all(getattr(importer, name) == value for name, value in values.items())

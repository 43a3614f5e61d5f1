"""Create, update and delete repositories; each all or nothing.

Everything is checked before anything is written. Source: the Pulp 2 REST contract, 2.2, 2.4 and 2.5 with its fixes.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import peewee

from entrepot import clock
from entrepot.errors import JSON, DuplicateResource, InvalidValue, MissingResource, OperationConflict
from entrepot.models import Distributor, Importer, Repository
from entrepot.plugin import unmasked
from entrepot.repositories import rows
from entrepot.tasking import Call, TaskHandle, current_task

if TYPE_CHECKING:
    from entrepot.models import Database
    from entrepot.repositories.house import House

#: The task type that clients know. Source: the Pulp 2 REST contract, 2.5.
DELETE_TASK_TYPE = "pulp.server.tasks.repository.delete"

_REPOSITORY_ID = re.compile(r"[.\-_A-Za-z0-9]+")
_DISTRIBUTOR_ID = re.compile(r"[\-_A-Za-z0-9]+")


def create(
    house: House,
    repository_id: str,
    *,
    importer_type_id: str | None = None,
    importer_config: Mapping[str, JSON] | None = None,
    distributors: Sequence[Mapping[str, Any]] = (),
    display_name: str | None = None,
    description: str | None = None,
    notes: Mapping[str, JSON] | None = None,
) -> None:
    """Create a repository with its importer and distributors, or nothing.

    Raises `InvalidValue`, `DuplicateResource`, `UnknownImporterType`, `UnknownDistributorType`, `RefusedConfiguration`,
    `OperationConflict` (a path to serve that is taken).
    """
    given: object = repository_id
    if not isinstance(given, str) or not _REPOSITORY_ID.fullmatch(given) or set(given) <= {"."}:
        raise InvalidValue("repo_id", why=f"{repository_id!r} may hold letters, digits, '.', '-' and '_' only")
    _check_texts(display_name=display_name, description=description)
    checked_notes = _checked_notes(notes or {})
    importer = _checked_importer(house, importer_type_id, importer_config) if importer_type_id is not None else None
    checked = [_checked_distributor(house, repository_id, given) for given in distributors]
    database = house.database
    try:
        with database.transaction():
            row = Repository.insert(
                repository_id=repository_id,
                display_name=repository_id if display_name is None else display_name,
                description=description,
                notes=checked_notes,
                scratchpad={},
                content_unit_counts={},
                created_at=clock.now(),
            ).execute(database.peewee)
            if importer is not None:
                Importer.insert(repository=row, **importer).execute(database.peewee)
            for distributor in checked:
                _refuse_taken_path(database, distributor["base_path"])
                _insert_distributor(database, row, distributor)
    except peewee.IntegrityError as error:
        raise DuplicateResource(repository_id) from error


def update(
    house: House,
    repository_id: str,
    *,
    display_name: str | None = None,
    description: str | None = None,
    notes: Mapping[str, JSON] | None = None,
    importer_config: Mapping[str, JSON] | None = None,
    distributor_configs: Mapping[str, Mapping[str, JSON]] | None = None,
) -> None:
    """Change what is given, all or nothing; notes and configurations are merged, null takes a key away.

    Raises `MissingResource`, `InvalidValue`, `RefusedConfiguration`, `OperationConflict`.
    """
    _check_texts(display_name=display_name, description=description)
    database = house.database
    with database.transaction():
        row = rows.get_repository(database, repository_id)
        values: dict[str, Any] = {}
        if display_name is not None:
            values["display_name"] = display_name
        if description is not None:
            values["description"] = description
        if notes is not None:
            values["notes"] = _checked_notes(_merged(row.notes, notes))
        if values:
            Repository.update(**values).where(Repository.id == row.id).execute(database.peewee)
        if importer_config is not None:
            _update_importer(house, row, importer_config)
        for distributor_id, config in (distributor_configs or {}).items():
            _update_distributor(house, row, distributor_id, config)


def request_delete(house: House, repository_id: str) -> TaskHandle:
    """Enqueue the deletion of a repository; raises `MissingResource`. What was accepted before it runs first."""
    rows.get_repository(house.database, repository_id)
    return house.tasks.enqueue(Call(DELETE_TASK_TYPE, (repository_id,)))


def delete(house: House, repository_id: str) -> None:
    """Delete a repository, its plugins, histories and publications; its units stay. Runs in a task that has reserved it."""
    task = current_task()
    with task.transaction() as database:
        row = rows.find_repository(house.database, repository_id)
        if row is None and task.claim.attempt > 1:
            return  # the worker of an earlier attempt was lost after its commit
        if row is None:
            raise MissingResource(repository=repository_id)
        Repository.delete().where(Repository.id == row.id).execute(database.peewee)


def _checked_importer(house: House, type_id: str, config: Mapping[str, JSON] | None) -> dict[str, Any]:
    values = _checked_mapping("importer_config", config)
    house.plugins.importer(type_id).configure(values)
    return {"importer_type_id": type_id, "config": values}


def _checked_distributor(house: House, repository_id: str, given: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise InvalidValue("distributor_list", why="each distributor must be an object")
    type_id, distributor_id = given.get("distributor_type_id"), given.get("distributor_id") or str(uuid.uuid4())
    if not isinstance(type_id, str):
        raise InvalidValue("distributor_type_id", why="name the type of each distributor")
    if not isinstance(distributor_id, str) or not _DISTRIBUTOR_ID.fullmatch(distributor_id):
        raise InvalidValue("distributor_id", why=f"{distributor_id!r} may hold letters, digits, '-' and '_' only")
    values = _checked_mapping("distributor_config", given.get("distributor_config"))
    config = house.plugins.distributor(type_id).configure(values)
    return {
        "distributor_id": distributor_id,
        "distributor_type_id": type_id,
        "config": values,
        "auto_publish": bool(given.get("auto_publish", False)),
        "base_path": (config.relative_url or repository_id).rstrip("/"),
    }


def _checked_mapping(name: str, value: object) -> dict[str, JSON]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidValue(name, why="it must be an object")
    return {key: item for key, item in value.items() if item is not None}


def _checked_notes(notes: object) -> dict[str, JSON]:
    """Refuse keys that clients could not search for: with a dot, or a leading dollar sign, at any depth."""

    def bad(value: object) -> bool:
        return isinstance(value, Mapping) and any("." in key or key.startswith("$") or bad(item) for key, item in value.items())

    if not isinstance(notes, Mapping) or bad(notes):
        raise InvalidValue("notes", why="notes must be an object whose keys have no '.' and no leading '$'")
    return dict(notes)


def _check_texts(**texts: object) -> None:
    refused = [name for name, text in texts.items() if text is not None and not isinstance(text, str)]
    if refused:
        raise InvalidValue(*refused, why="it must be text")


def _merged(stored: Mapping[str, JSON], given: Mapping[str, JSON]) -> dict[str, JSON]:
    return {key: value for key, value in {**stored, **given}.items() if value is not None}


def _update_importer(house: House, row: Repository, given: Mapping[str, JSON]) -> None:
    importer = rows.find_importer(house.database, row.id)
    if importer is None:
        raise MissingResource(repo_id=row.repository_id)
    values = _merged(importer.config, unmasked(_given_mapping("importer_config", given), importer.config))
    house.plugins.importer(importer.importer_type_id).configure(values)
    Importer.update(config=values).where(Importer.id == importer.id).execute(house.database.peewee)


def _update_distributor(house: House, row: Repository, distributor_id: str, given: Mapping[str, JSON]) -> None:
    distributor = rows.get_distributor(house.database, row, distributor_id)
    values = _merged(distributor.config, unmasked(_given_mapping("distributor_config", given), distributor.config))
    config = house.plugins.distributor(distributor.distributor_type_id).configure(values)
    base_path = (config.relative_url or row.repository_id).rstrip("/")
    if base_path != distributor.base_path:
        _refuse_taken_path(house.database, base_path, but_for=distributor.id)
    query = Distributor.update(config=values, base_path=base_path).where(Distributor.id == distributor.id)
    query.execute(house.database.peewee)


def _given_mapping(name: str, value: object) -> Mapping[str, JSON]:
    if not isinstance(value, Mapping):
        raise InvalidValue(name, why="it must be an object")
    return value


def _insert_distributor(database: Database, repository: int, values: dict[str, Any]) -> None:
    try:
        Distributor.insert(repository=repository, **values).execute(database.peewee)
    except peewee.IntegrityError as error:
        raise DuplicateResource(values["distributor_id"]) from error


def _refuse_taken_path(database: Database, base_path: str, but_for: int | None = None) -> None:
    """Raise `OperationConflict` if another distributor serves this path, one above it or one below it."""
    database.lock_resources(["base paths"])
    for row_id, taken in database.rows("SELECT id, base_path FROM distributor"):
        overlap = f"{taken}/".startswith(f"{base_path}/") or f"{base_path}/".startswith(f"{taken}/")
        if overlap and row_id != but_for:
            msg = (
                f"The path {base_path!r} cannot be served: another distributor serves {taken!r}. "
                "Give this one another relative_url."
            )
            raise OperationConflict(msg, reasons=[{"relative_url": base_path, "taken": taken}])

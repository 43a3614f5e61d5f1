"""Create, update and delete repositories; each all or nothing.

Everything is checked before anything is written. Source: the Pulp 2 REST contract, 2.2, 2.4 and 2.5 with its fixes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import peewee

from entrepot import clock
from entrepot.errors import JSON, DuplicateResource, InvalidValue, MissingResource
from entrepot.models import Importer, Repository
from entrepot.repositories import checks, distributors, flips, importers, rows
from entrepot.repositories import notes as searchable_notes
from entrepot.repositories.unset import UNSET, Unset
from entrepot.tasking import Call, TaskHandle, current_task

if TYPE_CHECKING:
    from entrepot.repositories.house import House

#: The task type that clients know. Source: the Pulp 2 REST contract, 2.5.
DELETE_TASK_TYPE = "pulp.server.tasks.repository.delete"

_ID_RULE = f"may hold letters, digits, '.', '-' and '_' only, at most {checks.LONGEST_ID}"
_TEXT_RULE = "must be text without NUL characters, or null"
_NOTES_RULE = "must be an object whose keys have no '.' and no leading '$'"
_OBJECT_RULE = "must be an object of JSON values, without NUL characters"


def create(
    house: House,
    repository_id: str,
    *,
    importer_type_id: str | None = None,
    importer_config: Mapping[str, JSON] | None = None,
    new_distributors: Sequence[Mapping[str, Any]] | None = (),
    display_name: str | Unset | None = UNSET,
    description: str | None = None,
    notes: Mapping[str, JSON] | None = None,
) -> None:
    """Create a repository with its importer and distributors, or nothing.

    The display name is the id if it is not given. Raises `InvalidValue`, `DuplicateResource`, `UnknownImporterType`,
    `UnknownDistributorType`, `RefusedConfiguration`, `OperationConflict` (a path to serve that is taken).
    """
    name = repository_id if display_name is UNSET else display_name
    given_notes = {} if notes is None else notes
    checks.refuse(
        ("repo_id", checks.is_repository_id(repository_id), _ID_RULE),
        ("display_name", checks.is_text_or_null(name), _TEXT_RULE),
        ("description", checks.is_text_or_null(description), _TEXT_RULE),
        ("notes", checks.is_notes(given_notes), _NOTES_RULE),
    )
    importer = None if importer_type_id is None else importers.checked(house, importer_type_id, importer_config)
    checked = [_checked_distributor(house, given) for given in _list(new_distributors)]
    database = house.database
    with database.transaction():
        try:
            row = Repository.insert(
                repository_id=repository_id,
                display_name=name,
                description=description,
                notes=dict(given_notes),
                scratchpad={},
                content_unit_counts={},
                created_at=clock.now(),
            ).execute(database.peewee)
        except peewee.IntegrityError as error:
            raise DuplicateResource(repository_id) from error
        searchable_notes.write(database, row, given_notes)
        if importer is not None:
            Importer.insert(repository=row, **importer).execute(database.peewee)
        distributors.insert_all(house, row, repository_id, checked)


def update(
    house: House,
    repository_id: str,
    *,
    display_name: str | Unset | None = UNSET,
    description: str | Unset | None = UNSET,
    notes: Mapping[str, JSON] | Unset = UNSET,
    scratchpad: Mapping[str, JSON] | Unset = UNSET,
    importer_config: Mapping[str, JSON] | None = None,
    distributor_configs: Mapping[str, Mapping[str, JSON]] | None = None,
) -> None:
    """Change what is given, all or nothing; notes and configurations are merged, null takes a key away.

    Raises `MissingResource`, `InvalidValue`, `RefusedConfiguration`, `OperationConflict`.
    """
    checks.refuse(
        ("display_name", display_name is UNSET or checks.is_text_or_null(display_name), _TEXT_RULE),
        ("description", description is UNSET or checks.is_text_or_null(description), _TEXT_RULE),
        ("notes", notes is UNSET or checks.is_notes(notes), _NOTES_RULE),
        ("scratchpad", scratchpad is UNSET or checks.is_object(scratchpad), _OBJECT_RULE),
    )
    given = {"display_name": display_name, "description": description, "scratchpad": scratchpad}
    values: dict[str, Any] = {name: value for name, value in given.items() if value is not UNSET}
    database = house.database
    with database.transaction():
        row = rows.lock_repository(database, repository_id)
        if not isinstance(notes, Unset):
            values["notes"] = checks.merged(row.notes, notes)
            searchable_notes.write(database, row.id, values["notes"])
        if values:
            Repository.update(**values).where(Repository.id == row.id).execute(database.peewee)
        if importer_config is not None:
            importer = rows.find_importer(database, row.id)
            if importer is None:
                raise MissingResource(repo_id=repository_id)
            importers.change_config(house, importer, importer_config)
        for distributor_id, config in (distributor_configs or {}).items():
            distributors.change(house, row, rows.get_distributor(database, row, distributor_id), config)


def request_delete(house: House, repository_id: str) -> TaskHandle:
    """Enqueue the deletion of a repository; raises `MissingResource`. What was accepted before it runs first."""
    rows.get_repository(house.database, repository_id)
    return house.tasks.enqueue(Call(DELETE_TASK_TYPE, (repository_id,)))


def delete(house: House, repository_id: str) -> None:
    """Delete a repository, its plugins, histories and publications; its units stay. Runs in a task that has reserved it."""
    task, database = current_task(), house.database
    with task.transaction():
        database.lock_resources([f"repository:{repository_id}"])  # first, as whoever changes it does
        row = rows.find_repository(database, repository_id)
        if row is None and task.claim.attempt > 1:
            return  # the worker of an earlier attempt was lost after its commit
        if row is None:
            raise MissingResource(repository=repository_id)
        flips.ended(house, row, rows.distributors_of(database, row.id))
        Repository.delete().where(Repository.id == row.id).execute(database.peewee)
        house.forget_grants(f"/v2/repositories/{repository_id}/")
        flips.removed(house, repository_id)


def _list(given: object) -> Sequence[object]:
    if given is None:
        return ()
    if not isinstance(given, (list, tuple)) or not all(isinstance(one, Mapping) for one in given):
        raise InvalidValue("distributor_list", why="the distributors must be a list of objects")
    return given


def _checked_distributor(house: House, given: Any) -> dict[str, Any]:  # noqa: ANN401 - a mapping, as clients send it
    return distributors.checked(
        house,
        given.get("distributor_type_id"),
        given.get("distributor_config"),
        distributor_id=given.get("distributor_id"),
        auto_publish=given.get("auto_publish", False),
    )

"""The walk of a copy: `request_copy` enqueues, `copy` brings units of another repository in, in the task.

Units of the types that the destination's importer copies as they are cost one row each; the others are shown to the importer,
which may bring more along, or new units in their place (`copy_run`). Nothing is published, and no bytes are moved. Source: the
Pulp 2 REST contract, 5.1 (associate), with its fix: the source is reserved too, shared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.errors import JSON, InvalidValue, UnitTypesDiffer
from entrepot.repositories import associations, rows, unit_selection
from entrepot.repositories.copy_run import CopyRun
from entrepot.repositories.import_run import configured
from entrepot.repositories.task_tags import repository_tag
from entrepot.tasking import Call, Shared, TaskHandle, current_task

if TYPE_CHECKING:
    from entrepot.criteria import UnitCriteria
    from entrepot.models import Repository
    from entrepot.plugin import Importer
    from entrepot.repositories.house import House

#: The task type that clients know.
TASK_TYPE = "pulp.server.managers.repo.unit_association.associate_from_repo"


def request_copy(
    house: House,
    repository_id: str,
    source_id: str,
    criteria: UnitCriteria | None = None,
    override_config: dict[str, JSON] | None = None,
) -> TaskHandle:
    """Enqueue a copy into `repository_id`; raises `MissingResource`, `InvalidValue` (source_repo_id, criteria)."""
    rows.require_repository(house.database, repository_id)
    if rows.find_repository(house.database, source_id) is None:
        raise InvalidValue("source_repo_id", why=f"there is no repository {source_id!r}")
    return house.tasks.enqueue(Call(TASK_TYPE, (repository_id, source_id, unit_selection.sent(criteria), override_config)))


def tags(repository_id: str, source_id: str, *_args: object) -> list[str]:
    """Return the tags of a copy."""
    return [repository_tag(repository_id), repository_tag(source_id), "pulp:action:associate"]


def reserves(repository_id: str, source_id: str, *_args: object) -> list[str]:
    """Return what a copy reserves: the destination, and the source, which it only reads."""
    return [f"repository:{repository_id}", Shared(f"repository:{source_id}")]


def copy(
    house: House,
    repository_id: str,
    source_id: str,
    criteria: dict[str, JSON] | None = None,
    override_config: dict[str, JSON] | None = None,
) -> dict[str, JSON]:
    """Bring the units of the source that `criteria` select into the repository, and return them; all or none.

    A unit that the repository holds already is no error. One that comes replaces the one with the same repository key. Raises
    `MissingResource`, `UnitTypesDiffer`, `RefusedConfiguration`, `PluginError`, `InvalidValue`, `SearchTooSlow`.
    """
    task, database = current_task(), house.database
    source, repository = rows.get_repository(database, source_id), rows.get_repository(database, repository_id)
    _, plugin, config = configured(house, repository, override_config)
    asked = unit_selection.received(criteria)
    _require_types(plugin, source, repository, asked)
    chosen = unit_selection.choose(house, source, asked)
    if not chosen:
        return {"units_successful": []}
    run = CopyRun(house, task, source=source, repository=repository, config=config)
    coming = run.units_to_bring(plugin(), chosen)
    with task.transaction():
        database.lock_resources([f"repository:{repository_id}"])  # first, as whoever enqueues for it does
        units = run.save(coming)
        associations.apply(database, repository.id, associations.merge_set(database, repository.id, units))
    return unit_selection.named(house, units).result()


def _require_types(plugin: type[Importer], source: Repository, repository: Repository, asked: UnitCriteria) -> None:
    """Raise `UnitTypesDiffer` if the source holds units of types that are asked for and that the importer does not know."""
    held = {type_id for type_id, count in source.content_unit_counts.items() if count}
    wanted = held if asked.type_ids is None else held.intersection(asked.type_ids)
    unknown = sorted(wanted - {unit_type.type_id for unit_type in plugin.unit_types})
    if unknown:
        msg = (
            f"The importer of {repository.repository_id}, {plugin.type_id}, does not know units of type {', '.join(unknown)}, "
            f"which {source.repository_id} holds. Copy to an importer that does, or name the type_ids to copy."
        )
        raise UnitTypesDiffer(msg, repo_id=repository.repository_id, type_ids=list[JSON](unknown))

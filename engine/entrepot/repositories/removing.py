"""The walk of a removal: `request_remove` enqueues, `remove` takes units out of their repository in the task.

The units themselves stay, for other repositories may hold them; `orphans` deletes those that nobody holds.
Source: the Pulp 2 REST contract, 5.1 (unassociate).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.errors import JSON
from entrepot.repositories import associations, rows, unit_selection
from entrepot.repositories.associations import ChangeSet
from entrepot.tasking import Call, TaskHandle, current_task

if TYPE_CHECKING:
    from entrepot.criteria import UnitCriteria
    from entrepot.repositories.house import House

#: The task type that clients know.
TASK_TYPE = "pulp.server.managers.repo.unit_association.unassociate_by_criteria"


def request_remove(house: House, repository_id: str, criteria: UnitCriteria | None = None) -> TaskHandle:
    """Enqueue the removal of the units that `criteria` select, of all without; raises `MissingResource`, `InvalidValue`."""
    rows.require_repository(house.database, repository_id)
    return house.tasks.enqueue(Call(TASK_TYPE, (repository_id, unit_selection.sent(criteria))))


def remove(house: House, repository_id: str, criteria: dict[str, JSON] | None = None) -> dict[str, JSON]:
    """Take the units that `criteria` select out of the repository, in one transaction; return them, {} if there are none.

    Runs in a task that has reserved the repository. Raises `MissingResource`, `InvalidValue`, `SearchTooSlow`.
    """
    task, database = current_task(), house.database
    repository = rows.get_repository(database, repository_id)
    units = unit_selection.choose(house, repository, unit_selection.received(criteria))
    if not units:
        return {}
    named = unit_selection.named(house, units)  # before: a unit that nobody holds any more may be deleted at once
    with task.transaction():
        database.lock_resources([f"repository:{repository_id}"])  # first, as whoever enqueues for it does
        associations.apply(database, repository.id, ChangeSet({}, units, updated=0))
    return named.result()

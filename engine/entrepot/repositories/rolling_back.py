"""A roll-back by a task: `request_roll_back` enqueues, `roll_back` does it when it has reserved the repository.

`Repository.roll_back` does the same at once; a task is for what has to wait its turn, such as a deploy that is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.repositories import flips, publication, rows
from entrepot.tasking import Call, TaskHandle, current_task

if TYPE_CHECKING:
    from entrepot.errors import JSON
    from entrepot.repositories.house import House

TASK_TYPE = "entrepot.repositories.roll_back"


def request_roll_back(house: House, repository_id: str, distributor_id: str, revision: int) -> TaskHandle:
    """Enqueue a roll-back; raises `MissingResource` if there is no such repository or distributor."""
    repository = rows.get_repository(house.database, repository_id)
    rows.get_distributor(house.database, repository, distributor_id)
    return house.tasks.enqueue(Call(TASK_TYPE, (repository_id, distributor_id, revision)))


def roll_back(house: House, repository_id: str, distributor_id: str, revision: int) -> dict[str, JSON]:
    """Serve publication `revision` from now on; raises `MissingResource` if it is not kept.

    Run again because its worker was lost, it serves the same; who is told of it knows the task.
    """
    with current_task().transaction() as database:
        repository = rows.lock_repository(database, repository_id)
        distributor = rows.get_distributor(database, repository, distributor_id)
        previous = publication.lock_live(database, distributor.id)
        flips.roll_back(house, repository, distributor, revision)
    return {"revision": revision, "previous": previous}

"""What is told of a change of what is served: `House.flipped` hears it, and a line of the repository's log says it.

Every function is called within the transaction that makes the change, so that both are known or neither.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from entrepot import failpoints
from entrepot.events import Flip, UnitChange, record_activity
from entrepot.repositories import associations, publication, rows
from entrepot.tasking import find_current_task

if TYPE_CHECKING:
    from entrepot.errors import JSON
    from entrepot.models import Database, Distributor, Repository
    from entrepot.repositories.house import House


def flipped(
    house: House,
    repository: Repository,
    distributor: Distributor,
    *,
    revision: int | None,
    previous: int | None,
    is_automatic: bool = False,
    is_rollback: bool = False,
    override_config: Mapping[str, JSON] | None = None,
) -> None:
    """Tell that `distributor` serves publication `revision` from now on, and served `previous` until now.

    `override_config` is what this run was told otherwise than its configuration.
    """
    failpoints.reach("publish.flipped")
    importer = rows.find_importer(house.database, repository.id)
    task = find_current_task()
    house.flipped(
        Flip(
            repository_id=repository.repository_id,
            distributor_id=distributor.distributor_id,
            distributor_row=distributor.id,
            distributor_type_id=distributor.distributor_type_id,
            revision=revision,
            previous=previous,
            content_type=None if importer is None else importer.importer_type_id,
            unit_types=tuple(sorted(repository.content_unit_counts)),
            task_id=None if task is None else task.task_id,
            is_automatic=is_automatic,
            is_rollback=is_rollback,
            unit_changes=partial(_unit_changes, house.database, repository, distributor.id, revision, previous),
            override_config=override_config,
        )
    )


def roll_back(house: House, repository: Repository, distributor: Distributor, revision: int) -> None:
    """Serve publication `revision` from the caller's commit on, and tell it; raises `MissingResource` if it is not kept.

    One that is served already changes nothing, so the log says nothing of it.
    """
    database = house.database
    previous = publication.lock_live(database, distributor.id)
    publication.make_live(database, distributor.id, revision)
    flipped(house, repository, distributor, revision=revision, previous=previous, is_rollback=True)
    if revision == previous:
        return
    message = f"Publication {revision} is served again, in place of {previous}."
    record_activity(
        database, "notice", repository.repository_id, message, distributor_id=distributor.distributor_id, task_id=_task_id()
    )


def ended(house: House, repository: Repository, distributors: Iterable[Distributor]) -> None:
    """Tell that `distributors`, which are about to be removed, serve nothing any more; call `removed` after that."""
    served = [(one, publication.lock_live(house.database, one.id)) for one in distributors]  # all rows before any number
    for distributor, previous in served:
        flipped(house, repository, distributor, revision=None, previous=previous)


def removed(house: House, repository_id: str, distributor_id: str | None = None) -> None:
    """Write down that a distributor was removed, or the repository if none is named; the last thing that a removal does."""
    what = "The repository" if distributor_id is None else f"The distributor {distributor_id!r}"
    message = f"{what} was removed, and what it published is no longer served."
    record_activity(house.database, "notice", repository_id, message, distributor_id=distributor_id, task_id=_task_id())


def _task_id() -> str | None:
    task = find_current_task()
    return None if task is None else task.task_id


def _unit_changes(
    database: Database, repository: Repository, distributor: int, revision: int | None, previous: int | None
) -> list[UnitChange]:
    """Return the units that tell two publications apart: first those that left, then those that came or were replaced."""
    before, after = (
        None if one is None else publication.repository_revision(database, distributor, one) for one in (previous, revision)
    )
    came, left = (
        {_name(repository, *row): row[0] for row in associations.difference(database, repository.id, at=at, not_at=not_at)}
        for at, not_at in ((after, before), (before, after))
    )
    gone = [UnitChange(name, unit_type, "left") for name, unit_type in left.items() if name not in came]
    return [
        *gone,
        *(UnitChange(name, unit_type, "changed" if name in left else "came") for name, unit_type in came.items()),
    ]


def _name(repository: Repository, unit_type: str, uid: str, repository_key: str | None) -> str:
    """Return what a unit is known by, in this repository, whichever of its versions it is."""
    key = uid if repository_key is None else hashlib.sha256(repository_key.encode()).hexdigest()
    return f"{repository.repository_id}/{unit_type}/{key}"

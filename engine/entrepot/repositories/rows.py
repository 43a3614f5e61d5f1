"""Look up and change single rows of repositories, importers and distributors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.errors import JSON, MissingResource
from entrepot.models import Distributor, Importer, Repository

if TYPE_CHECKING:
    from entrepot.models import Database


def get_repository(database: Database, repository_id: str) -> Repository:
    """Return the repository's row; raises `MissingResource`."""
    found = find_repository(database, repository_id)
    if found is None:
        raise MissingResource(repository=repository_id)
    return found


def find_repository(database: Database, repository_id: str) -> Repository | None:
    """Return the repository's row, or None."""
    query = Repository.select().where(Repository.repository_id == repository_id)
    return query.bind(database.peewee).first()  # type: ignore[no-any-return]  # peewee is untyped


def find_importer(database: Database, repository: int) -> Importer | None:
    """Return the row of the repository's importer, or None if it has none."""
    return Importer.select().where(Importer.repository == repository).bind(database.peewee).first()  # type: ignore[no-any-return]  # peewee is untyped


def distributors_of(database: Database, repository: int) -> list[Distributor]:
    """Return the rows of the repository's distributors, in the order they were added."""
    query = Distributor.select().where(Distributor.repository == repository).order_by(Distributor.id)
    return list(query.bind(database.peewee))


def get_distributor(database: Database, repository: Repository, distributor_id: str) -> Distributor:
    """Return the row of one distributor; raises `MissingResource`."""
    for distributor in distributors_of(database, repository.id):
        if distributor.distributor_id == distributor_id:
            return distributor
    raise MissingResource(repo_id=repository.repository_id, distributor_id=distributor_id)


def close_sync(database: Database, importer: int, sync_state: dict[str, JSON]) -> None:
    """Remember what a successful sync saw, in the caller's transaction."""
    query = Importer.update(sync_state=sync_state, last_sync=clock.now()).where(Importer.id == importer)
    query.execute(database.peewee)


def close_publish(database: Database, distributor: int) -> None:
    """Remember when a publish succeeded, in the caller's transaction."""
    Distributor.update(last_publish=clock.now()).where(Distributor.id == distributor).execute(database.peewee)

"""Look up and change single rows of repositories, importers and distributors."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, TypeVar

import peewee

from entrepot import clock
from entrepot.errors import JSON, MissingResource
from entrepot.models import Distributor, Importer, Repository

if TYPE_CHECKING:
    from datetime import datetime

    from entrepot.models import Database

_Row = TypeVar("_Row", bound=peewee.Model)


def get_repository(database: Database, repository_id: str) -> Repository:
    """Return the repository's row; raises `MissingResource`."""
    found = find_repository(database, repository_id)
    if found is None:
        raise MissingResource(repository=repository_id)
    return found


def require_repository(database: Database, repository_id: str) -> None:
    """Raise `MissingResource` unless there is a repository with this id; reads none of its columns."""
    if database.row("SELECT 1 FROM repository WHERE repository_id = ?", (repository_id,)) is None:
        raise MissingResource(repository=repository_id)


def find_repository(database: Database, repository_id: str) -> Repository | None:
    """Return the repository's row, or None."""
    return _first(database, Repository, "repository_id", repository_id)


def lock_repository(database: Database, repository_id: str) -> Repository:
    """Return the repository's row, which nobody else changes before the caller's transaction ends; raises `MissingResource`.

    Nothing is enqueued for the repository meanwhile either: whoever enqueues takes the same lock, and takes it first.
    """
    database.lock_resources([f"repository:{repository_id}"])
    return get_repository(database, repository_id)


def find_importer(database: Database, repository: int) -> Importer | None:
    """Return the row of the repository's importer, or None if it has none."""
    return _first(database, Importer, "repository", repository)


def distributors_of(database: Database, repository: int) -> list[Distributor]:
    """Return the rows of the repository's distributors, in the order they were added."""
    query = Distributor.select().where(Distributor.repository == repository).order_by(Distributor.id)
    return list(query.bind(database.peewee))


def get_distributor(database: Database, repository: Repository, distributor_id: str) -> Distributor:
    """Return the row of one distributor; raises `MissingResource`."""
    found = find_distributor(database, repository.id, distributor_id)
    if found is None:
        raise MissingResource(repo_id=repository.repository_id, distributor_id=distributor_id)
    return found


def find_distributor(database: Database, repository: int, distributor_id: str | None) -> Distributor | None:
    """Return the row of one distributor of the repository with row id `repository`, or None."""
    wanted = (Distributor.repository == repository) & (Distributor.distributor_id == distributor_id)
    return Distributor.select().where(wanted).bind(database.peewee).first()  # type: ignore[no-any-return]  # peewee is untyped


def close_sync(database: Database, importer: int, sync_state: dict[str, JSON]) -> None:
    """Remember what a successful sync saw, in the caller's transaction."""
    Importer.update(sync_state=sync_state).where(Importer.id == importer).execute(database.peewee)


def end_sync(database: Database, importer: int, moment: datetime) -> None:
    """Remember when a sync ended, whichever way, in the caller's transaction."""
    Importer.update(last_sync=moment).where(Importer.id == importer).execute(database.peewee)


def close_publish(database: Database, distributor: int) -> None:
    """Remember when a publish succeeded, in the caller's transaction."""
    Distributor.update(last_publish=clock.now()).where(Distributor.id == distributor).execute(database.peewee)


def _first(database: Database, model: type[_Row], column: str, value: object) -> _Row | None:
    """Return the row of `model` that has `value` in a unique column; peewee takes a millisecond to write the statement anew."""
    statement, fields = _selection(model, column)
    row = database.row(statement, (value,))
    if row is None:
        return None
    return model(**{field.name: field.python_value(value) for field, value in zip(fields, row, strict=True)})


@cache
def _selection(model: type[peewee.Model], column: str) -> tuple[str, list[peewee.Field]]:
    fields = model._meta.sorted_fields  # noqa: SLF001 - peewee's way to ask for them
    columns = ", ".join(field.column_name for field in fields)
    return f"SELECT {columns} FROM {model._meta.table_name} WHERE {column} = ?", fields  # noqa: SLF001

"""Reports of many repositories, importers or distributors at once, in a constant number of statements.

A search of this package selects with `SELECT_REPOSITORIES` or `SELECT_DISTRIBUTORS`, adds its conditions and its order, and
hands the rows to `reports` or `distributor_reports`, which keep that order.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from entrepot import clock
from entrepot.content.bulk import CHUNK_ROWS, chunks, placeholders
from entrepot.errors import JSON, BrokenPlugin, MissingResource, UnknownDistributorType, UnknownImporterType
from entrepot.plugin import DistributorConfig, ImporterConfig, masked_unseen
from entrepot.plugin.config import MASK, secret_keys
from entrepot.repositories.reports import DistributorReport, ImporterReport, RepositoryReport

if TYPE_CHECKING:
    from datetime import datetime

    from pydantic import BaseModel

    from entrepot.models import Database, Row
    from entrepot.repositories.house import House

SELECT_REPOSITORIES = """
SELECT repository.id, repository.repository_id, repository.display_name, repository.description, repository.notes,
       repository.scratchpad, repository.content_unit_counts, repository.last_unit_added, repository.last_unit_removed,
       repository.created_at, repository.revision
FROM repository
"""
SELECT_IMPORTERS = """
SELECT importer.id, importer.repository, repository.repository_id, importer.importer_type_id, importer.config,
       importer.scratchpad, importer.last_sync
FROM importer JOIN repository ON repository.id = importer.repository
"""
SELECT_DISTRIBUTORS = """
SELECT distributor.id, distributor.repository, repository.repository_id, distributor.distributor_id,
       distributor.distributor_type_id, distributor.config, distributor.scratchpad, distributor.auto_publish,
       distributor.base_path, distributor.live_revision, distributor.last_publish
FROM distributor JOIN repository ON repository.id = distributor.repository
"""


_DECODER = json.JSONDecoder()


class Secrets:
    """Which keys of which plugin's configuration are never shown; each plugin is asked once."""

    def __init__(self, house: House) -> None:
        """Look plugins up in `house`."""
        self._plugins = house.plugins
        self._keys: dict[tuple[str, str], frozenset[str] | None] = {}

    def of_importer(self, type_id: str) -> frozenset[str] | None:
        """Return the secret keys of an importer type; None while its plugin is missing or broken, and nobody can tell."""
        kind = ("importer", type_id)
        if kind not in self._keys:
            try:
                self._keys[kind] = secret_keys(self._plugins.importer(type_id).Config)
            except (UnknownImporterType, BrokenPlugin):
                self._keys[kind] = None
        return self._keys[kind]

    def of_distributor(self, type_id: str) -> frozenset[str] | None:
        """Return the secret keys of a distributor type; None while its plugin is missing or broken, and nobody can tell."""
        kind = ("distributor", type_id)
        if kind not in self._keys:
            try:
                self._keys[kind] = secret_keys(self._plugins.distributor(type_id).Config)
            except (UnknownDistributorType, BrokenPlugin):
                self._keys[kind] = None
        return self._keys[kind]


def all_reports(house: House) -> list[RepositoryReport]:
    """Return the reports of all repositories, by id; three statements, however many there are."""
    rows = house.database.rows(f"{SELECT_REPOSITORIES} ORDER BY repository.repository_id")
    return _reports(house, rows, None)


def get_report(house: House, repository_id: str) -> RepositoryReport:
    """Return the report of one repository; raises `MissingResource`."""
    query = f"{SELECT_REPOSITORIES} WHERE repository.repository_id = ?"
    found = reports(house, house.database.rows(query, (repository_id,)))
    if not found:
        raise MissingResource(repository=repository_id)
    return found[0]


def reports(house: House, rows: Sequence[Row]) -> list[RepositoryReport]:
    """Return the reports of repositories from rows of `SELECT_REPOSITORIES`, in their order."""
    return _reports(house, rows, [row[0] for row in rows])


def importer_reports(house: House, rows: Sequence[Row]) -> list[ImporterReport]:
    """Return the reports of importers from rows of `SELECT_IMPORTERS`, in their order."""
    secrets = Secrets(house)
    return [_importer(row, secrets) for row in rows]


def distributor_reports(house: House, rows: Sequence[Row]) -> list[DistributorReport]:
    """Return the reports of distributors from rows of `SELECT_DISTRIBUTORS`, in their order."""
    secrets = Secrets(house)
    return [_distributor(row, secrets) for row in rows]


def locally_stored_units(database: Database, repository: int) -> int:
    """Return how many units the repository (its row id) holds whose files are all in the store.

    Source: the Pulp 2 REST contract, 2.1.
    """
    row = database.row(
        "SELECT COUNT(*) FROM association WHERE repository = ? AND removed_revision IS NULL AND NOT EXISTS "
        "(SELECT 1 FROM unit_file WHERE unit_file.unit = association.unit AND unit_file.blob IS NULL)",
        (repository,),
    )
    return int(row[0]) if row else 0


def _reports(house: House, rows: Sequence[Row], ids: Sequence[int] | None) -> list[RepositoryReport]:
    """Return the reports; `ids` are the row ids of all `rows`, None if these are all repositories that there are."""
    database, secrets = house.database, Secrets(house)
    importers = {row[1]: _importer(row, secrets) for row in _belonging(database, SELECT_IMPORTERS, "importer", ids)}
    distributors: dict[int, list[DistributorReport]] = {}
    for row in _belonging(database, SELECT_DISTRIBUTORS, "distributor", ids):
        distributors.setdefault(row[1], []).append(_distributor(row, secrets))
    return [_repository(row, importers.get(row[0]), tuple(distributors.get(row[0], ()))) for row in rows]


def _belonging(database: Database, select: str, table: str, ids: Sequence[int] | None) -> list[Row]:
    """Return the rows of `table` that belong to the repositories `ids` (None: to any), in the order they were added."""
    order = f"ORDER BY {table}.id"
    if ids is None:
        return database.rows(f"{select} {order}")
    found: list[Row] = []
    for chunk in chunks(ids, CHUNK_ROWS):
        found += database.rows(f"{select} WHERE {table}.repository IN {placeholders(len(chunk))} {order}", chunk)
    return found


def _repository(row: Row, importer: ImporterReport | None, distributors: tuple[DistributorReport, ...]) -> RepositoryReport:
    id_, repository_id, display_name, description, notes, scratchpad, counts, added, removed, created, revision = row
    return RepositoryReport(
        row_id=id_,
        repository_id=repository_id,
        display_name=display_name,
        description=description,
        notes=_read(notes),
        scratchpad=_read(scratchpad),
        content_unit_counts=_read(counts),
        last_unit_added=_moment(added),
        last_unit_removed=_moment(removed),
        created=clock.from_us(created),
        revision=revision,
        importer=importer,
        distributors=distributors,
    )


def _importer(row: Row, secrets: Secrets) -> ImporterReport:
    id_, _, repository_id, type_id, config, scratchpad, last_sync = row
    shown = _masked(config, secrets.of_importer(type_id), ImporterConfig)
    kept = None if scratchpad is None else _read(scratchpad)
    return ImporterReport(id_, repository_id, type_id, shown, kept, _moment(last_sync))


def _distributor(row: Row, secrets: Secrets) -> DistributorReport:
    id_, _, repository_id, distributor_id, type_id, config, scratchpad, auto_publish, base_path, live, last_publish = row
    return DistributorReport(
        row_id=id_,
        repository_id=repository_id,
        distributor_id=distributor_id,
        distributor_type_id=type_id,
        config=_masked(config, secrets.of_distributor(type_id), DistributorConfig),
        scratchpad={} if scratchpad is None else _read(scratchpad),
        auto_publish=bool(auto_publish),
        base_path=base_path,
        live_revision=live,
        last_publish=_moment(last_publish),
    )


def _read(text: str) -> Any:  # noqa: ANN401 - what a column of JSON holds
    """Return what JSON text that was written here stands for; most of it is the empty object."""
    return {} if text == "{}" else _DECODER.raw_decode(text)[0]


def _masked(config: str, secrets: frozenset[str] | None, shared: type[BaseModel]) -> dict[str, JSON]:
    shown: dict[str, JSON] = _read(config)
    if secrets is None:
        return masked_unseen(shared, shown)
    for key in secrets.intersection(shown):
        if shown[key] is not None:
            shown[key] = MASK
    return shown


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else clock.from_us(microseconds)

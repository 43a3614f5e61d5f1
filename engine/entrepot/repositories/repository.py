"""A repository as programs hold it: `engine.repositories.get("zoo")`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from entrepot.errors import JSON, BrokenPlugin, UnknownDistributorType, UnknownImporterType
from entrepot.plugin import DistributorConfig, ImporterConfig, masked
from entrepot.repositories import changes, history, publication, publish, rows, sync
from entrepot.repositories.reports import (
    DistributorReport,
    HistoryEntry,
    ImporterReport,
    PublicationReport,
    RepositoryReport,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrepot.models import Distributor, Importer
    from entrepot.models import Repository as RepositoryRow
    from entrepot.repositories.house import House
    from entrepot.tasking import TaskHandle


class Repository:
    """One repository; every call looks it up anew and raises `MissingResource` when it is gone."""

    def __init__(self, house: House, repository_id: str) -> None:
        """Refer to the repository with this id."""
        self._house = house
        self.repository_id = repository_id

    def __repr__(self) -> str:
        """Show the repository's id."""
        return f"Repository({self.repository_id!r})"

    def report(self) -> RepositoryReport:
        """Return what the repository is and holds now."""
        row = self._row()
        importer = rows.find_importer(self._house.database, row.id)
        distributors = rows.distributors_of(self._house.database, row.id)
        return RepositoryReport(
            repository_id=row.repository_id,
            display_name=row.display_name,
            description=row.description,
            notes=row.notes,
            content_unit_counts=row.content_unit_counts,
            last_unit_added=row.last_unit_added,
            last_unit_removed=row.last_unit_removed,
            created=row.created_at,
            revision=row.revision,
            importer=self._importer_report(importer) if importer else None,
            distributors=tuple(self._distributor_report(distributor) for distributor in distributors),
        )

    def sync(self, override_config: Mapping[str, JSON] | None = None) -> TaskHandle:
        """Enqueue a sync; `override_config` changes the importer's configuration for this run."""
        return sync.request_sync(self._house, self.repository_id, dict(override_config) if override_config else None)

    def publish(self, distributor_id: str, override_config: Mapping[str, JSON] | None = None) -> TaskHandle:
        """Enqueue a publish by one distributor; raises `MissingResource` if there is none of that id."""
        override = dict(override_config) if override_config else None
        return publish.request_publish(self._house, self.repository_id, distributor_id, override)

    def update(
        self,
        *,
        display_name: str | None = None,
        description: str | None = None,
        notes: Mapping[str, JSON] | None = None,
        importer_config: Mapping[str, JSON] | None = None,
        distributor_configs: Mapping[str, Mapping[str, JSON]] | None = None,
    ) -> RepositoryReport:
        """Change what is given, all or nothing, and return the new report.

        Notes and configurations are merged key by key; a null takes a key away. Raises `InvalidValue`,
        `RefusedConfiguration`, `MissingResource` (no importer, no such distributor).
        """
        changes.update(
            self._house,
            self.repository_id,
            display_name=display_name,
            description=description,
            notes=notes,
            importer_config=importer_config,
            distributor_configs=distributor_configs,
        )
        return self.report()

    def history(
        self,
        kind: str = "sync",
        *,
        distributor_id: str | None = None,
        limit: int | None = None,
        sort: str = "descending",
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> list[HistoryEntry]:
        """Return the syncs or publishes that ended, newest first; see `history.list_history`."""
        return history.list_history(
            self._house.database,
            kind,
            repository_row=self._row().id,
            repository_id=self.repository_id,
            distributor_id=distributor_id,
            limit=limit,
            sort=sort,
            start=start,
            end=end,
        )

    def publications(self, distributor_id: str) -> list[PublicationReport]:
        """Return the publications of one distributor that are kept, newest first."""
        distributor = rows.get_distributor(self._house.database, self._row(), distributor_id)
        return publication.list_publications(self._house.database, distributor.id, distributor.live_revision)

    def roll_back(self, distributor_id: str, revision: int) -> PublicationReport:
        """Serve an earlier (or later) publication from now on; raises `MissingResource` if it is not kept.

        It stays until the next publish that has something new, or that is asked for by hand.
        """
        distributor = rows.get_distributor(self._house.database, self._row(), distributor_id)
        with self._house.database.transaction():
            publication.make_live(self._house.database, distributor.id, revision)
        return next(kept for kept in self.publications(distributor_id) if kept.revision == revision)

    def _row(self) -> RepositoryRow:
        return rows.get_repository(self._house.database, self.repository_id)

    def _importer_report(self, row: Importer) -> ImporterReport:
        try:
            model: type[ImporterConfig] = self._house.plugins.importer(row.importer_type_id).Config
        except (UnknownImporterType, BrokenPlugin):
            model = ImporterConfig  # its common secrets stay hidden while the plugin is missing
        return ImporterReport(row.importer_type_id, masked(model, row.config), row.last_sync)

    def _distributor_report(self, row: Distributor) -> DistributorReport:
        try:
            model: type[DistributorConfig] = self._house.plugins.distributor(row.distributor_type_id).Config
        except (UnknownDistributorType, BrokenPlugin):
            model = DistributorConfig
        return DistributorReport(
            row.distributor_id,
            row.distributor_type_id,
            masked(model, row.config),
            bool(row.auto_publish),
            row.base_path,
            row.live_revision,
            row.last_publish,
        )

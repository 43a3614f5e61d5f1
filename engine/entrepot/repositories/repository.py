"""A repository as programs hold it: `engine.repositories.get("zoo")`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Unpack

from entrepot.errors import JSON
from entrepot.repositories import (
    browsing,
    changes,
    comparing,
    copying,
    distributors,
    download,
    flips,
    history,
    importers,
    importing,
    listing,
    publication,
    publish,
    removing,
    rows,
    sync,
    unit_search,
)
from entrepot.repositories.unset import UNSET, Unset

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrepot.criteria import UnitCriteria
    from entrepot.models import Repository as RepositoryRow
    from entrepot.repositories.comparing import PublicationDifference
    from entrepot.repositories.house import House
    from entrepot.repositories.reports import (
        DistributorReport,
        HistoryEntry,
        ImporterReport,
        PublicationReport,
        RepositoryReport,
    )
    from entrepot.repositories.schedule_reports import ScheduleOptions, ScheduleReport
    from entrepot.repositories.unit_search import AssociatedUnit
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
        return listing.get_report(self._house, self.repository_id)

    def locally_stored_units(self) -> int:
        """Return how many of its units have all their files in the store."""
        return listing.locally_stored_units(self._house.database, self._row().id)

    def search_units(self, criteria: UnitCriteria) -> list[AssociatedUnit]:
        """Return the units it holds that `criteria` select; see `unit_search.search_units`."""
        return unit_search.search_units(self._house, self._row(), criteria)

    def browse_units(self, unit_type_id: str, *, text: str = "", limit: int = 50, skip: int = 0) -> list[AssociatedUnit]:
        """Return `limit` units of a type behind the first `skip`, by name: those that it holds, with `text` in their names."""
        return browsing.browse_units(self._house, self._row(), unit_type_id, text=text, limit=limit, skip=skip)

    def update(
        self,
        *,
        display_name: str | Unset | None = UNSET,
        description: str | Unset | None = UNSET,
        notes: Mapping[str, JSON] | Unset = UNSET,
        scratchpad: Mapping[str, JSON] | Unset = UNSET,
        importer_config: Mapping[str, JSON] | None = None,
        distributor_configs: Mapping[str, Mapping[str, JSON]] | None = None,
    ) -> RepositoryReport:
        """Change what is given, all or nothing, and return the new report; no task is needed, and none is waited for.

        Notes and configurations are merged key by key; a null takes a key away. The scratchpad is replaced. Raises
        `InvalidValue`, `RefusedConfiguration`, `MissingResource` (no importer, no such distributor), `OperationConflict`.
        """
        changes.update(
            self._house,
            self.repository_id,
            display_name=display_name,
            description=description,
            notes=notes,
            scratchpad=scratchpad,
            importer_config=importer_config,
            distributor_configs=distributor_configs,
        )
        return self.report()

    # -- its importer --------------------------------------------------------------------------------------------

    def importer(self, importer_id: str | None = None) -> ImporterReport:
        """Return the importer; raises `MissingResource` if there is none, or if its id (its type) is not `importer_id`."""
        return importers.get_importer(self._house, self._row(), importer_id)

    def importers(self) -> list[ImporterReport]:
        """Return the importer as a list of one, or nothing."""
        return importers.list_importers(self._house, self._row())

    def request_set_importer(self, importer_type_id: str, config: Mapping[str, JSON] | None = None) -> TaskHandle:
        """Enqueue a new importer in place of the one there is, which goes with its schedules.

        Raises `UnknownImporterType`, `InvalidValue`, `RefusedConfiguration`.
        """
        return importers.request_set_importer(self._house, self.repository_id, importer_type_id, config)

    def request_update_importer(self, importer_id: str, config: Mapping[str, JSON] | None) -> TaskHandle:
        """Enqueue a change of the importer's configuration, merged key by key; what is refused fails the task.

        Raises `MissingResource`, `MissingValue`, `InvalidValue`.
        """
        return importers.request_update_importer(self._house, self.repository_id, importer_id, config)

    def request_remove_importer(self, importer_id: str) -> TaskHandle:
        """Enqueue the removal of the importer with its schedules; raises `MissingResource`."""
        return importers.request_remove_importer(self._house, self.repository_id, importer_id)

    # -- its distributors ----------------------------------------------------------------------------------------

    def distributors(self) -> list[DistributorReport]:
        """Return the distributors, in the order they were added."""
        return distributors.list_distributors(self._house, self._row())

    def distributor(self, distributor_id: str) -> DistributorReport:
        """Return one distributor; raises `MissingResource`."""
        return distributors.get_distributor(self._house, self._row(), distributor_id)

    def add_distributor(
        self,
        distributor_type_id: str | None,
        config: Mapping[str, JSON] | None = None,
        *,
        distributor_id: str | None = None,
        auto_publish: bool = False,
    ) -> DistributorReport:
        """Add a distributor at once, in place of one of the same id, which goes with its schedules and publications.

        Raises `MissingValue`, `InvalidValue`, `UnknownDistributorType`, `RefusedConfiguration`, and `OperationConflict` if
        its path is taken, or if one is to be replaced while the repository has unfinished tasks.
        """
        return distributors.add_distributor(
            self._house,
            self.repository_id,
            distributor_type_id,
            config,
            distributor_id=distributor_id,
            auto_publish=auto_publish,
        )

    def request_update_distributor(
        self, distributor_id: str, config: Mapping[str, JSON] | None = None, *, auto_publish: bool | None = None
    ) -> TaskHandle:
        """Enqueue a change of one distributor, merged key by key; what is refused fails the task.

        Raises `MissingResource`, `InvalidValue`.
        """
        return distributors.request_update_distributor(
            self._house, self.repository_id, distributor_id, config, auto_publish=auto_publish
        )

    def request_distributor_updates(self, configs: Mapping[str, Mapping[str, JSON]]) -> list[TaskHandle]:
        """Enqueue a change of each distributor named, all or none; one that does not exist fails in its task.

        Raises `InvalidValue`.
        """
        return distributors.request_distributor_updates(self._house, self.repository_id, configs)

    def request_remove_distributor(self, distributor_id: str) -> TaskHandle:
        """Enqueue the removal of a distributor with its schedules and publications; raises `MissingResource`."""
        return distributors.request_remove_distributor(self._house, self.repository_id, distributor_id)

    # -- its work ------------------------------------------------------------------------------------------------

    def sync(self, override_config: Mapping[str, JSON] | None = None) -> TaskHandle:
        """Enqueue a sync; `override_config` changes the importer's configuration for this run."""
        return sync.request_sync(self._house, self.repository_id, dict(override_config) if override_config else None)

    def publish(self, distributor_id: str, override_config: Mapping[str, JSON] | None = None) -> TaskHandle:
        """Enqueue a publish by one distributor; raises `MissingResource` if there is none of that id."""
        override = dict(override_config) if override_config else None
        return publish.request_publish(self._house, self.repository_id, distributor_id, override)

    def request_publish_unchecked(self, distributor_id: str, override_config: Mapping[str, JSON] | None = None) -> TaskHandle:
        """Enqueue a publish as `publish` does; without such a distributor it is the task that fails."""
        override = dict(override_config) if override_config else None
        return publish.request_publish_unchecked(self._house, self.repository_id, distributor_id, override)

    def request_download(self, *, verify_all_units: JSON = False) -> TaskHandle:
        """Enqueue a look whether the store has every file; `verify_all_units` reads them all. Raises `WrongType`."""
        return download.request_download(self._house, self.repository_id, verify_all_units=verify_all_units)

    # -- its units -----------------------------------------------------------------------------------------------

    def copy_from(
        self, source_id: str, criteria: UnitCriteria | None = None, override_config: Mapping[str, JSON] | None = None
    ) -> TaskHandle:
        """Enqueue a copy of the units of the repository `source_id` that `criteria` select; all of them without.

        Its result lists them: see `copying`. Raises `InvalidValue` (source_repo_id) if there is no such source.
        """
        override = dict(override_config) if override_config else None
        return copying.request_copy(self._house, self.repository_id, source_id, criteria, override)

    def remove_units(self, criteria: UnitCriteria | None = None) -> TaskHandle:
        """Enqueue the removal of the units that `criteria` select, of all without; they stay in the store, see `Contents`."""
        return removing.request_remove(self._house, self.repository_id, criteria)

    def import_upload(
        self,
        upload_id: str,
        unit_type_id: str,
        unit_key: Mapping[str, JSON],
        unit_metadata: Mapping[str, JSON] | None = None,
        override_config: Mapping[str, JSON] | None = None,
    ) -> TaskHandle:
        """Enqueue the import of an upload as a unit; the upload stays until it is deleted, or expires.

        Whether there is such a repository, upload and unit type is found out by the task, as in Pulp 2. Raises `InvalidValue`.
        """
        said = importing.Said(upload_id, unit_type_id, unit_key, unit_metadata or {})
        return importing.request_import(self._house, self.repository_id, said, override_config)

    # -- its schedules -------------------------------------------------------------------------------------------

    def schedule_sync(
        self,
        schedule: str,
        **options: Unpack[ScheduleOptions],
    ) -> ScheduleReport:
        """Schedule syncs by its importer: `schedule_sync("PT1H", failure_threshold=3)`; see `Schedules.create_sync`.

        Raises `MissingResource` if there is no importer, and `InvalidValue` with the names of all that is refused.
        """
        return self._house.calendar().create_sync(
            self.repository_id,
            self.importer().importer_type_id,
            schedule,
            **options,
        )

    def schedule_publish(
        self,
        distributor_id: str,
        schedule: str,
        **options: Unpack[ScheduleOptions],
    ) -> ScheduleReport:
        """Schedule publishes by one distributor; otherwise as `schedule_sync`."""
        return self._house.calendar().create_publish(
            self.repository_id,
            distributor_id,
            schedule,
            **options,
        )

    # -- what it did ---------------------------------------------------------------------------------------------

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
        """Return the syncs or publishes that ended, newest first; see `history.list_history`.

        Raises `MissingResource` if there is no distributor `distributor_id`.
        """
        row = self._row()
        if distributor_id is not None:
            rows.get_distributor(self._house.database, row, distributor_id)
        return history.list_history(
            self._house.database,
            kind,
            repository_row=row.id,
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

    def compare_publications(self, distributor_id: str, before: int, after: int) -> PublicationDifference:
        """Return which paths two kept publications of one distributor do not have alike; raises `MissingResource`."""
        distributor = rows.get_distributor(self._house.database, self._row(), distributor_id)
        return comparing.compare(self._house.database, distributor.id, before, after)

    def roll_back(self, distributor_id: str, revision: int) -> PublicationReport:
        """Serve an earlier (or later) publication from now on; raises `MissingResource` if it is not kept.

        It stays until the next publish that has something new, or that is asked for by hand.
        """
        row = self._row()
        distributor = rows.get_distributor(self._house.database, row, distributor_id)
        with self._house.database.transaction():
            flips.roll_back(self._house, row, distributor, revision)
        return next(kept for kept in self.publications(distributor_id) if kept.revision == revision)

    def _row(self) -> RepositoryRow:
        return rows.get_repository(self._house.database, self.repository_id)

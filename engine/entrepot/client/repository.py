"""A repository of a server's, as programs hold it: `client.repositories.get("zoo")`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Unpack

from entrepot.client.connection import Connection
from entrepot.client.documents import (
    associated_unit,
    distributor_report,
    history_entry,
    importer_report,
    publication_difference,
    publication_report,
    repository_report,
)
from entrepot.client.handle import TaskHandle
from entrepot.client.schedules import Schedules
from entrepot.client.tasks import spawned, whole
from entrepot.errors import JSON, InvalidValue, MissingResource
from entrepot.repositories import UNSET, Unset

if TYPE_CHECKING:
    from entrepot.criteria import UnitCriteria
    from entrepot.repositories import DistributorReport, HistoryEntry, ImporterReport, PublicationReport, RepositoryReport
    from entrepot.repositories.comparing import PublicationDifference
    from entrepot.repositories.schedule_reports import ScheduleOptions, ScheduleReport
    from entrepot.repositories.unit_search import AssociatedUnit


class Repository:
    """One repository; every call asks the server anew and raises `MissingResource` when it is gone."""

    def __init__(self, connection: Connection, repository_id: str) -> None:
        """Refer to the repository with this id."""
        self._connection = connection
        self.repository_id = repository_id

    def __repr__(self) -> str:
        """Show the repository's id."""
        return f"Repository({self.repository_id!r})"

    def report(self) -> RepositoryReport:
        """Return what the repository is and holds now."""
        return repository_report(self._get(query=[("importers", "true"), ("distributors", "true")]))

    def locally_stored_units(self) -> int:
        """Return how many of its units have all their files in the store."""
        return int(self._get(query=[("details", "true")])["locally_stored_units"])

    def search_units(self, criteria: UnitCriteria) -> list[AssociatedUnit]:
        """Return the units it holds that `criteria` select, whole, whatever fields were asked for."""
        path = ("repositories", self.repository_id, "search", "units")
        found = self._connection.search(*path, body={"criteria": whole(criteria.source)})
        return list(map(associated_unit, found))

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
        `InvalidValue`, `RefusedConfiguration`, `OperationRefused`, `MissingResource` (no importer, no such distributor),
        `OperationConflict`.
        """
        given = {"display_name": display_name, "description": description, "notes": notes, "scratchpad": scratchpad}
        body = {
            "delta": {name: value for name, value in given.items() if value is not UNSET},
            "importer_config": importer_config,
            "distributor_configs": distributor_configs,
        }
        self._connection.put("repositories", self.repository_id, body=body, query=[("at_once", "true")])
        return self.report()

    # -- its importer --------------------------------------------------------------------------------------------

    def importer(self, importer_id: str | None = None) -> ImporterReport:
        """Return the importer; raises `MissingResource` if there is none, or if its id (its type) is not `importer_id`."""
        if importer_id is not None:
            return importer_report(self._get("importers", importer_id))
        found = self.importers()
        if not found:
            raise MissingResource(repo_id=self.repository_id)
        return found[0]

    def importers(self) -> list[ImporterReport]:
        """Return the importer as a list of one, or nothing."""
        return list(map(importer_report, self._get("importers")))

    def request_set_importer(self, importer_type_id: str, config: Mapping[str, JSON] | None = None) -> TaskHandle:
        """Enqueue a new importer in place of the one there is, which goes with its schedules.

        Raises `UnknownImporterType`, `InvalidValue`, `RefusedConfiguration`.
        """
        return self._enqueued("importers", body={"importer_type_id": importer_type_id, "importer_config": config})

    def request_update_importer(self, importer_id: str, config: Mapping[str, JSON] | None) -> TaskHandle:
        """Enqueue a change of the importer's configuration, merged key by key; what is refused fails the task.

        Raises `MissingResource`, `MissingValue`, `InvalidValue`.
        """
        return self._changed("importers", importer_id, body={"importer_config": config})

    def request_remove_importer(self, importer_id: str) -> TaskHandle:
        """Enqueue the removal of the importer with its schedules; raises `MissingResource`."""
        return self._removed("importers", importer_id)

    # -- its distributors ----------------------------------------------------------------------------------------

    def distributors(self) -> list[DistributorReport]:
        """Return the distributors, in the order they were added."""
        return list(map(distributor_report, self._get("distributors")))

    def distributor(self, distributor_id: str) -> DistributorReport:
        """Return one distributor; raises `MissingResource`."""
        return distributor_report(self._get("distributors", distributor_id))

    def add_distributor(
        self,
        distributor_type_id: str | None,
        config: Mapping[str, JSON] | None = None,
        *,
        distributor_id: str | None = None,
        auto_publish: bool = False,
    ) -> DistributorReport:
        """Add a distributor at once, in place of one of the same id, which goes with its schedules and publications.

        Raises `MissingValue`, `InvalidValue`, `OperationRefused`, and `OperationConflict` if its path is taken, or if one is
        to be replaced while the repository has unfinished tasks.
        """
        body = {
            "distributor_type_id": distributor_type_id,
            "distributor_config": config,
            "distributor_id": distributor_id,
            "auto_publish": auto_publish,
        }
        return distributor_report(self._connection.post("repositories", self.repository_id, "distributors", body=body))

    def request_update_distributor(
        self, distributor_id: str, config: Mapping[str, JSON] | None = None, *, auto_publish: bool | None = None
    ) -> TaskHandle:
        """Enqueue a change of one distributor, merged key by key; what is refused fails the task.

        Raises `MissingResource`, `InvalidValue`.
        """
        delta = {} if auto_publish is None else {"auto_publish": auto_publish}
        return self._changed("distributors", distributor_id, body={"distributor_config": config, "delta": delta})

    def request_distributor_updates(self, configs: Mapping[str, Mapping[str, JSON]]) -> list[TaskHandle]:
        """Enqueue a change of each distributor named, all or none; one that does not exist fails in its task.

        Raises `InvalidValue`.
        """
        body = {"distributor_configs": configs}
        return spawned(self._connection, self._connection.put("repositories", self.repository_id, body=body))

    def request_remove_distributor(self, distributor_id: str) -> TaskHandle:
        """Enqueue the removal of a distributor with its schedules and publications; raises `MissingResource`."""
        return self._removed("distributors", distributor_id)

    # -- its work ------------------------------------------------------------------------------------------------

    def sync(self, override_config: Mapping[str, JSON] | None = None) -> TaskHandle:
        """Enqueue a sync; `override_config` changes the importer's configuration for this run."""
        return self._enqueued("actions", "sync", body={"override_config": override_config})

    def publish(self, distributor_id: str, override_config: Mapping[str, JSON] | None = None) -> TaskHandle:
        """Enqueue a publish by one distributor; raises `MissingResource` if there is none of that id."""
        self.distributor(distributor_id)
        return self.request_publish_unchecked(distributor_id, override_config)

    def request_publish_unchecked(self, distributor_id: str, override_config: Mapping[str, JSON] | None = None) -> TaskHandle:
        """Enqueue a publish as `publish` does; without such a distributor it is the task that fails."""
        return self._enqueued("actions", "publish", body={"id": distributor_id, "override_config": override_config})

    def request_download(self, *, verify_all_units: JSON = False) -> TaskHandle:
        """Enqueue a look whether the store has every file; `verify_all_units` reads them all. Raises `WrongType`."""
        return self._enqueued("actions", "download", body={"verify_all_units": verify_all_units})

    # -- its units -----------------------------------------------------------------------------------------------

    def copy_from(
        self, source_id: str, criteria: UnitCriteria | None = None, override_config: Mapping[str, JSON] | None = None
    ) -> TaskHandle:
        """Enqueue a copy of the units of the repository `source_id` that `criteria` select; all of them without.

        Its result lists them. Raises `InvalidValue` (source_repo_id) if there is no such source, `PermissionDenied` if who
        asks may not see it.
        """
        body = {"source_repo_id": source_id, "criteria": _sent(criteria), "override_config": override_config}
        return self._enqueued("actions", "associate", body=body)

    def remove_units(self, criteria: UnitCriteria | None = None) -> TaskHandle:
        """Enqueue the removal of the units that `criteria` select; of all without. See `Contents` for the rest."""
        return self._enqueued("actions", "unassociate", body={"criteria": _sent(criteria)})

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
        body = {
            "upload_id": upload_id,
            "unit_type_id": unit_type_id,
            "unit_key": unit_key,
            "unit_metadata": unit_metadata,
            "override_config": override_config,
        }
        return self._enqueued("actions", "import_upload", body=body)

    # -- its schedules -------------------------------------------------------------------------------------------

    def schedule_sync(
        self,
        schedule: str,
        **options: Unpack[ScheduleOptions],
    ) -> ScheduleReport:
        """Schedule syncs by its importer: `schedule_sync("PT1H", failure_threshold=3)`; see `Schedules.create_sync`.

        Raises `MissingResource` if there is no importer, and `InvalidValue` with the names of all that is refused.
        """
        return Schedules(self._connection).create_sync(
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
        return Schedules(self._connection).create_publish(
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
        """Return the syncs or publishes that ended, newest first, of one distributor or of all.

        `start` and `end` limit when they began. Raises `MissingResource` if there is no distributor `distributor_id`.
        """
        if kind not in ("sync", "publish") or (kind == "sync" and distributor_id is not None):
            raise InvalidValue("kind", why=f"{kind!r} is none of sync and publish; only publishes have a distributor")
        query = [("sort", sort), *([("limit", str(limit))] if limit is not None else [])]
        query += [(name, _iso(moment)) for name, moment in (("start_date", start), ("end_date", end)) if moment is not None]
        documents = self._get("history", kind, *([distributor_id] if distributor_id is not None else []), query=query)
        return [history_entry(document, kind) for document in documents]

    def publications(self, distributor_id: str) -> list[PublicationReport]:
        """Return the publications of one distributor that are kept, newest first."""
        return list(map(publication_report, self._get("distributors", distributor_id, "publications")))

    def compare_publications(self, distributor_id: str, before: int, after: int) -> PublicationDifference:
        """Return which paths two kept publications do not have alike; raises `MissingResource` if one is not kept."""
        query = [("before", str(before)), ("after", str(after))]
        return publication_difference(self._get("distributors", distributor_id, "publications", "compare", query=query))

    def roll_back(self, distributor_id: str, revision: int) -> PublicationReport:
        """Serve an earlier (or later) publication from now on; raises `MissingResource` if it is not kept.

        It stays until the next publish that has something new, or that is asked for by hand.
        """
        body = {"distributor_id": distributor_id, "revision": revision}
        path = ("repositories", self.repository_id, "actions", "roll_back")
        return publication_report(self._connection.post(*path, body=body))

    def _get(self, *segments: str, query: list[tuple[str, str]] | None = None) -> Any:  # noqa: ANN401 - parsed JSON
        return self._connection.get("repositories", self.repository_id, *segments, query=query or ())

    def _enqueued(self, *segments: str, body: dict[str, Any]) -> TaskHandle:
        call_report = self._connection.post("repositories", self.repository_id, *segments, body=body)
        return spawned(self._connection, call_report)[0]

    def _changed(self, *segments: str, body: dict[str, Any]) -> TaskHandle:
        call_report = self._connection.put("repositories", self.repository_id, *segments, body=body)
        return spawned(self._connection, call_report)[0]

    def _removed(self, *segments: str) -> TaskHandle:
        call_report = self._connection.delete("repositories", self.repository_id, *segments).document
        return spawned(self._connection, call_report)[0]


def _sent(criteria: UnitCriteria | None) -> dict[str, Any] | None:
    return None if criteria is None else whole(criteria.source)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()

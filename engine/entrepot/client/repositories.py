"""The repositories of a server: `client.repositories`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from entrepot.client.connection import Connection
from entrepot.client.documents import distributor_report, moment, repository_report
from entrepot.client.handle import TaskHandle
from entrepot.client.repository import Repository
from entrepot.client.tasks import spawned, whole
from entrepot.errors import JSON
from entrepot.repositories import UNSET, Unset
from entrepot.repositories.failing import Failure, Failures

if TYPE_CHECKING:
    from entrepot.criteria import Criteria
    from entrepot.repositories import DistributorReport, RepositoryReport


class Repositories:
    """Create, find and delete the repositories of a server."""

    def __init__(self, connection: Connection) -> None:
        """Speak of the repositories of the server that `connection` leads to."""
        self._connection = connection

    def create(
        self,
        repository_id: str,
        *,
        importer_type_id: str | None = None,
        importer_config: Mapping[str, JSON] | None = None,
        distributors: Sequence[Mapping[str, Any]] | None = (),
        display_name: str | Unset | None = UNSET,
        description: str | None = None,
        notes: Mapping[str, JSON] | None = None,
    ) -> Repository:
        """Create a repository with its importer and distributors, or nothing.

        Each distributor is an object with `distributor_type_id`, and if wanted `distributor_id`, `distributor_config` and
        `auto_publish`. The display name is the id if it is not given. Raises `InvalidValue`, `DuplicateResource`,
        `UnknownImporterType`, `RefusedConfiguration`, `OperationRefused`, `OperationConflict`.
        """
        body: dict[str, Any] = {
            "id": repository_id,
            "importer_type_id": importer_type_id,
            "importer_config": importer_config,
            "distributors": None if distributors is None else list(distributors),
            "description": description,
            "notes": notes,
        }
        if display_name is not UNSET:
            body["display_name"] = display_name
        return Repository(self._connection, self._connection.post("repositories", body=body)["id"])

    def get(self, repository_id: str) -> Repository:
        """Return the repository with this id; raises `MissingResource`."""
        return Repository(self._connection, self._connection.get("repositories", repository_id)["id"])

    def handle(self, repository_id: str) -> Repository:
        """Return the repository with this id, without looking whether it exists."""
        return Repository(self._connection, repository_id)

    def list(self) -> list[Repository]:
        """Return all repositories, by id."""
        return [Repository(self._connection, document["id"]) for document in self._connection.get("repositories")]

    def reports(self) -> Sequence[RepositoryReport]:
        """Return the reports of all repositories, by id."""
        return list(map(repository_report, self._connection.get("repositories", query=[("details", "true")])))

    def failures(self, *, limit: int = 50) -> Failures:
        """Return the syncs and publishes that failed when they were run last, the newest failure first; tell of `limit`.

        Raises `InvalidValue`.
        """
        document = self._connection.get("failures", query=[("limit", str(limit))])
        return Failures(document["total"], tuple(map(_failure, document["failures"])))

    def search(self, criteria: Criteria) -> Sequence[RepositoryReport]:
        """Return the repositories that `criteria` select, in their order, else as they were created.

        Raises `InvalidValue` for what cannot be asked, `SearchTooSlow`. Source: the Pulp 2 REST contract, 4.
        """
        body = {"criteria": whole(criteria.source), "details": True}
        return list(map(repository_report, self._connection.search("repositories", "search", body=body)))

    def search_distributors(self, criteria: Criteria) -> Sequence[DistributorReport]:
        """Return the distributors that `criteria` select, of any repository; as `search` otherwise."""
        body = {"criteria": whole(criteria.source)}
        return list(map(distributor_report, self._connection.search("distributors", "search", body=body)))

    def delete(self, repository_id: str) -> TaskHandle:
        """Enqueue the deletion of a repository; raises `MissingResource`."""
        return spawned(self._connection, self._connection.delete("repositories", repository_id).document)[0]


def _failure(document: dict[str, Any]) -> Failure:
    moments = {name: moment(document[name]) for name in ("since", "failed")}
    return Failure(**{field.name: document[field.name] for field in fields(Failure)} | moments)

"""The repositories of one engine: `engine.repositories`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from entrepot.errors import JSON
from entrepot.models import Repository as RepositoryRow
from entrepot.repositories import changes, failing, listing, overview, published, rows, search
from entrepot.repositories.fetching import Fetching
from entrepot.repositories.repository import Repository
from entrepot.repositories.unset import UNSET, Unset

if TYPE_CHECKING:
    from entrepot.criteria import Criteria
    from entrepot.repositories.failing import Failures
    from entrepot.repositories.house import House
    from entrepot.repositories.overview import RepositoryPage, RepositoryQuery
    from entrepot.repositories.reports import DistributorReport, PublishedDirectory, PublishedFile, RepositoryReport
    from entrepot.tasking import TaskHandle


class Repositories:
    """Create, find and delete repositories, and look up what they have published."""

    def __init__(self, house: House) -> None:
        """Serve the repositories of `house`."""
        self._house = house
        #: Brings the bytes of what `published` has found, for the doors of this process.
        self.fetching = Fetching(house)

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
        `UnknownImporterType`, `UnknownDistributorType`, `RefusedConfiguration`, `OperationConflict`.
        Source: the Pulp 2 REST contract, 2.2.
        """
        changes.create(
            self._house,
            repository_id,
            importer_type_id=importer_type_id,
            importer_config=importer_config,
            new_distributors=distributors,
            display_name=display_name,
            description=description,
            notes=notes,
        )
        return Repository(self._house, repository_id)

    def get(self, repository_id: str) -> Repository:
        """Return the repository with this id; raises `MissingResource`."""
        rows.require_repository(self._house.database, repository_id)
        return Repository(self._house, repository_id)

    def handle(self, repository_id: str) -> Repository:
        """Return the repository with this id, without looking whether it exists."""
        return Repository(self._house, repository_id)

    def list(self) -> list[Repository]:
        """Return all repositories, by id."""
        query = RepositoryRow.select(RepositoryRow.repository_id).order_by(RepositoryRow.repository_id)
        return [Repository(self._house, row.repository_id) for row in query.bind(self._house.database.peewee)]

    def reports(self) -> Sequence[RepositoryReport]:
        """Return the reports of all repositories, by id; in a few statements, however many there are."""
        return listing.all_reports(self._house)

    def overview(self, query: RepositoryQuery) -> RepositoryPage:
        """Return a page of the list that `query` asks for, each repository with how its last sync and publish ended."""
        return overview.find_repositories(self._house, query)

    def failures(self, *, limit: int = 50) -> Failures:
        """Return the syncs and publishes that failed when they were run last, the newest failure first; tell of `limit`.

        Raises `InvalidValue`.
        """
        return failing.list_failing(self._house.database, limit=limit)

    def search(self, criteria: Criteria) -> Sequence[RepositoryReport]:
        """Return the repositories that `criteria` select, in their order, else as they were created.

        Raises `InvalidValue` for what cannot be asked, `SearchTooSlow`. Source: the Pulp 2 REST contract, 4.
        """
        return search.search_repositories(self._house, criteria)

    def search_distributors(self, criteria: Criteria) -> Sequence[DistributorReport]:
        """Return the distributors that `criteria` select, of any repository; as `search` otherwise."""
        return search.search_distributors(self._house, criteria)

    def delete(self, repository_id: str) -> TaskHandle:
        """Enqueue the deletion of a repository; raises `MissingResource`."""
        return changes.request_delete(self._house, repository_id)

    def find_published_files(self, asked: Iterable[tuple[str, str]]) -> dict[tuple[str, str], PublishedFile]:
        """Return the files that are served at paths over schemes, by both; `published` finds what else there may be.

        One statement, which reads a few rows for each by their keys.
        """
        house = self._house
        return published.find_files(house.database, house.store, asked, is_served=house.plugins.is_served_by_default)

    def published(self, path: str, *, scheme: str = "http") -> PublishedFile | PublishedDirectory | None:
        """Return what is served at `path` (without leading slash; "" lists all) over `scheme`, or None."""
        grace = timedelta(seconds=self._house.settings.publication_grace_seconds)
        return published.resolve(
            self._house.database,
            self._house.store,
            path,
            scheme=scheme,
            grace=grace,
            is_served=self._house.plugins.is_served_by_default,
        )

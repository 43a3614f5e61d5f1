"""An engine in a temporary folder with one importer, one distributor and one feed, for tests of these."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from entrepot.criteria import UnitCriteria
from entrepot.discovery import Plugins
from entrepot.engine import Engine
from entrepot.errors import JSON
from entrepot.plugin import Distributor, Importer
from entrepot.repositories import Repository
from entrepot.repositories.reports import HistoryEntry, PublicationReport, PublishedDirectory, PublishedFile
from entrepot.settings import read_settings
from entrepot.tasking import TaskHandle, TaskReport
from entrepot.testing.draining import drain
from entrepot.testing.feed import Feed
from entrepot.testing.watching import Watch, watched_distributor, watched_importer

#: How the plugins under test are called in the engine, whatever their entry points will be.
IMPORTER, DISTRIBUTOR = "importer_under_test", "distributor_under_test"
#: The repository that calls mean that name none.
REPOSITORY = "zoo"


class Workshop:
    """One engine, on SQLite; a context manager. A repository is made when it is first named.

    `watch` sees what the plugins do. A publication is compared as its tree: bytes by path, None while they are deferred.
    """

    def __init__(
        self,
        folder: Path,
        feed: Feed,
        importer: type[Importer],
        distributor: type[Distributor] | None = None,
        *,
        config: Mapping[str, JSON] | None = None,
        distributor_config: Mapping[str, JSON] | None = None,
    ) -> None:
        """Prepare an engine in `folder`, which is made; `config` and `distributor_config` hold for every repository."""
        folder.mkdir(parents=True, exist_ok=True)
        self.feed = feed
        self.watch = Watch()
        self._config = dict(config or {})
        self._distributor_config = dict(distributor_config or {})
        self._has_distributor = distributor is not None
        plugins = Plugins.of(
            importers={IMPORTER: watched_importer(importer, self.watch)},
            distributors={DISTRIBUTOR: watched_distributor(distributor, self.watch)} if distributor is not None else {},
        )
        settings = read_settings(
            data_dir=folder, database_url=f"sqlite:///{folder / 'entrepot.sqlite3'}", broker_url="", fetch_retries=0
        )
        self.engine = Engine(settings=settings, plugins=plugins)

    def __enter__(self) -> Self:
        """Return the workshop, with its tables ready."""
        self.engine.initialise()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close the engine."""
        self.engine.close()

    def repository(self, repository_id: str = REPOSITORY, **config: JSON) -> Repository:
        """Return the repository; made if there is none, with `config` beside what holds for all."""
        known = {one.repository_id for one in self.engine.repositories.list()}
        if repository_id in known:
            return self.engine.repositories.get(repository_id)
        published: dict[str, JSON] = {"relative_url": repository_id, **self._distributor_config}
        distributor = {
            "distributor_type_id": DISTRIBUTOR,
            "distributor_id": "web",
            "distributor_config": published,
        }
        return self.engine.repositories.create(
            repository_id,
            importer_type_id=IMPORTER,
            importer_config={"feed": self.feed.url, **self._config, **config},
            distributors=[distributor] if self._has_distributor else [],
        )

    # -- what is done ----------------------------------------------------------------------------------------------

    def run(self, handle: TaskHandle) -> TaskReport:
        """Run everything that waits, and return how the task of `handle` ended."""
        drain(self.engine)
        return handle.report()

    def sync(self, repository_id: str = REPOSITORY, **override: JSON) -> TaskReport:
        """Sync a repository, with `override` for this run."""
        return self.run(self.repository(repository_id).sync(override or None))

    def publish(self, repository_id: str = REPOSITORY, **override: JSON) -> TaskReport:
        """Publish a repository, with `override` for this run; `force_full` builds all of it anew."""
        return self.run(self.repository(repository_id).publish("web", override or None))

    def download(self, repository_id: str = REPOSITORY) -> TaskReport:
        """Fetch what was deferred."""
        return self.run(self.repository(repository_id).request_download())

    def mirror(self, repository_id: str = REPOSITORY, **override: JSON) -> dict[str, bytes | None]:
        """Sync, publish, and return the tree that is served; both have to end well."""
        require_success(self.sync(repository_id, **override))
        require_success(self.publish(repository_id))
        return self.tree(repository_id)

    # -- what there is ---------------------------------------------------------------------------------------------

    def held(self, repository_id: str = REPOSITORY, *, of_type: str | None = None) -> dict[str, dict[str, JSON]]:
        """Return the fields of the units that a repository holds, by unit id, which is the same in every engine."""
        units = self.repository(repository_id).search_units(UnitCriteria())
        return {unit.unit_id: dict(unit.data) for unit in units if of_type in (None, unit.unit_type_id)}

    def keys(self, repository_id: str = REPOSITORY) -> set[str]:
        """Return types and keys of the units that a repository holds; those of a unit that is revised stay the same."""
        units = self.repository(repository_id).search_units(UnitCriteria())
        types = {unit.unit_type_id: self.engine.plugins.unit_type(unit.unit_type_id) for unit in units}
        return {
            json.dumps([unit.unit_type_id, *(unit.data[name] for name in types[unit.unit_type_id].unit_key)]) for unit in units
        }

    def downloaded(self, repository_id: str = REPOSITORY) -> bool:
        """Say whether all files of the repository's units are in the store."""
        return all(unit.downloaded for unit in self.repository(repository_id).search_units(UnitCriteria()))

    def last_sync(self, repository_id: str = REPOSITORY) -> HistoryEntry:
        """Return what the last sync did."""
        return self.repository(repository_id).history("sync", limit=1)[0]

    def publications(self, repository_id: str = REPOSITORY) -> list[PublicationReport]:
        """Return the publications that are kept, newest first."""
        return self.repository(repository_id).publications("web")

    def tree(self, repository_id: str = REPOSITORY) -> dict[str, bytes | None]:
        """Return what is served now, by path."""
        base = self._base_path(repository_id)
        return dict(self._files(base, len(base) + 1))

    def _base_path(self, repository_id: str) -> str:
        return str(self._distributor_config.get("relative_url", repository_id))

    def _files(self, folder: str, skip: int) -> Iterator[tuple[str, bytes | None]]:
        found = self.engine.repositories.published(f"{folder}/")
        if not isinstance(found, PublishedDirectory):
            return
        for item in found.items:
            path = f"{folder}/{item.name}"
            if item.is_directory:
                yield from self._files(path.rstrip("/"), skip)
                continue
            file: Any = self.engine.repositories.published(path)
            assert isinstance(file, PublishedFile), path
            yield path[skip:], None if file.file is None else file.file.read_bytes()


def require_success(report: TaskReport) -> None:
    """Fail the test unless the task ended well; its error is shown."""
    assert report.state == "finished", f"{report.task_type} {report.state}: {report.traceback or report.error}"

"""What an importer may ask for while it does something else than a sync: the conduit of uploads, and half of that of copies."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from entrepot.errors import JSON, MissingResource
from entrepot.plugin import Unit, unmasked
from entrepot.repositories import held_units, rows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from entrepot.models import Importer as ImporterRow
    from entrepot.models import Repository
    from entrepot.plugin import Importer, ImporterConfig
    from entrepot.repositories.house import House
    from entrepot.tasking import TaskContext

UnitT = TypeVar("UnitT", bound=Unit)


class Configured(NamedTuple):
    """The importer of a repository: its row, its plugin, and the configuration in force."""

    row: ImporterRow
    plugin: type[Importer]
    config: ImporterConfig


def configured(house: House, repository: Repository, override_config: Mapping[str, JSON] | None) -> Configured:
    """Return the repository's importer, as `override_config` changes it for one run.

    Raises `MissingResource` (repo_id) if there is none, `UnknownImporterType`, `BrokenPlugin`, `RefusedConfiguration`.
    """
    row = rows.find_importer(house.database, repository.id)
    if row is None:
        raise MissingResource(repo_id=repository.repository_id)
    plugin = house.plugins.importer(row.importer_type_id)
    override = unmasked(override_config or {}, row.config)
    config = plugin.configure(row.config, override, server=house.settings.plugins.get(row.importer_type_id))
    return Configured(row, plugin, config)


class ImportRun:
    """The conduit of one run; it belongs to one thread."""

    def __init__(self, house: House, task: TaskContext, repository: Repository, config: ImporterConfig) -> None:
        """Prepare the run; nothing is read yet."""
        self.repository_id: str = repository.repository_id
        self.config = config
        self._house = house
        self._task = task
        self._repository = repository

    def units(
        self, unit_type: type[UnitT], *, names: Collection[str] | None = None, documents: bool = False
    ) -> Iterator[UnitT]:
        """Return the units of a type that the repository held when the run began, oldest first."""
        return self._held(self._repository, unit_type, names, documents=documents)

    def checkpoint(self) -> None:
        """Let a cancel take effect."""
        self._task.checkpoint()

    def _held(
        self, repository: Repository, unit_type: type[UnitT], names: Collection[str] | None, *, documents: bool
    ) -> Iterator[UnitT]:
        self._task.checkpoint()
        stay = held_units.held_at(repository.revision)
        return held_units.units(self._house.database, repository.id, unit_type, stay, names=names, documents=documents)

"""One copy under way: the importer's conduit, and what becomes of the units that it yields. A step of the walk of a copy."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from entrepot.content.bulk import chunks
from entrepot.content.unit_copies import Renewed, save_renewed
from entrepot.content.units import UnitRecord
from entrepot.errors import PluginError
from entrepot.plugin import Unit
from entrepot.repositories import held_units
from entrepot.repositories.import_run import ImportRun
from entrepot.repositories.unit_names import require_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from entrepot.models import Repository
    from entrepot.plugin import Importer, ImporterConfig
    from entrepot.repositories.house import House
    from entrepot.tasking import TaskContext

UnitT = TypeVar("UnitT", bound=Unit)


class Coming(NamedTuple):
    """What is to come into a repository: units that are stored, row id -> type, and new ones by type and uid."""

    stored: dict[int, str]
    new: dict[tuple[str, str], Unit]


class CopyRun(ImportRun):
    """The conduit of one copy."""

    def __init__(
        self, house: House, task: TaskContext, *, source: Repository, repository: Repository, config: ImporterConfig
    ) -> None:
        """Prepare the run; nothing is read yet."""
        super().__init__(house, task, repository, config)
        self.source_id: str = source.repository_id
        self._source = source
        self._origins: dict[tuple[str, str], int] = {}

    # -- what the importer may ask for besides (plugin.CopyConduit) --------------------------------------------------

    def source_units(
        self, unit_type: type[UnitT], *, names: Collection[str] | None = None, documents: bool = False
    ) -> Iterator[UnitT]:
        """Return the units of a type that the source holds, oldest first."""
        return self._held(self._source, unit_type, names, documents=documents)

    def renewed(self, unit: UnitT, **changes: object) -> UnitT:
        """Return a new unit with some other fields, and with the files and the document of `unit`; raises `ValueError`."""
        unknown = changes.keys() - type(unit).model_fields.keys()
        if unknown:
            msg = f"a unit of type {unit.type_id!r} has no field {', '.join(sorted(unknown))}"
            raise ValueError(msg)
        origin = unit.stored_row or self._origins.get((unit.type_id, unit.uid))
        if origin is None:
            msg = "only a unit that was read from a repository can be renewed"
            raise ValueError(msg)
        new = type(unit).model_validate(unit.model_dump() | changes)
        self._origins[new.type_id, new.uid] = origin
        return new

    # -- what the engine does ----------------------------------------------------------------------------------------

    def units_to_bring(self, importer: Importer, chosen: Mapping[int, str]) -> Coming:
        """Return what is to come into the repository when the units `chosen` (row id -> type) are copied.

        Raises `PluginError`.
        """
        as_they_are = {unit_type.type_id for unit_type in importer.copies_as_they_are(self.config)}
        coming = Coming({row: type_id for row, type_id in chosen.items() if type_id in as_they_are}, {})
        if len(coming.stored) < len(chosen):
            shown = self._read(importer, [(type_id, row) for row, type_id in chosen.items() if type_id not in as_they_are])
            for unit in importer.copy(self, shown):
                self.checkpoint()
                self._take(importer, unit, coming)
        return coming

    def save(self, coming: Coming) -> dict[int, str]:
        """Save the units that are new, in the caller's transaction; return the row ids of all, with their types."""
        renewed = []
        for key, unit in coming.new.items():
            record = UnitRecord(*key, unit.fields_json(), (), unit.repository_key_json, unit.name_value)
            renewed.append(Renewed(record, self._origins.get(key)))
        saved = save_renewed(self._house.database, renewed)
        return coming.stored | {saved[key]: key[0] for key in coming.new}

    def _read(self, importer: Importer, chosen: list[tuple[str, int]]) -> Iterator[Unit]:
        """Yield units by type and row id, a page at a time."""
        types = {unit_type.type_id: unit_type for unit_type in importer.unit_types}
        for type_id, group in groupby(sorted(chosen), key=itemgetter(0)):
            for page in chunks([row for _, row in group]):
                self.checkpoint()
                yield from held_units.read_units(self._house.database, types[type_id], list(page))

    def _take(self, importer: Importer, unit: Unit, coming: Coming) -> None:
        """Note a unit that the importer yielded; raises `PluginError`."""
        if not isinstance(unit, importer.unit_types):
            msg = f"The importer {importer.type_id} yielded a {type(unit).__name__}, which is none of its unit types."
            raise PluginError(msg)
        if unit.stored_row is not None:
            coming.stored[unit.stored_row] = unit.type_id
            return
        key = unit.type_id, unit.uid
        has_parts = bool(unit.remote_files or unit.held_files) or unit.document is not None
        if key not in self._origins and has_parts:
            msg = f"The importer {importer.type_id} yielded a new {unit.type_id} that it did not make by `ctx.renewed`."
            raise PluginError(msg)
        require_name(unit)
        coming.new[key] = unit

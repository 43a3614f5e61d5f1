"""The units of a repository, as plugins are given them: all that it holds, what came and what left between two revisions.

They are read a page at a time: no cursor stays open while a plugin works and its progress is written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, TypeVar

from entrepot.content.bulk import CHUNK_ROWS, chunks, placeholders
from entrepot.plugin import Unit

if TYPE_CHECKING:
    from entrepot.models import Database, Row

UnitT = TypeVar("UnitT", bound=Unit)


@dataclass(frozen=True, slots=True)
class Stay:
    """Which stays in a repository are meant: a condition on `association`, and its values.

    `is_change`: only those that began or ended lately, which have indices of their own.
    """

    condition: str
    values: tuple[int, ...]
    is_change: bool = False


def held_at(revision: int) -> Stay:
    """Mean what the repository held at `revision`."""
    condition = "association.added_revision <= ? AND (association.removed_revision IS NULL OR association.removed_revision > ?)"
    return Stay(condition, (revision, revision))


def came(after: int, until: int) -> Stay:
    """Mean what the repository holds at `until` and did not hold at `after`."""
    condition = (
        "association.added_revision > ? AND association.added_revision <= ? "
        "AND (association.removed_revision IS NULL OR association.removed_revision > ?) "
        "AND NOT EXISTS (SELECT 1 FROM association AS before WHERE before.repository = association.repository "
        "AND before.unit = association.unit AND before.added_revision <= ? AND before.removed_revision > ?)"
    )
    return Stay(condition, (after, until, until, after, after), is_change=True)


def left(after: int, until: int) -> Stay:
    """Mean what the repository held at `after` and does not hold at `until`."""
    condition = (
        "association.removed_revision > ? AND association.removed_revision <= ? AND association.added_revision <= ? "
        "AND NOT EXISTS (SELECT 1 FROM association AS later WHERE later.repository = association.repository "
        "AND later.unit = association.unit AND later.added_revision > ? AND later.added_revision <= ? "
        "AND (later.removed_revision IS NULL OR later.removed_revision > ?))"
    )
    return Stay(condition, (after, until, after, after, until, until), is_change=True)


def units(
    database: Database,
    repository: int,
    unit_type: type[UnitT],
    stay: Stay,
    *,
    names: Collection[str] | None = None,
    by_name: bool = False,
    documents: bool = False,
) -> Iterator[UnitT]:
    """Yield the units of a type whose stay in the repository (its row id) is meant.

    They come as they were first stored, or `by_name`: by the bytes of their names. `names`: only those whose name is among
    them. `documents`: with the bytes that the plugin keeps beside them. Raises `PluginError` for a unit that its type cannot
    read any more.
    """
    if names is not None or by_name:
        ids = iter(_sorted_ids(database, repository, unit_type, stay, names, by_name=by_name))
        pages: Iterable[list[int]] = iter(lambda: list(islice(ids, CHUNK_ROWS)), [])
    else:
        pages = _id_pages(database, repository, unit_type, stay)
    for page in pages:
        yield from read_units(database, unit_type, page, documents=documents)


def read_units(database: Database, unit_type: type[UnitT], ids: list[int], *, documents: bool = False) -> Iterator[UnitT]:
    """Yield the units with these row ids, at most `CHUNK_ROWS`, in this order; what is not there is passed over."""
    marks = placeholders(len(ids))
    files: dict[int, dict[str, int | None]] = {}
    query = f"SELECT unit, path, blob FROM unit_file WHERE unit IN {marks} ORDER BY unit, path"
    for unit_id, path, blob in database.rows(query, ids):
        files.setdefault(unit_id, {})[path] = blob
    kept: dict[int, bytes] = {}
    if documents:
        kept = {
            row[0]: bytes(row[1]) for row in database.rows(f"SELECT unit, data FROM unit_document WHERE unit IN {marks}", ids)
        }
    data: dict[int, str] = dict(database.rows(f"SELECT id, data FROM unit WHERE id IN {marks}", ids))
    for unit_id in ids:
        if unit_id in data:
            unit = unit_type.from_json(data[unit_id])
            unit.keep_stored(unit_id, files.get(unit_id, {}), kept.get(unit_id))
            yield unit


def _id_pages(database: Database, repository: int, unit_type: type[Unit], stay: Stay) -> Iterator[list[int]]:
    unit = "+association.unit" if stay.is_change else "association.unit"  # `+`: not by this order through all that is held
    query = (
        "SELECT association.unit FROM association JOIN unit ON unit.id = association.unit AND unit.unit_type = ? "
        f"WHERE association.repository = ? AND {stay.condition} AND {unit} > ? ORDER BY {unit} LIMIT ?"
    )
    last = 0
    while ids := [row[0] for row in database.rows(query, (unit_type.type_id, repository, *stay.values, last, CHUNK_ROWS))]:
        yield ids
        last = ids[-1]


def _sorted_ids(
    database: Database,
    repository: int,
    unit_type: type[Unit],
    stay: Stay,
    names: Collection[str] | None,
    *,
    by_name: bool,
) -> list[int]:
    """Return the row ids all at once; they are small, and no two databases sort texts alike."""
    repository_column = "association.repository" if names is None else "+association.repository"  # `+`: by the names
    query = (
        "SELECT association.unit, unit.name FROM unit JOIN association ON association.unit = unit.id "
        f"AND {repository_column} = ? WHERE unit.unit_type = ? AND {stay.condition}"
    )
    values = (repository, unit_type.type_id, *stay.values)
    if names is None:
        rows = database.rows(query, values)
    else:
        rows = []
        for chunk in chunks(sorted(set(names))):
            rows += database.rows(f"{query} AND unit.name IN {placeholders(len(chunk))}", (*values, *chunk))
    rows.sort(key=_by_name if by_name else itemgetter(0))
    return [row[0] for row in rows]


def _by_name(row: Row) -> tuple[bytes, int]:
    return (row[1] or "").encode(), row[0]

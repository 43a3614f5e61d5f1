"""Which units a repository holds, and since which of its revisions.

A change of contents is one change set, written in one transaction; the counts come from it. Rows of units that left
stay until they are pruned, so that the difference between two revisions is a query.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.content.bulk import CHUNK_ROWS, chunks, placeholders

if TYPE_CHECKING:
    from entrepot.models import Database, Row

_UNIT_IDS = """
SELECT association.unit FROM association JOIN unit ON unit.id = association.unit AND unit.unit_type = ?
WHERE association.repository = ? AND {condition} AND association.unit > ? ORDER BY association.unit LIMIT ?
"""
_UNIT_FILES = """
SELECT unit.data, unit_file.path, unit_file.blob FROM unit LEFT JOIN unit_file ON unit_file.unit = unit.id
WHERE unit.id IN {ids} ORDER BY unit.id, unit_file.path
"""


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """What one run changes in a repository: row ids of units. `updated` counts pairs of one that left for one that came."""

    added: Mapping[int, str]  # unit row id -> its type
    removed: Mapping[int, str]
    updated: int

    @property
    def is_empty(self) -> bool:
        """True if nothing changes."""
        return not self.added and not self.removed

    @property
    def counts(self) -> tuple[int, int, int]:
        """Added, updated, removed: an updated unit counts once, and only as updated."""
        return len(self.added) - self.updated, self.updated, len(self.removed) - self.updated


def change_set(database: Database, repository: int, found: Mapping[int, str], *, remove_missing: bool) -> ChangeSet:
    """Compare what a feed offers (`found`: unit row id -> type) with what the repository holds.

    A found unit replaces the one that has the same repository key, also without `remove_missing`.
    """
    held = {
        row[0]
        for row in database.rows(
            "SELECT unit FROM association WHERE repository = ? AND removed_revision IS NULL", (repository,)
        )
    }
    added = {unit: unit_type for unit, unit_type in found.items() if unit not in held}
    missing = held - found.keys()
    replaced = _sharing_repository_key(database, added, missing)
    leaving = missing if remove_missing else replaced
    return ChangeSet(added, _types(database, leaving), updated=len(replaced))


def apply(database: Database, repository: int, changes: ChangeSet) -> int:
    """Write `changes` in the caller's transaction and return the repository's revision after them."""
    row = database.row(f"SELECT revision, content_unit_counts FROM repository WHERE id = ?{database.for_update}", (repository,))
    assert row is not None  # noqa: S101 - the caller has reserved the repository
    if changes.is_empty:
        return int(row[0])
    revision, counts, now = row[0] + 1, json.loads(row[1]), clock.now_us()
    database.executemany(
        "INSERT INTO association (repository, unit, added_revision, created_at) VALUES (?, ?, ?, ?)",
        ((repository, unit, revision, now) for unit in sorted(changes.added)),
    )
    database.executemany(
        "UPDATE association SET removed_revision = ? WHERE repository = ? AND unit = ? AND removed_revision IS NULL",
        ((revision, repository, unit) for unit in sorted(changes.removed)),
    )
    for types, sign in ((changes.added.values(), 1), (changes.removed.values(), -1)):
        for unit_type in types:
            counts[unit_type] = counts.get(unit_type, 0) + sign
    database.execute(
        "UPDATE repository SET revision = ?, content_unit_counts = ?, last_unit_added = COALESCE(?, last_unit_added), "
        "last_unit_removed = COALESCE(?, last_unit_removed) WHERE id = ?",
        (
            revision,
            json.dumps({unit_type: count for unit_type, count in sorted(counts.items()) if count}),
            now if changes.added else None,
            now if changes.removed else None,
            repository,
        ),
    )
    return int(revision)


def units_at(database: Database, repository: int, unit_type: str, revision: int) -> Iterator[Row]:
    """Yield (data, path, blob row id) of each file of each unit of a type that the repository held at `revision`."""
    condition = "association.added_revision <= ? AND (association.removed_revision IS NULL OR association.removed_revision > ?)"
    return _pages(database, condition, (unit_type, repository, revision, revision))


def units_added(database: Database, repository: int, unit_type: str, after: int, until: int) -> Iterator[Row]:
    """Yield as `units_at` what the repository holds at `until` and did not hold at `after`."""
    condition = (
        "association.added_revision > ? AND association.added_revision <= ? "
        "AND (association.removed_revision IS NULL OR association.removed_revision > ?) "
        "AND NOT EXISTS (SELECT 1 FROM association AS before WHERE before.repository = association.repository "
        "AND before.unit = association.unit AND before.added_revision <= ? AND before.removed_revision > ?)"
    )
    return _pages(database, condition, (unit_type, repository, after, until, until, after, after))


def units_removed(database: Database, repository: int, unit_type: str, after: int, until: int) -> Iterator[Row]:
    """Yield as `units_at` what the repository held at `after` and does not hold at `until`."""
    condition = (
        "association.removed_revision > ? AND association.removed_revision <= ? AND association.added_revision <= ? "
        "AND NOT EXISTS (SELECT 1 FROM association AS later WHERE later.repository = association.repository "
        "AND later.unit = association.unit AND later.added_revision > ? AND later.added_revision <= ? "
        "AND (later.removed_revision IS NULL OR later.removed_revision > ?))"
    )
    values = (unit_type, repository, after, until, after, after, until, until)
    return _pages(database, condition, values)


def difference(database: Database, repository: int, *, at: int | None, not_at: int | None) -> list[Row]:
    """Return (type, uid, repository key) of the units held at revision `at` and not at `not_at`; at None none are held."""
    if at is None:
        return []
    held = "{0}.added_revision <= ? AND ({0}.removed_revision IS NULL OR {0}.removed_revision > ?)"
    condition, values = f"stay.repository = ? AND {held.format('stay')}", [repository, at, at]
    if not_at is not None:
        # Both say what `NOT EXISTS` says of a single stay, so that only what changed is read.
        condition += " AND stay.added_revision > ?" if not_at < at else " AND stay.removed_revision <= ?"
        condition += (
            " AND NOT EXISTS (SELECT 1 FROM association AS other WHERE other.repository = stay.repository "
            f"AND other.unit = stay.unit AND {held.format('other')})"
        )
        values += [not_at, not_at, not_at]
    return database.rows(
        "SELECT unit.unit_type, unit.uid, unit.repository_key FROM association AS stay JOIN unit ON unit.id = stay.unit "
        f"WHERE {condition} ORDER BY unit.id",
        values,
    )


def prune(database: Database) -> int:
    """Remove the rows of units that left before the oldest publication of their repository was made; return how many.

    Only a difference between two publications needs them. One round of a loop.
    """
    with database.transaction(durable=False):
        return int(
            database.execute(
                "DELETE FROM association WHERE removed_revision IS NOT NULL AND removed_revision <= COALESCE("
                "(SELECT MIN(publication.repository_revision) FROM publication JOIN distributor "
                "ON distributor.id = publication.distributor WHERE distributor.repository = association.repository), "
                "9223372036854775807)"
            ).rowcount
        )


def _pages(database: Database, condition: str, values: tuple[object, ...]) -> Iterator[Row]:
    """Yield the rows a page at a time: no cursor stays open while the caller writes its progress."""
    query, last = _UNIT_IDS.format(condition=condition), 0
    while ids := [row[0] for row in database.rows(query, (*values, last, CHUNK_ROWS))]:
        yield from database.rows(_UNIT_FILES.format(ids=placeholders(len(ids))), ids)
        last = ids[-1]


def _sharing_repository_key(database: Database, added: Mapping[int, str], missing: set[int]) -> set[int]:
    """Return those of `missing` whose repository key one of `added` has too."""
    if not added or not missing:
        return set()
    sharing: set[int] = set()
    for chunk in chunks(list(added)):
        rows = database.rows(
            "SELECT older.id FROM unit AS newer JOIN unit AS older ON older.repository_key = newer.repository_key "
            f"AND older.unit_type = newer.unit_type AND older.id <> newer.id WHERE newer.id IN {placeholders(len(chunk))} "
            "AND newer.repository_key IS NOT NULL",
            chunk,
        )
        sharing.update(row[0] for row in rows)
    return sharing & missing


def _types(database: Database, units: Iterable[int]) -> dict[int, str]:
    types: dict[int, str] = {}
    for chunk in chunks(list(units)):
        types.update(database.rows(f"SELECT id, unit_type FROM unit WHERE id IN {placeholders(len(chunk))}", chunk))
    return types

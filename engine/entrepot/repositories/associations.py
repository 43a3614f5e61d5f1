"""Which units a repository holds, and since which of its revisions.

A change of contents is one change set, written in one transaction; the counts come from it. Rows of units that left
stay until they are pruned, so that the difference between two revisions is a query.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.content.bulk import chunks, placeholders
from entrepot.criteria.dialects import dialect_named

if TYPE_CHECKING:
    from entrepot.models import Database, Row

#: Units that one statement adds or removes.
_PAGE = 5000


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
    for chunk in chunks(sorted(changes.added), _PAGE):
        came, value = _as_table(database, chunk)
        database.execute(
            "INSERT INTO association (repository, unit, added_revision, created_at) "
            f"SELECT CAST(? AS bigint), value, CAST(? AS bigint), CAST(? AS bigint) FROM {came}",
            (repository, revision, now, value),
        )
    for chunk in chunks(sorted(changes.removed), _PAGE):
        gone = dialect_named(database.dialect).one_of("unit", chunk)
        database.execute(
            f"UPDATE association SET removed_revision = ? WHERE repository = ? AND removed_revision IS NULL AND {gone.sql}",
            (revision, repository, *gone.values),
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


def merge_set(database: Database, repository: int, coming: Mapping[int, str]) -> ChangeSet:
    """Compare units that come beside what the repository holds (`coming`: unit row id -> type): nothing else leaves.

    One that comes replaces the one that has the same repository key; of two such that come, the later stays.
    """
    keys = _repository_keys(database, coming)
    last = {key: unit for unit, key in keys}
    losers = {unit for unit, key in keys if last[key] != unit}
    found = {unit: unit_type for unit, unit_type in coming.items() if unit not in losers}
    return change_set(database, repository, found, remove_missing=False)


def _repository_keys(database: Database, units: Mapping[int, str]) -> list[tuple[int, tuple[str, str]]]:
    """Return the types and repository keys of those of `units` that have one, in the order of `units`."""
    if not units:
        return []
    among = dialect_named(database.dialect).one_of("id", list(units))
    query = f"SELECT id, unit_type, repository_key FROM unit WHERE {among.sql} AND repository_key IS NOT NULL"
    keys = {row: (unit_type, key) for row, unit_type, key in database.rows(query, among.values)}
    return [(unit, keys[unit]) for unit in units if unit in keys]


def forget_stays(database: Database, units: Sequence[int]) -> None:
    """Forget that `units` (row ids), which no repository holds, ever were in one; in the transaction that deletes them.

    Where a publication shows one of them still, the next is made in full: nobody could tell it what left.
    """
    marks = placeholders(len(units))
    database.execute(
        "UPDATE publication SET fingerprint = '' WHERE id IN (SELECT shown.id FROM association "
        "JOIN distributor ON distributor.repository = association.repository "
        "JOIN publication AS shown ON shown.distributor = distributor.id "
        "AND shown.repository_revision >= association.added_revision "
        f"AND shown.repository_revision < association.removed_revision WHERE association.unit IN {marks})",
        units,
    )
    database.execute(f"DELETE FROM association WHERE unit IN {marks}", units)
    database.execute(f"UPDATE entry SET unit = NULL, file = NULL WHERE unit IN {marks} AND blob IS NOT NULL", units)


def _as_table(database: Database, units: Sequence[int]) -> tuple[str, object]:
    """Return row ids as a table with a column `value`, and the one value of it: hundreds of marks take long to be read."""
    if database.dialect == "sqlite":
        return "json_each(?)", json.dumps(units)
    return "unnest(CAST(? AS bigint[])) AS came (value)", list(units)

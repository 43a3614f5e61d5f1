"""The files of publications, read by publication: all of one, what tells two of them apart, what a copy must change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from entrepot.repositories.publication import ENTRY_JOINS

if TYPE_CHECKING:
    from entrepot.models import Database, Row

#: Rows read at once.
_PAGE = 1000

_ALIVE = "{0}.added_revision <= ? AND ({0}.removed_revision IS NULL OR {0}.removed_revision > ?)"
_FILE = (
    f"SELECT entry.path, blob.sha256, COALESCE(blob.size, unit_file.size) FROM entry {ENTRY_JOINS} WHERE entry.distributor = ?"
)


def is_kept(database: Database, distributor: int, revision: int) -> bool:
    """Say whether publication `revision` of the distributor with that row id is kept."""
    query = "SELECT 1 FROM publication WHERE distributor = ? AND revision = ?"
    return database.row(query, (distributor, revision)) is not None


def files_at(database: Database, distributor: int, revision: int) -> Iterator[Row]:
    """Yield (path, sha256, size) of every file of publication `revision`, sorted by the bytes of the path.

    The digest is None of a file that has not been downloaded; so may the size be.
    """
    query = f"{_FILE} AND entry.path > ? AND {_ALIVE.format('entry')} ORDER BY entry.path LIMIT {_PAGE}"
    after = ""
    while rows := database.rows(query, (distributor, after, revision, revision)):
        yield from rows
        if len(rows) < _PAGE:
            return
        after = rows[-1][0]


def difference(database: Database, distributor: int, before: int, after: int) -> tuple[list[Row], list[Row]]:
    """Return (path, sha256, size) of the files that only publication `after` has, and of those that only `before` has.

    A file whose bytes are others is in both. Sorted by path; only what changed is read.
    """
    return _only_in(database, distributor, after, before), _only_in(database, distributor, before, after)


def _only_in(database: Database, distributor: int, revision: int, other: int) -> list[Row]:
    apart = "entry.added_revision > ?" if other < revision else "entry.removed_revision <= ?"
    query = f"{_FILE} AND {_ALIVE.format('entry')} AND {apart} ORDER BY entry.path"
    return database.rows(query, (distributor, revision, revision, other))


def find_deferred(database: Database, distributor: int, revision: int) -> str | None:
    """Return a path of publication `revision` whose bytes have not been downloaded, or None if all are here."""
    query = (
        "SELECT entry.path FROM entry JOIN unit_file ON unit_file.unit = entry.unit AND unit_file.path = entry.file "
        f"WHERE entry.distributor = ? AND entry.blob IS NULL AND unit_file.blob IS NULL AND {_ALIVE.format('entry')} LIMIT 1"
    )
    row = database.row(query, (distributor, revision, revision))
    return None if row is None else str(row[0])


def made_files(database: Database, distributor: int, revision: int) -> list[str]:
    """Return the SHA-256 of each file of publication `revision` that no unit has: what distributors wrote themselves."""
    query = (
        "SELECT DISTINCT blob.sha256 FROM entry JOIN blob ON blob.id = entry.blob WHERE entry.distributor = ? "
        f"AND {_ALIVE.format('entry')} AND NOT EXISTS (SELECT 1 FROM unit_file WHERE unit_file.blob = blob.id)"
    )
    return [sha256 for (sha256,) in database.rows(query, (distributor, revision, revision))]


def copy_changes(database: Database, source: int, revision: int, copier: int) -> tuple[dict[str, int], set[str]]:
    """Return what makes the latest publication of `copier` one like publication `revision` of `source` (row ids).

    The paths to publish with the row ids of their blobs, and the paths to take away. Nothing of the source may be deferred.
    """
    current = "{0}.distributor = ? AND {0}.removed_revision IS NULL"
    come = database.rows(
        f"SELECT entry.path, blob.id FROM entry {ENTRY_JOINS} "
        f"LEFT JOIN entry AS mine ON mine.path = entry.path AND {current.format('mine')} "
        f"WHERE entry.distributor = ? AND {_ALIVE.format('entry')} AND (mine.blob IS NULL OR mine.blob <> blob.id)",
        (copier, source, revision, revision),
    )
    gone = database.rows(
        f"SELECT path FROM entry WHERE {current.format('entry')} AND NOT EXISTS (SELECT 1 FROM entry AS theirs "
        f"WHERE theirs.distributor = ? AND theirs.path = entry.path AND {_ALIVE.format('theirs')})",
        (copier, source, revision, revision),
    )
    return dict(come), {path for (path,) in gone}

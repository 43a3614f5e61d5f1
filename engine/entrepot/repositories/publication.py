"""Publications: rows that say which path holds which bytes, and one number that says which of them is served.

A publish inserts and closes the entries that changed and moves `live_revision`, in one transaction: readers see the old
publication or the new one, whole. Earlier ones stay until they are pruned, so a roll-back is one update. Step 10 of the
walk of a sync. Serving is in `published`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from entrepot import clock, failpoints
from entrepot.content.bulk import chunks, placeholders
from entrepot.errors import JSON, MissingResource, PublishFailed
from entrepot.models import Publication
from entrepot.repositories.reports import PublicationReport

if TYPE_CHECKING:
    from entrepot.models import Database, Row

#: What a path holds: the row id of a blob, or, while the bytes are deferred, that of a unit and which file of it.
Content: TypeAlias = int | tuple[int, str]

#: A published file with its bytes, to be read with these joins: a deferred file that has arrived since has its blob.
ENTRY_COLUMNS = "blob.id, blob.sha256, COALESCE(blob.size, unit_file.size), entry.added_at, entry.unit, entry.file"
ENTRY_JOINS = (
    "LEFT JOIN unit_file ON unit_file.unit = entry.unit AND unit_file.path = entry.file "
    "LEFT JOIN blob ON blob.id = COALESCE(entry.blob, unit_file.blob)"
)

_SECOND_US = 1_000_000
_ALIVE_AT = "added_revision <= ? AND (removed_revision IS NULL OR removed_revision > ?)"


@dataclass(frozen=True, slots=True)
class NewPublication:
    """What a publish has built: paths with what they hold, and paths to take away.

    A *full* one holds every path; else it is a difference to the latest publication.
    """

    distributor: int
    repository_revision: int
    fingerprint: str
    entries: Mapping[str, Content]
    removed: frozenset[str]
    is_full: bool


def latest(database: Database, distributor: int) -> Publication | None:
    """Return the newest publication, served or not, or None."""
    query = Publication.select().where(Publication.distributor == distributor).order_by(Publication.revision.desc())
    return query.limit(1).bind(database.peewee).first()  # type: ignore[no-any-return]  # peewee is untyped


def is_as_it_was(database: Database, publication: Publication) -> bool:
    """Say whether the next publication may still be made as a difference to this one: see `associations.forget_stays`."""
    row = database.row("SELECT fingerprint FROM publication WHERE id = ?", (publication.id,))
    return row is not None and row[0] == publication.fingerprint


def write(database: Database, new: NewPublication) -> PublicationReport:
    """Write `new` as the next revision in the caller's transaction and make it the one that is served."""
    before = latest(database, new.distributor)
    revision = before.revision + 1 if before else 1
    current = _current_entries(database, new)
    added = {path: content for path, content in new.entries.items() if current.get(path) != content}
    closed = {path for path in added if path in current}
    closed |= (current.keys() - new.entries.keys()) if new.is_full else (new.removed & current.keys()) - new.entries.keys()
    database.executemany(
        "UPDATE entry SET removed_revision = ? WHERE distributor = ? AND path = ? AND removed_revision IS NULL",
        ((revision, new.distributor, path) for path in sorted(closed)),
    )
    _refuse_collisions(database, new, added)
    now = _moment_after(before)
    database.executemany(
        "INSERT INTO entry (distributor, path, added_revision, added_at, blob, unit, file) VALUES (?, ?, ?, ?, ?, ?, ?)",
        ((new.distributor, path, revision, now, *_columns(added[path])) for path in sorted(added)),
    )
    failpoints.reach("publish.entries_written")
    changed, removed = len(added.keys() & current.keys()), len(closed - added.keys())
    written = Publication(
        distributor=new.distributor,
        revision=revision,
        repository_revision=new.repository_revision,
        fingerprint=new.fingerprint,
        created_at=clock.from_us(now),
        entry_count=(before.entry_count if before else 0) + len(added) - changed - removed,
        added_count=len(added) - changed,
        updated_count=changed,
        removed_count=removed,
    )
    Publication.insert(**written.__data__).execute(database.peewee)
    make_live(database, new.distributor, revision)
    return _report(written, revision)


def _moment_after(before: Publication | None) -> int:
    """Return the present moment, or the second after that of the publication before: HTTP's dates know whole seconds only.

    A client that has seen one of two that were made within a second would be told for good that it had the other.
    """
    now = clock.now_us()
    if before is None:
        return now
    return max(now, (clock.to_us(before.created_at) // _SECOND_US + 1) * _SECOND_US)


def lock_live(database: Database, distributor: int) -> int | None:
    """Return which publication is served; that stays so until the caller's transaction changes it or ends."""
    row = database.row(f"SELECT live_revision FROM distributor WHERE id = ?{database.for_update}", (distributor,))
    return None if row is None else row[0]


def make_live(database: Database, distributor: int, revision: int) -> None:
    """Serve publication `revision` from the caller's commit on; raises `MissingResource` if it does not exist."""
    row = database.row(f"SELECT live_revision FROM distributor WHERE id = ?{database.for_update}", (distributor,))
    exists = database.row("SELECT 1 FROM publication WHERE distributor = ? AND revision = ?", (distributor, revision))
    if row is None or exists is None:
        raise MissingResource(publication=str(revision))
    if row[0] == revision:
        return
    flip = "UPDATE publication SET live_until = ? WHERE distributor = ? AND revision = ?"
    database.execute(flip, (clock.now_us(), distributor, row[0]))
    database.execute(flip, (None, distributor, revision))
    database.execute("UPDATE distributor SET live_revision = ? WHERE id = ?", (revision, distributor))


def repository_revision(database: Database, distributor: int, revision: int) -> int:
    """Return which revision of its repository publication `revision` shows; raises `MissingResource` if it is not kept."""
    return repository_revision_and_moment(database, distributor, revision)[0]


def repository_revision_and_moment(database: Database, distributor: int, revision: int) -> tuple[int, int]:
    """Return that, and when the publication was made, in microseconds since 1970; raises as `repository_revision` does."""
    query = "SELECT repository_revision, created_at FROM publication WHERE distributor = ? AND revision = ?"
    row = database.row(query, (distributor, revision))
    if row is None:
        raise MissingResource(publication=str(revision))
    return int(row[0]), int(row[1])


def list_publications(database: Database, distributor: int, live_revision: int | None) -> list[PublicationReport]:
    """Return all kept publications, newest first."""
    query = Publication.select().where(Publication.distributor == distributor).order_by(Publication.revision.desc())
    return [_report(row, live_revision) for row in query.bind(database.peewee)]


def find_entry(database: Database, distributor: int, revision: int, path: str) -> Row | None:
    """Return (blob row id, sha256, size, added at, unit row id, file) of `path` in publication `revision`, or None.

    The blob is None while the bytes are deferred; then unit and file say whose they are, and the size is what was promised.
    """
    return database.row(
        f"SELECT {ENTRY_COLUMNS} FROM entry {ENTRY_JOINS} WHERE entry.distributor = ? AND entry.path = ? AND {_ALIVE_AT}",
        (distributor, path, revision, revision),
    )


def prune(database: Database, *, keep: int, grace: timedelta) -> int:
    """Forget all but the newest `keep` publications of each distributor; return how many were forgotten.

    The live one, all newer than it, and those that were live within `grace` stay. One round of a loop.
    """
    return sum(_prune(database, row[0], keep=keep, grace=grace) for row in database.rows("SELECT id FROM distributor"))


def _prune(database: Database, distributor: int, *, keep: int, grace: timedelta) -> int:
    with database.transaction(durable=False):
        live = database.row(f"SELECT live_revision FROM distributor WHERE id = ?{database.for_update}", (distributor,))
        rows = database.rows(
            "SELECT revision, live_until FROM publication WHERE distributor = ? ORDER BY revision DESC", (distributor,)
        )
        if live is None or live[0] is None or not rows:
            return 0
        needed_since = clock.now_us() - clock.us(grace)
        protected = [revision for revision, live_until in rows if live_until is not None and live_until >= needed_since]
        oldest = min([*protected, live[0], rows[min(keep, len(rows)) - 1][0]])
        # First the publications, then the entries, as `associations.forget_stays`: so neither waits for the other in a circle.
        forgotten = database.execute("DELETE FROM publication WHERE distributor = ? AND revision < ?", (distributor, oldest))
        database.execute(
            "DELETE FROM entry WHERE distributor = ? AND removed_revision IS NOT NULL AND removed_revision <= ?",
            (distributor, oldest),
        )
        return int(forgotten.rowcount)


def _report(row: Publication, live_revision: int | None) -> PublicationReport:
    return PublicationReport(
        revision=row.revision,
        created=row.created_at,
        repository_revision=row.repository_revision,
        entry_count=row.entry_count,
        added_count=row.added_count,
        updated_count=row.updated_count,
        removed_count=row.removed_count,
        is_live=row.revision == live_revision,
    )


def _current_entries(database: Database, new: NewPublication) -> dict[str, Content]:
    """Return the latest publication's entries: all of them for a full one, else those the difference touches."""
    query = "SELECT path, blob, unit, file FROM entry WHERE distributor = ? AND removed_revision IS NULL"
    if new.is_full:
        rows = database.rows(query, (new.distributor,))
    else:
        rows = []
        for chunk in chunks(list(new.entries.keys() | new.removed)):
            rows += database.rows(f"{query} AND path IN {placeholders(len(chunk))}", (new.distributor, *chunk))
    return {path: blob if blob is not None else (unit, file) for path, blob, unit, file in rows}


def _columns(content: Content) -> tuple[int | None, int | None, str | None]:
    """Return the columns blob, unit and file of an entry."""
    return (content, None, None) if isinstance(content, int) else (None, *content)


def _refuse_collisions(database: Database, new: NewPublication, added: Iterable[str]) -> None:
    """Raise `PublishFailed` if a path is both a file and a folder; what left has been closed before."""
    folders = {path[:index] for path in added for index, letter in enumerate(path) if letter == "/"}
    both = folders & new.entries.keys()
    if not new.is_full:
        query = "SELECT path FROM entry WHERE distributor = ? AND removed_revision IS NULL AND "
        for chunk in chunks(list(folders)):
            rows = database.rows(f"{query} path IN {placeholders(len(chunk))}", (new.distributor, *chunk))
            both.update(path for (path,) in rows)
        for path in added:
            if database.row(f"{query} path > ? AND path < ? LIMIT 1", (new.distributor, f"{path}/", f"{path}0")):
                both.add(path)
    if both:
        msg = f"{min(both)!r} would be both a file and a folder in the publication. Nothing was published."
        raise PublishFailed(msg, paths=list[JSON](sorted(both)))

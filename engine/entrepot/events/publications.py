"""Publication events: what became of documents, written by the transaction that changed what is served.

Source: the contract of Livingdocs' publication events, 2.2 and 2.3, which this is the truth behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from entrepot import clock
from entrepot.events import numbers
from entrepot.events.documents import numbers_of
from entrepot.events.reports import ANY_DISTRIBUTOR, EventQuery, EventType, PublicationEventReport, UnitTypes

if TYPE_CHECKING:
    from entrepot.events.flips import Flip
    from entrepot.models import Database, Row

#: What a document is: a repository as a whole, or each of its units.
Granularity = Literal["repository", "unit"]

_COLUMNS = (
    "id, created_at, event_type, document, repository_id, distributor_id, unit_type, content_type, publication_id, task_id"
)
_BY_MOMENT = "SELECT id FROM publication_event WHERE created_at"
#: Sources in one statement.
_SOURCES = 100
#: Values in one statement; SQLite takes 32,766 and PostgreSQL 65,535. Source: SQLite's limits, 9; PostgreSQL's limits, K.
_VALUES = 30_000
#: From one distributor of a repository to the next, without reading their events.
_DISTRIBUTORS = """
WITH RECURSIVE known (repository_id, distributor_id) AS (
    SELECT wanted.column1, (SELECT MIN(distributor_id) FROM publication_event WHERE repository_id = wanted.column1)
    FROM (VALUES {marks}) AS wanted
    UNION ALL
    SELECT known.repository_id, (SELECT MIN(distributor_id) FROM publication_event
        WHERE repository_id = known.repository_id AND distributor_id > known.distributor_id)
    FROM known WHERE known.distributor_id IS NOT NULL
)
SELECT repository_id, distributor_id FROM known WHERE distributor_id IS NOT NULL
"""
_INSERT = f"INSERT INTO publication_event ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

#: What became of a document: its name, the type of unit it is of or holds, and what happened to it.
_Change = tuple[str, str | None, EventType]


def event_type_of(flip: Flip) -> EventType | None:
    """Return what a flip is for the repository as a whole; None if what is served stays the same."""
    if flip.revision == flip.previous:
        return None
    if flip.revision is None:
        return "unpublish"
    if flip.previous is None:
        return "publish"
    return "update" if flip.is_automatic or flip.is_rollback else "publish"


def record(database: Database, flip: Flip, granularity: Granularity) -> int:
    """Write the events of a flip in the caller's transaction, which does it; return how many there are."""
    whole = event_type_of(flip)
    if whole is None:
        return 0
    if granularity == "repository":
        changes: list[_Change] = [(flip.repository_id, next(iter(flip.unit_types), None), whole)]
    else:
        changes = _unit_changes(flip, whole)
    if not changes:
        return 0
    documents = numbers_of(database, granularity, [name for name, _, _ in changes])
    publication, _ = numbers.take(database, "publication", len(changes))
    event, at = numbers.take(database, "publication_event", len(changes))
    created = clock.to_us(at)
    database.executemany(
        _INSERT,
        (
            (
                event + index,
                created,
                event_type,
                documents[name],
                flip.repository_id,
                flip.distributor_id,
                unit_type,
                flip.content_type,
                publication + index,
                flip.task_id,
            )
            for index, (name, unit_type, event_type) in enumerate(changes)
        ),
    )
    return len(changes)


def list_events(database: Database, query: EventQuery) -> list[PublicationEventReport]:
    """Return the events that are asked for, as many as were visible when the call began."""
    bounded = _bounded(database, query)
    if bounded is None:
        return []
    sources, reports = _pairs(database, query.sources), list[PublicationEventReport]()
    step = max(1, min(_SOURCES, _VALUES // (3 + len(_conditions(bounded)[1]))))
    for start in range(0, len(sources), step):
        reports += _of_sources(database, bounded, sources[start : start + step])
    reports.sort(key=lambda report: report.event_id, reverse=query.newest_first)
    return reports[: query.limit]


def last_id(database: Database) -> int:
    """Return the highest id that was given, 0 before the first; every event up to it is visible."""
    row = database.row("SELECT last FROM counter WHERE name = 'publication_event'")
    return 0 if row is None else int(row[0])


def removed_up_to(database: Database) -> int:
    """Return the highest id of those events that are no longer kept, 0 if all are."""
    # The counter first: an event that comes between the two is kept.
    last, row = last_id(database), database.row("SELECT id FROM publication_event ORDER BY id LIMIT 1")
    return last if row is None else int(row[0]) - 1


def prune(database: Database, *, older_than: timedelta) -> int:
    """Remove the events that are older than `older_than`; return how many there were. One round of a loop."""
    with database.transaction(durable=False):
        before = clock.now_us() - clock.us(older_than)
        return int(database.execute("DELETE FROM publication_event WHERE created_at < ?", (before,)).rowcount)


def _unit_changes(flip: Flip, whole: EventType) -> list[_Change]:
    """Return what became of each unit: one that is replaced is `whole`, as the repository would be."""
    kinds: dict[str, EventType] = {"came": "publish", "left": "unpublish", "changed": whole}
    return [(unit.name, unit.unit_type, kinds[unit.change]) for unit in flip.unit_changes()]


def _bounded(database: Database, query: EventQuery) -> EventQuery | None:
    """Return the same question with bounds of ids in place of moments, which rise together; None if nothing can be told."""
    # What becomes visible while several statements look would be told without what was before it, and missed for good.
    last = last_id(database)
    first, last = query.first_id or 0, last if query.last_id is None else min(query.last_id, last)
    if query.since is not None:
        row = database.row(f"{_BY_MOMENT} >= ? ORDER BY created_at, id LIMIT 1", (clock.to_us(query.since),))
        if row is None:
            return None
        first = max(first, row[0])
    if query.before is not None:
        row = database.row(f"{_BY_MOMENT} < ? ORDER BY created_at DESC, id DESC LIMIT 1", (clock.to_us(query.before),))
        if row is None:
            return None
        last = min(last, row[0])
    return replace(query, first_id=first, last_id=last, since=None, before=None)


def _pairs(database: Database, sources: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    """Return pairs of repository and distributor, with those that have events in place of any distributor."""
    named = {source for source in sources if source[1] != ANY_DISTRIBUTOR}
    whole = sorted({repository_id for repository_id, distributor_id in sources if distributor_id == ANY_DISTRIBUTOR})
    for start in range(0, len(whole), _SOURCES):
        chunk = whole[start : start + _SOURCES]
        named.update(database.rows(_DISTRIBUTORS.format(marks=", ".join(["(?)"] * len(chunk))), chunk))
    return sorted(named)


def _of_sources(database: Database, query: EventQuery, sources: Sequence[tuple[str, str]]) -> Iterator[PublicationEventReport]:
    """Return the first events of all these sources together: of each no more are read than may be told."""
    conditions, shared = _conditions(query)
    direction = "DESC" if query.newest_first else "ASC"
    wanted = " AND ".join(("repository_id = ?", "distributor_id = ?", *conditions))
    part = f"SELECT id FROM (SELECT id FROM publication_event WHERE {wanted} ORDER BY id {direction} LIMIT ?) AS part"
    values = [value for source in sources for value in (*source, *shared, query.limit)]
    rows = database.rows(
        f"SELECT {_COLUMNS} FROM publication_event WHERE id IN "
        f"(SELECT id FROM ({' UNION ALL '.join([part] * len(sources))}) AS parts ORDER BY id {direction} LIMIT ?)",
        (*values, query.limit),
    )
    return map(_report, rows)


def _conditions(query: EventQuery) -> tuple[list[str], list[object]]:
    conditions, values = ["id >= ?", "id <= ?"], list[object]([query.first_id, query.last_id])
    if query.content_types is not None:
        conditions.append(f"content_type IN ({_marks(query.content_types)})")
        values.extend(query.content_types)
    if query.unit_types is not None:
        condition, names = _of_unit_types(query.unit_types)
        conditions.append(condition)
        values.extend(names)
    return conditions, values


def _of_unit_types(chosen: UnitTypes) -> tuple[str, tuple[str, ...]]:
    if not chosen.are_excluded:
        return f"unit_type IN ({_marks(chosen.names)})", chosen.names
    if not chosen.names:
        return "TRUE", ()
    return f"(unit_type IS NULL OR unit_type NOT IN ({_marks(chosen.names)}))", chosen.names


def _marks(values: tuple[str, ...]) -> str:
    """Return marks for a list of `values`; an empty list holds nothing on either database."""
    return ",".join("?" * len(values)) if values else "NULL"


def _report(row: Row) -> PublicationEventReport:
    event_id, created, *others = row
    return PublicationEventReport(event_id, clock.from_us(created), *others)

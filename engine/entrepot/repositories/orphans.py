"""Orphans: units that no repository holds. Counted, shown, and deleted by tasks, with the bytes that nobody needs then.

A unit is none while a publication still waits for its bytes, nor while it may belong to a sync, a copy or an import that is
under way. Deleting is safe beside all of these: `removal` passes over what somebody is about to hold, and who found a unit a
moment too early does its work again. Source: the Pulp 2 REST contract, 5.3, with its fix: no race.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.content import removal
from entrepot.content.bulk import chunks
from entrepot.errors import JSON, InvalidValue, MissingResource
from entrepot.repositories import associations, content_units, copying, download, importing, publish, sync
from entrepot.repositories.content_reports import OrphanReport
from entrepot.repositories.progress import Progress, Step, final_state
from entrepot.repositories.unit_fields import UUID_DIGITS, unit_id
from entrepot.repositories.unit_selection import KeyFields
from entrepot.tasking import Call, TaskHandle, current_task
from entrepot.tasking.unfinished import oldest_start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from entrepot.models import Database
    from entrepot.repositories.house import House
    from entrepot.tasking import TaskContext

#: The task types that clients know.
DELETE_ALL_TASK_TYPE = "pulp.server.managers.content.orphan.delete_all_orphans"
DELETE_TYPE_TASK_TYPE = "pulp.server.managers.content.orphan.delete_orphans_by_type"
DELETE_LISTED_TASK_TYPE = "pulp.server.managers.content.orphan.delete_orphans_by_id"
PROGRESS_KEY = "delete_orphans"
TAG = "pulp:content_unit:orphans"

#: Units that one call may name.
MOST_LISTED = 10_000
#: Units that are deleted in one transaction.
_BATCH = 1000
#: Tasks that may have found, or kept, what nobody holds yet.
_UNDER_WAY = (sync.TASK_TYPE, copying.TASK_TYPE, importing.TASK_TYPE, publish.TASK_TYPE, download.TASK_TYPE)
_ORPHAN = (
    "NOT EXISTS (SELECT 1 FROM association WHERE association.unit = unit.id AND association.removed_revision IS NULL) "
    "AND NOT EXISTS (SELECT 1 FROM entry WHERE entry.unit = unit.id AND entry.blob IS NULL) AND unit.created_at < ?"
)
_UNPUBLISHED = "NOT EXISTS (SELECT 1 FROM entry WHERE entry.blob = blob.id)"


def counts(house: House) -> dict[str, int]:
    """Return how many orphans there are of each unit type, by type id; of those that plugins know, none as well."""
    found = dict.fromkeys((unit_type.type_id for unit_type in house.plugins.unit_types()), 0)
    query = f"SELECT unit.unit_type, COUNT(*) FROM unit WHERE {_ORPHAN} GROUP BY unit.unit_type"
    found.update(house.database.rows(query, (_before(house.database),)))
    return dict(sorted(found.items()))


def list_orphans(house: House, unit_type_id: str, *, limit: int | None = None, after: str | None = None) -> list[OrphanReport]:
    """Return the orphans of a type, in the order of their unit ids, behind the unit id `after`.

    Raises `MissingResource`, `InvalidValue`.
    """
    _require_type(house, unit_type_id)
    if limit is not None and (isinstance(limit, bool) or limit < 1):
        raise InvalidValue("limit", why="it must be a whole number of 1 or more")
    # The type is compared by no index, so that units are read in their order, and no more of them than are wanted.
    asked = f"unit.unit_type || '' = ? AND unit.uid > ? AND {_ORPHAN}"
    query = f"SELECT unit.uid, unit.data FROM unit WHERE {asked} ORDER BY unit.uid"
    values = [unit_type_id, _behind(after), _before(house.database)]
    if limit is not None:
        query, values = f"{query} LIMIT ?", [*values, limit]
    keys = KeyFields(house)
    return [
        OrphanReport(unit_id(uid), unit_type_id, keys.of(unit_type_id, json.loads(data)))
        for uid, data in house.database.rows(query, values)
    ]


def get_orphan(house: House, unit_type_id: str, unit_id: str) -> OrphanReport:
    """Return one orphan; raises `MissingResource`."""
    row = content_units.find_unit(house.database, unit_type_id, unit_id)
    query = f"SELECT unit.data FROM unit WHERE unit.id = ? AND {_ORPHAN}"
    found = None if row is None else house.database.row(query, (row, _before(house.database)))
    if found is None:
        raise MissingResource(content_type=unit_type_id, content_unit=unit_id)
    return OrphanReport(unit_id, unit_type_id, KeyFields(house).of(unit_type_id, json.loads(found[0])))


def request_delete_orphans(house: House, unit_type_id: str | None = None, unit_id: str | None = None) -> TaskHandle:
    """Enqueue the deletion of all orphans, of those of a type, or of one; raises `MissingResource`."""
    if unit_type_id is None:
        return house.tasks.enqueue(Call(DELETE_ALL_TASK_TYPE))
    if unit_id is None:
        _require_type(house, unit_type_id)
        return house.tasks.enqueue(Call(DELETE_TYPE_TASK_TYPE, (unit_type_id,)))
    get_orphan(house, unit_type_id, unit_id)
    return house.tasks.enqueue(Call(DELETE_LISTED_TASK_TYPE, ([[unit_type_id, unit_id]],)))


def request_delete_listed(house: House, units: Iterable[tuple[str, str]]) -> TaskHandle:
    """Enqueue the deletion of those of `units` (type id, unit id) that are orphans then; raises `InvalidValue`."""
    listed: list[JSON] = [[type_id, unit_id] for type_id, unit_id in units]
    if len(listed) > MOST_LISTED:
        raise InvalidValue("units", why=f"one call may name {MOST_LISTED:,} units")
    return house.tasks.enqueue(Call(DELETE_LISTED_TASK_TYPE, (listed, "delete_orphans")))


def tags(*_args: object) -> list[str]:
    """Return the tags of a deletion."""
    return [TAG]


def tags_of_listed(_units: object, action: str | None = None) -> list[str]:
    """Return the tags of a deletion of listed units."""
    return [TAG] if action is None else [f"pulp:action:{action}", TAG]


def reserves(*_args: object) -> list[str]:
    """Return what a deletion reserves: there is one at a time."""
    return ["content:orphans"]


def delete_all(house: House) -> dict[str, JSON]:
    """Delete all orphans, then the bytes that nothing needs; return how many units went, by type. Raises `StorageError`."""
    return _delete(house, lambda before: _pages(house.database, "TRUE", (), before), is_full=True)


def delete_of_type(house: House, unit_type_id: str) -> dict[str, JSON]:
    """Do the same with the orphans of one type."""
    return _delete(house, lambda before: _pages(house.database, "unit.unit_type = ?", (unit_type_id,), before))


def delete_listed(house: House, units: list[list[str]], action: str | None = None) -> dict[str, JSON]:  # noqa: ARG001 - for the tags
    """Do the same with those of `units` (type id, unit id) that are orphans."""
    found = [content_units.find_unit(house.database, type_id, unit_id) for type_id, unit_id in units]
    rows = sorted({row for row in found if row is not None})
    return _delete(house, lambda _before: chunks(rows, _BATCH))


def _delete(house: House, pages: Callable[[int], Iterable[Sequence[int]]], *, is_full: bool = False) -> dict[str, JSON]:
    task, database = current_task(), house.database
    units, files = Step("units", "Deleting units that no repository holds"), Step("files", "Deleting bytes that nothing needs")
    progress = Progress(PROGRESS_KEY, units, files)
    state = final_state(None)
    gone: Counter[str] = Counter()
    try:
        units.start()
        before = _before(database)
        for page in pages(before):
            gone += _delete_batch(task, page, before)
            units.num_success = gone.total()
            task.progress(progress.report)
        files.start()

        def report(removed: removal.Removed) -> None:
            files.num_success, files.bytes_done = removed
            task.progress(progress.report)

        removal.delete_blobs(database, house.store, before=_before(database), unpublished=_UNPUBLISHED, each=report)
        if is_full:
            files.num_success += removal.sweep_blobs(database, house.store, each=task.checkpoint)
    except BaseException as error:
        state = final_state(type(error))
        raise
    finally:
        task.finish_progress(progress.close(state))
    return dict(sorted(gone.items()))


def _delete_batch(task: TaskContext, page: Sequence[int], before: int) -> Counter[str]:
    """Delete those of `page` (row ids) that are orphans still, with all that names them."""
    with task.transaction() as database:
        units = removal.lock_units(database, page, _ORPHAN, (before,))
        if not units:
            return Counter()
        associations.forget_stays(database, units)
        return removal.delete_units(database, units, _ORPHAN, (before,))


def _pages(database: Database, condition: str, values: tuple[object, ...], before: int) -> Iterator[list[int]]:
    query = f"SELECT unit.id FROM unit WHERE unit.id > ? AND {condition} AND {_ORPHAN} ORDER BY unit.id LIMIT {_BATCH}"
    last = 0
    while page := [row for (row,) in database.rows(query, (last, *values, before))]:
        yield page
        last = page[-1]


def _before(database: Database) -> int:
    """Return the moment that a unit must be older than, lest it be brought in by somebody who has not finished.

    Nor by somebody who begins later, while orphans are deleted: so the clock is read first.
    """
    now = clock.now_us()
    began = oldest_start(database, _UNDER_WAY)
    return now if began is None else min(began, now)


def _behind(after: str | None) -> str:
    """Return what is less than the uid of each unit whose id stands behind `after`."""
    return "" if after is None else f"{after.replace('-', '')[:UUID_DIGITS]}g"


def _require_type(house: House, unit_type_id: str) -> None:
    known = {unit_type.type_id for unit_type in house.plugins.unit_types()}
    if unit_type_id in known:
        return
    if house.database.row("SELECT 1 FROM unit WHERE unit_type = ? LIMIT 1", (unit_type_id,)) is None:
        raise MissingResource(content_type_id=unit_type_id)

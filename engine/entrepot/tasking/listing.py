"""Find tasks by whatever is asked of them, the newest first, a bounded number of looks at a time.

Each thing that is asked has an index, which gives its tasks in their order: a tag, a type, a state but for `finished`, a group,
the beginning of ids. The one that leaves fewest to look at leads; the rest is asked of each task that it gives. However many
tasks there are, one look costs what `MOST_LOOKED_AT` cost, and where it has not come to the end it says how far it came.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot.errors import InvalidValue
from entrepot.tasking.reports import STATES, TaskReport, reports_of
from entrepot.tasking.short_ids import beginning

if TYPE_CHECKING:
    from datetime import timedelta

    from entrepot.models import Database

#: Tasks that one look goes through at most: tens of milliseconds.
MOST_LOOKED_AT = 10_000
#: The first tasks are looked at in small parts: as a rule what is asked is there.
_FIRST_PARTS = (250, 2_000)
#: Characters of an id: with fewer, very many tasks would have to be put in order.
_LEAST_BEGINNING = 8
#: Tasks in one statement.
_CHUNK = 500
#: Beyond every row id.
_NO_END = 2**63 - 1
_TAGGED = "SELECT task AS id FROM task_tag WHERE tag = ? AND task {than} ? ORDER BY task {order} LIMIT ?"
_SOME = "SELECT id FROM task WHERE {condition} AND id {than} ? ORDER BY id {order} LIMIT ?"
_ALL = "SELECT id FROM task WHERE id {than} ? ORDER BY id {order} LIMIT ?"
#: The range of ids leads, and what it finds is ordered then: `+ 0` keeps SQLite from going through all tasks in their order.
_NAMED = "SELECT id FROM task WHERE task_id >= ? AND task_id < ? AND id + 0 {than} ? ORDER BY id + 0 {order} LIMIT ?"
_IS_TAGGED = "EXISTS (SELECT 1 FROM task_tag WHERE task_tag.tag = ? AND task_tag.task = task.id)"
_LOOK = """
WITH candidate AS MATERIALIZED ({leading})
SELECT candidate.id, CASE WHEN {conditions} THEN 1 ELSE 0 END
FROM candidate CROSS JOIN task WHERE task.id = candidate.id ORDER BY candidate.id {order}
"""


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """What is asked of tasks: all of it at once; what is empty is not asked.

    In one of `states`, with all of `tags`, of one of `task_types`, of `queue`, in the group with the id `group`, and with an id
    that begins with `id_beginning` (8 characters at least: those of about a minute share so many).
    """

    states: Collection[str] = ()
    tags: Collection[str] = ()
    task_types: Collection[str] = ()
    queue: str | None = None
    group: str | None = None
    id_beginning: str = ""


@dataclass(frozen=True, slots=True)
class TaskPage:
    """Some tasks, the newest first. `older` is what to ask `before` for those that follow, None if there are none.

    `newer` is what to ask `after` for those that come before, None on the first page. `is_cut` says that there may be more
    than was found so far: so many were looked at that the search stopped, and goes on with `older` (or `newer`).
    """

    reports: Sequence[TaskReport]
    newer: int | None
    older: int | None
    is_cut: bool


@dataclass(frozen=True, slots=True)
class TaskBrief:
    """What is known of a task that is one of very many."""

    row_id: int
    task_id: str
    task_type: str
    state: str


@dataclass(frozen=True, slots=True)
class Found:
    """Row ids in the order of the look; `reached` is where it stopped although there may be more, None at the end."""

    ids: list[int]
    reached: int | None


@dataclass(frozen=True, slots=True)
class _Asked:
    """One thing that is asked: as a query that leads, if an index serves it, and as a condition of a row of `task`."""

    condition: str
    values: tuple[object, ...]
    leading: tuple[tuple[str, tuple[object, ...]], ...] = ()


def get_page(
    database: Database,
    wanted: TaskFilter,
    *,
    lease: timedelta,
    before: int | None = None,
    after: int | None = None,
    limit: int = 50,
    explain: bool = False,
) -> TaskPage:
    """Return the newest tasks, or those that follow the row id `before`, or come before the row id `after`.

    A page before which there are no more is the first one. Raises `InvalidValue` if `id_beginning` is too short.
    """
    if after is not None:
        found = look(database, wanted, start=after, limit=limit + 1, is_upward=True)
        ids = found.ids[:limit][::-1]
        if len(found.ids) > limit or found.reached is not None:
            is_cut = len(found.ids) <= limit
            newer = found.reached if is_cut else ids[0]
            reports = reports_of(database, ids, lease=lease, explain=explain)
            return TaskPage(reports, newer, ids[-1] if ids else after + 1, is_cut)
        before = None
    found = look(database, wanted, start=before, limit=limit + 1)
    ids = found.ids[:limit]
    is_cut = found.reached is not None and len(found.ids) <= limit
    older = found.reached if is_cut else ids[-1] if len(found.ids) > limit else None
    newer = None if before is None else ids[0] if ids else before - 1
    return TaskPage(reports_of(database, ids, lease=lease, explain=explain), newer, older, is_cut)


def list_briefs(database: Database, wanted: TaskFilter, *, before: int | None, limit: int) -> list[TaskBrief]:
    """Return the newest tasks that are wanted, all there are up to `limit`; one that is removed meanwhile is left out."""
    ids, briefs = list(looks(database, wanted, start=before, limit=limit)), list[TaskBrief]()
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        query = f"SELECT id, task_id, task_type, state FROM task WHERE id IN ({', '.join('?' * len(chunk))}) ORDER BY id DESC"
        briefs += [TaskBrief(*row) for row in database.rows(query, chunk)]
    return briefs


def look(
    database: Database,
    wanted: TaskFilter,
    *,
    start: int | None,
    limit: int,
    is_upward: bool = False,
    most: int = MOST_LOOKED_AT,
) -> Found:
    """Return up to `limit` row ids below `start` (above, the lowest first, if `is_upward`), after looking at `most` tasks.

    `start` None begins at the newest. Raises `InvalidValue` if `id_beginning` is too short.
    """
    asked = list(_asked(wanted))
    if any(one.condition == "FALSE" for one in asked):
        return Found([], None)
    leader = _leader(database, asked, start=start, most=most, is_upward=is_upward)
    rest = [one for one in asked if one is not leader]
    position, found, looked_at = _NO_END if start is None else start, list[int](), 0
    parts = (*_FIRST_PARTS, most) if rest else (limit,)
    for part in parts:
        size = min(part, most - looked_at)
        if size == 0:
            break
        rows = _part(database, leader, rest, position=position, size=size, is_upward=is_upward)
        found += [id_ for id_, fits in rows if fits]
        looked_at += len(rows)
        if len(rows) < size:
            return Found(found[:limit], found[limit - 1] if len(found) > limit else None)
        position = rows[-1][0]
        if len(found) >= limit:
            return Found(found[:limit], found[limit - 1])
    return Found(found, position)


def looks(database: Database, wanted: TaskFilter, *, start: int | None, limit: int) -> Iterator[int]:
    """Yield row ids as `look` finds them, until there are `limit` or no more, however many are to be looked at."""
    left = limit
    while left > 0:
        found = look(database, wanted, start=start, limit=left)
        yield from found.ids
        left -= len(found.ids)
        if found.reached is None:
            return
        start = found.reached


def _asked(wanted: TaskFilter) -> Iterator[_Asked]:
    if wanted.id_beginning:
        if len(wanted.id_beginning) < _LEAST_BEGINNING:
            raise InvalidValue("id", why=f"give at least {_LEAST_BEGINNING} characters of it")
        start = beginning("task_id", wanted.id_beginning)
        ends = (start, f"{start}g")
        yield _Asked("task.task_id >= ? AND task.task_id < ?", ends, ((_NAMED, ends),)) if start else _Asked("FALSE", ())
    for tag in sorted(set(wanted.tags)):
        yield _Asked(_IS_TAGGED, (tag,), ((_TAGGED, (tag,)),))
    if wanted.group is not None:
        group = "task_group = (SELECT task_group.id FROM task_group WHERE task_group.group_id = ?)"
        leading = _SOME.replace("{condition}", group)
        yield _Asked(f"task.{group}", (wanted.group,), ((leading, (wanted.group,)),))
    if wanted.states:
        yield _in_states(sorted(set(wanted.states)))
    if wanted.task_types:
        yield _one_of("task_type", sorted(set(wanted.task_types)))
    if wanted.queue is not None:
        yield _Asked("task.queue = ?", (wanted.queue,))


def _one_of(column: str, values: Sequence[object]) -> _Asked:
    leading = tuple((_SOME.replace("{condition}", f"{column} = ?"), (value,)) for value in values)
    return _Asked(f"task.{column} IN ({', '.join('?' * len(values))})", tuple(values), leading)


def _in_states(states: Sequence[str]) -> _Asked:
    """Ask for states; their index leaves out finished tasks, and serves a condition in the words of its definition."""
    condition = f"task.state IN ({', '.join('?' * len(states))})"
    if not set(states) <= set(STATES):
        return _Asked(condition, tuple(states)) if set(states) & set(STATES) else _Asked("FALSE", ())
    if "finished" in states:
        return _Asked(condition, tuple(states))
    texts = [f"state = '{state}' AND state <> 'finished'" for state in states]
    return _Asked(condition, tuple(states), tuple((_SOME.replace("{condition}", text), ()) for text in texts))


def _leader(database: Database, asked: Sequence[_Asked], *, start: int | None, most: int, is_upward: bool) -> _Asked | None:
    """Return the one whose `most` tasks reach furthest, or all of whose tasks are fewest; None if no index serves any."""
    leaders = [one for one in asked if one.leading]
    if len(leaders) < 2:  # noqa: PLR2004 - one is no choice
        return leaders[0] if leaders else None
    position = _NO_END if start is None else start
    ranks = []
    for place, one in enumerate(leaders):
        query, values = _leading(one, position=position, size=most, is_upward=is_upward)
        row = database.row(f"SELECT COUNT(*), {'MAX' if is_upward else 'MIN'}(id) FROM ({query}) AS reached", values)
        count, reached = row or (0, None)
        distance = 0 if reached is None else (-reached if is_upward else reached)
        ranks.append((count == most, distance if count == most else count, place))
    return leaders[min(ranks)[2]]


def _part(
    database: Database, leader: _Asked | None, rest: Sequence[_Asked], *, position: int, size: int, is_upward: bool
) -> list[tuple[int, int]]:
    """Return the next `size` row ids, and of each whether it is all that is asked."""
    query, values = _leading(leader, position=position, size=size, is_upward=is_upward)
    if not rest:
        return [(row[0], 1) for row in database.rows(query, values)]
    conditions = " AND ".join(f"({one.condition})" for one in rest)
    text = _LOOK.format(leading=query, conditions=conditions, order="ASC" if is_upward else "DESC")
    asked = [value for one in rest for value in one.values]
    return [(row[0], row[1]) for row in database.rows(text, (*values, *asked))]


def _leading(leader: _Asked | None, *, position: int, size: int, is_upward: bool) -> tuple[str, tuple[object, ...]]:
    """Return the query for the next `size` row ids of a leader, and its values."""
    than, order = (">", "ASC") if is_upward else ("<", "DESC")
    queries = leader.leading if leader else ((_ALL, ()),)
    texts = [text.format(than=than, order=order) for text, _ in queries]
    values = [value for _, own in queries for value in (*own, position, size)]
    if len(texts) == 1:
        return texts[0], tuple(values)
    merged = " UNION ALL ".join(f"SELECT id FROM ({text}) AS part_{number}" for number, text in enumerate(texts))
    return f"SELECT id FROM ({merged}) AS merged ORDER BY id {order} LIMIT ?", (*values, size)

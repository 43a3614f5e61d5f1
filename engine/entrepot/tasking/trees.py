"""A task with those that spawned it and those that it spawned: so many at most, however many there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot.errors import MissingResource
from entrepot.tasking.reports import TaskReport, reports_of

if TYPE_CHECKING:
    from datetime import timedelta

    from entrepot.models import Database

#: Generations that are looked at, up and down.
_DEPTH = 20
_ANCESTORS = f"""
WITH RECURSIVE upward (id, parent, step) AS (
    SELECT id, parent, 0 FROM task WHERE task_id = ?
    UNION ALL SELECT task.id, task.parent, step + 1 FROM upward JOIN task ON task.id = upward.parent WHERE step < {_DEPTH}
)
SELECT id FROM upward ORDER BY step
"""
_SPAWNED = f"""
WITH RECURSIVE downward (id, step) AS (
    SELECT id, 0 FROM task WHERE id = ?
    UNION ALL
    SELECT child.id, step + 1 FROM downward JOIN task AS child ON child.parent = downward.id WHERE step < {_DEPTH}
)
SELECT id FROM downward LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class TreeTask:
    """A task of a tree; that at its top has `depth` 0."""

    depth: int
    report: TaskReport


@dataclass(frozen=True, slots=True)
class TaskTree:
    """Tasks of a tree, each followed by those that it spawned; `is_cut` if there are more of them."""

    tasks: tuple[TreeTask, ...]
    is_cut: bool


def get_tree(database: Database, task_id: str, *, most: int, lease: timedelta) -> TaskTree:
    """Return the whole tree that a task belongs to, or its own part of it if that has more than `most` tasks.

    Raises `MissingResource`.
    """
    line = [row[0] for row in database.rows(_ANCESTORS, (task_id,))]
    if not line:
        raise MissingResource(resource_id=task_id)
    own, found = line[0], list[int]()
    for root in (line[-1], own):
        found = [row[0] for row in database.rows(_SPAWNED, (root, most + 1))]
        if len(found) <= most or own in found[:most]:
            break
    reports = reports_of(database, found[:most], lease=lease)
    children: dict[str | None, list[TaskReport]] = {}
    for report in sorted(reports, key=lambda report: report.row_id):
        children.setdefault(report.parent, []).append(report)
    tasks, left = list[TreeTask](), [(0, report) for report in reports[:1]]
    while left:
        depth, report = left.pop()
        tasks.append(TreeTask(depth, report))
        left += [(depth + 1, child) for child in reversed(children.get(report.task_id, []))]
    return TaskTree(tuple(tasks), len(found) > most)

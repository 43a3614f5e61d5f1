"""What tasks of a few calls are doing, and what became of the last of them: two narrow reads, by indexes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot.tasking.reports import TaskReport, in_states, reports_of

if TYPE_CHECKING:
    from datetime import timedelta

    from entrepot.errors import JSON
    from entrepot.models import Database

#: States of unfinished tasks, but for those that were canceled while they ran, and have not stopped.
_OPEN = ("waiting", "accepted", "running", "suspended")
#: What an index finds those by.
_STOPPING = "task.state = 'canceled' AND task.owner IS NOT NULL AND task.finished_at IS NULL"
_HAS_TAG = "EXISTS (SELECT 1 FROM task_tag WHERE task_tag.tag = ? AND task_tag.task = task.id)"


@dataclass(frozen=True, slots=True)
class CalledTask:
    """A task, and the key that whoever enqueued it gave it; None if there was none."""

    report: TaskReport
    idempotency_key: str | None


def list_called(
    database: Database, tag: str, calls: Sequence[tuple[str, Sequence[JSON]]], *, ended: int, lease: timedelta
) -> list[CalledTask]:
    """Return all unfinished tasks with `tag`, and the newest `ended` of those that have ended, the oldest first.

    `calls` are pairs of task type and first arguments; only tasks of one of them are returned. One that ends meanwhile is
    returned once, as it is then.
    """
    wanted = " OR ".join(["(task.task_type = ? AND substr(task.arguments, 1, ?) = ?)"] * len(calls))
    values: list[object] = []
    for task_type, arguments in calls:
        beginning = json.dumps([list(arguments)], separators=(",", ":"))[:-2]  # as `submission` writes it
        values += [task_type, len(beginning), beginning]
    unfinished = " UNION ALL ".join(
        f"SELECT task.id, task.idempotency_key FROM task WHERE {is_unfinished} AND {_HAS_TAG} AND ({wanted})"
        for is_unfinished in (in_states(_OPEN)[0], _STOPPING)
    )
    finished = (
        "SELECT task.id, task.idempotency_key FROM task_tag JOIN task ON task.id = task_tag.task "
        f"WHERE task_tag.tag = ? AND task.finished_at IS NOT NULL AND ({wanted}) ORDER BY task_tag.task DESC LIMIT ?"
    )
    keys: dict[int, str | None] = dict(database.rows(unfinished, (tag, *values) * 2))
    keys.update(database.rows(finished, (tag, *values, ended)))
    return [CalledTask(report, keys[report.row_id]) for report in reports_of(database, sorted(keys), lease=lease)]

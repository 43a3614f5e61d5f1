"""A program that cancels tasks until it is killed, or half a minute is over; it writes down what it asks and what it is told.

Its argument is the seed of its choices. Run as a module of this package, from the top of the checkout.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict

from entrepot import Engine
from entrepot.models import Database

from .effects import append
from .inspection import Cancel, Ending

CANCELED = "canceled.jsonl"
#: Seconds after which it ends by itself.
_LONGEST = 30.0
_UNFINISHED = "SELECT task_id, task_type FROM task WHERE state IN ('waiting', 'running') ORDER BY id"
_TREE = """
WITH RECURSIVE tree (id) AS (
    SELECT id FROM task WHERE task_id = ? UNION ALL SELECT child.id FROM tree JOIN task AS child ON child.parent = tree.id
)
SELECT task.task_id, task.state, task.finished_at, task.attempt FROM tree JOIN task ON task.id = tree.id
"""


def main(seed: int) -> None:
    """Cancel."""
    chance = random.Random(seed)
    until = time.monotonic() + _LONGEST
    with Engine.from_settings() as engine:
        while time.monotonic() < until:
            tasks = engine.database.rows(_UNFINISHED)
            if not tasks:
                time.sleep(0.01)
                continue
            task_id, task_type = chance.choice(tasks)
            is_tree = task_type == "effects.growing"
            append({"event": "ask", "task": task_id, "is_tree": is_tree}, CANCELED)
            found_something = engine.tasks.handle(task_id).cancel(with_spawned=is_tree)
            after = {each: asdict(ending) for each, ending in look(engine.database, task_id, is_tree=is_tree).items()}
            told = {"event": "told", "task": task_id, "is_tree": is_tree, "found": found_something, "after": after}
            append(told, CANCELED)
            time.sleep(chance.uniform(0, 0.02))


def look(database: Database, task_id: str, *, is_tree: bool) -> Mapping[str, Ending]:
    """Return how a task is now, and with `is_tree` all that it has spawned."""
    return {
        each: Ending(state, finished_at is not None, attempt)
        for each, state, finished_at, attempt in database.rows(_TREE, (task_id,))
        if is_tree or each == task_id
    }


def read_cancels(lines: list[dict]) -> list[Cancel]:
    """Return what a program of this kind wrote down; one that was killed was not told of its last cancel."""
    cancels = []
    for line, following in zip(lines, [*lines[1:], None], strict=True):
        if line["event"] == "told":
            after = {task_id: Ending(**ending) for task_id, ending in line["after"].items()}
            cancels.append(Cancel(line["task"], line["is_tree"], line["found"], after))
        elif following is None or following["event"] == "ask":
            cancels.append(Cancel(line["task"], line["is_tree"], None, {}))
    return cancels


if __name__ == "__main__":
    main(int(sys.argv[1]))

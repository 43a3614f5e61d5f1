"""The floor of the task queue: bare sqlite3 statements on the engine's own tables, with the same rows and durability.

One process, one connection, the engine's pragmas. Enqueue is one transaction a task with `synchronous=FULL`; claim and
completion are two transactions a task with `synchronous=NORMAL`. What the rows hold is made before the clock runs.
"""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path

from noop_tasks import RESOURCES, resource, tags

from entrepot.models import Database
from entrepot.models.migrate import migrate

_INSERT = """
INSERT INTO task (task_id, task_type, state, arguments, tags, idempotent, created_at, ready_at)
VALUES (?, 'bench.nothing', 'waiting', ?, ?, 0, ?, ?) RETURNING id
"""
_CLAIM = """
UPDATE task SET state = 'running', attempt = attempt + 1, owner = 'floor', lease_until = ?, started_at = ?
WHERE id = (SELECT id FROM task WHERE state = 'waiting' AND ready_at IS NOT NULL ORDER BY id LIMIT 1) RETURNING id
"""
_FINISH = "UPDATE task SET state = 'finished', finished_at = ?, lease_until = NULL WHERE id = ?"
_NEXT_READY = (
    "UPDATE task SET ready_at = ? WHERE id = (SELECT min(task) FROM reservation WHERE resource = ?) AND ready_at IS NULL"
)


class TaskFloor:
    """A queue of its own, in a new file."""

    def __init__(self, path: Path) -> None:
        database = Database(f"sqlite:///{path}")
        migrate(database)
        database.close()
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", "cache_size=-16000", "temp_store=MEMORY"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._count = 0

    def enqueue(self, count: int) -> float:
        """Enqueue tasks one by one; return the seconds that took."""
        rows = [self._row(number) for number in range(self._count, self._count + count)]
        self._count += count
        execute = self._connection.execute
        execute("PRAGMA synchronous=FULL")
        began = time.perf_counter()
        for task, name, labels in rows:
            execute("BEGIN IMMEDIATE")
            (id_,) = execute(_INSERT, task).fetchone()
            execute("INSERT INTO reservation (resource, task, exclusive) VALUES (?, ?, 1)", (name, id_))
            for label in labels:
                execute("INSERT INTO task_tag (tag, task) VALUES (?, ?)", (label, id_))
            execute("COMMIT")
        return time.perf_counter() - began

    def drain(self) -> tuple[int, float]:
        """Claim and complete every task; return how many there were and the seconds that took."""
        execute = self._connection.execute
        execute("PRAGMA synchronous=NORMAL")
        count, began = 0, time.perf_counter()
        while True:
            execute("BEGIN IMMEDIATE")
            now = time.time_ns() // 1000
            row = execute(_CLAIM, (now + 30_000_000, now)).fetchone()
            execute("COMMIT")
            if row is None:
                return count, time.perf_counter() - began
            execute("BEGIN IMMEDIATE")
            now = time.time_ns() // 1000
            execute(_FINISH, (now, row[0]))
            for (name,) in execute("DELETE FROM reservation WHERE task = ? RETURNING resource", row).fetchall():
                execute(_NEXT_READY, (now, name))
            execute("COMMIT")
            count += 1

    def close(self) -> None:
        self._connection.close()

    def _row(self, number: int) -> tuple[tuple[object, ...], str, list[str]]:
        now = time.time_ns() // 1000
        ready = now if number < RESOURCES else None  # the first of each line
        task_id = f"00000000-0000-7000-8000-{number:012x}"
        return (task_id, f"[[{number}],{{}}]", json.dumps(tags(number)), now, ready), resource(number), tags(number)

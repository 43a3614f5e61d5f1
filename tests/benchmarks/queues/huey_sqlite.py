"""huey on SQLite: write-ahead log, results not kept; nothing is flushed to the disk unless `QUEUE_FSYNC` is set."""

from __future__ import annotations

import os
from pathlib import Path

from huey import SqliteHuey

from queues import stamps

huey = SqliteHuey(
    "bench",
    filename=str(Path(os.environ["QUEUE_FOLDER"]) / "huey.sqlite3"),
    fsync=bool(os.environ.get("QUEUE_FSYNC")),
    journal_mode="wal",
    results=False,
)


@huey.task()
def nothing(number: int) -> None:
    stamps.leave(number)


def prepare() -> None:
    huey.flush()


def enqueue(number: int) -> None:
    nothing(number)

"""procrastinate on PostgreSQL: a row a job, as entrepot keeps one; asynchronous tasks, woken by LISTEN/NOTIFY (its default)."""

from __future__ import annotations

import os
import sys

from procrastinate import App, PsycopgConnector, SyncPsycopgConnector

from queues import stamps

_URL = os.environ["QUEUE_POSTGRESQL_URL"]

_is_driver = sys.argv[0].endswith("driver.py")
app = App(connector=SyncPsycopgConnector(conninfo=_URL) if _is_driver else PsycopgConnector(conninfo=_URL))


@app.task(name="nothing")
async def nothing(number: int) -> None:
    stamps.leave(number)


def prepare() -> None:
    app.open()
    app.schema_manager.apply_schema()


def enqueue(number: int) -> None:
    nothing.defer(number=number)


def enqueue_many(numbers: range) -> None:
    nothing.batch_defer(*({"number": number} for number in numbers))

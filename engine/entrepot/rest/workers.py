"""Workers: list, drain, resume. An extension."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.access import Operation
from entrepot.errors import JSON
from entrepot.rest.endpoint import Answer, Asked, Body, Endpoint, Schema
from entrepot.rest.reading import find_text
from entrepot.rest.schemas import BOOLEAN, INTEGER, MOMENT, TASK_LINK, TEXT, TEXT_OR_NULL, body, many, record
from entrepot.rest.shapes import moment, task_link

if TYPE_CHECKING:
    from entrepot.tasking import WorkerReport

WORKER = record(
    "Worker",
    name=TEXT,
    short_name=TEXT,
    host=TEXT,
    pid=INTEGER,
    threads=INTEGER,
    version=TEXT,
    state={"enum": ["active", "drained", "retiring", "lost"]},
    alive=BOOLEAN,
    start_time=MOMENT,
    last_heartbeat=MOMENT,
    queues=many(TEXT),
    tasks=many(TASK_LINK),
    tasks_ended=INTEGER,
    rss_bytes={"type": ["integer", "null"]},
)


DRAIN = record("Drain", worker=TEXT_OR_NULL, host=TEXT_OR_NULL, since=MOMENT)


def list_workers(asked: Asked) -> Answer:
    """Return the worker processes that are known, by name, with the tasks that they run now."""
    return Answer([_shape(report) for report in asked.engine.workers()])


def list_drains(asked: Asked) -> Answer:
    """Return what is drained, the oldest first: one worker, all on a host, or, where neither is named, all workers."""
    return Answer(
        [{"worker": report.worker, "host": report.host, "since": moment(report.since)} for report in asked.engine.drains()]
    )


def drain_workers(asked: Asked) -> Answer:
    """Let workers claim nothing until they are resumed; what they run goes on."""
    worker, host = _chosen(asked)
    return Answer([_shape(report) for report in asked.engine.drain_workers(worker, host=host)])


def resume_workers(asked: Asked) -> Answer:
    """Let workers claim tasks again."""
    worker, host = _chosen(asked)
    return Answer([_shape(report) for report in asked.engine.resume_workers(worker, host=host)])


def _chosen(asked: Asked) -> tuple[str | None, str | None]:
    return find_text(asked.document, "worker"), find_text(asked.document, "host")


def _shape(report: WorkerReport) -> dict[str, JSON]:
    return {
        "name": report.name,
        "short_name": report.short_name,
        "host": report.host,
        "pid": report.pid,
        "threads": report.threads,
        "version": report.version,
        "state": report.state,
        "alive": report.alive,
        "start_time": moment(report.started),
        "last_heartbeat": moment(report.beat),
        "queues": list(report.queues),
        "tasks": [task_link(task_id) for task_id in report.tasks],
        "tasks_ended": report.tasks_ended,
        "rss_bytes": report.rss_bytes,
    }


_WORKER: Schema = {**TEXT_OR_NULL, "description": "A worker's name, or as much of it as no other has."}
_HOST: Schema = {**TEXT_OR_NULL, "description": "All workers on this host, also those that start later."}
_CHOICE = Body(body("WorkerChoice", worker=_WORKER, host=_HOST))

ENDPOINTS = (
    Endpoint("GET", "/v2/workers/", Operation.READ, list_workers, {200: many(WORKER)}),
    Endpoint("GET", "/v2/workers/drains/", Operation.READ, list_drains, {200: many(DRAIN)}, resource="/v2/workers/"),
    Endpoint(
        "POST",
        "/v2/workers/actions/drain/",
        Operation.EXECUTE,
        drain_workers,
        {200: many(WORKER)},
        problems=(400, 404),
        body=_CHOICE,
    ),
    Endpoint(
        "POST",
        "/v2/workers/actions/resume/",
        Operation.EXECUTE,
        resume_workers,
        {200: many(WORKER)},
        problems=(400, 404, 409),
        body=_CHOICE,
    ),
)

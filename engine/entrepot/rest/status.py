"""The state of the server, for anybody. Source: the Pulp 2 REST contract, 5.6 and appendix B."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from entrepot.errors import JSON, DatabaseError, StorageError
from entrepot.rest.endpoint import Answer, Asked, Endpoint, Schema
from entrepot.rest.schemas import BOOLEAN, MOMENT, TEXT, many, record
from entrepot.rest.shapes import moment
from entrepot.version import __version__

if TYPE_CHECKING:
    from entrepot.tasking import WorkerReport

#: The version of Pulp whose behaviour clients may expect; they switch features by it.
PLATFORM_VERSION = "2.8.7"
#: What Pulp has one process for. Here each host that runs workers runs the loops that do this work, so it has both.
_DUTIES = ("scheduler", "resource_manager")
_CONNECTION: Schema = record("Connection", connected=BOOLEAN)
STATUS: Schema = record(
    "Status",
    api_version={"const": "2"},
    versions=record("Versions", platform_version=TEXT, entrepot_version=TEXT),
    database_connection=_CONNECTION,
    messaging_connection=_CONNECTION,
    known_workers=many(record("KnownWorker", _id=TEXT, _ns={"const": "workers"}, last_heartbeat=MOMENT)),
)


def get_status(asked: Asked) -> Answer:
    """Return what is up and what is down, and the workers that show signs of life."""
    engine = asked.engine
    try:
        workers = [report for report in engine.workers() if report.alive]
        is_connected = True
    except (DatabaseError, StorageError):
        workers, is_connected = [], False
    document: dict[str, JSON] = {
        "api_version": "2",
        "versions": {"platform_version": PLATFORM_VERSION, "entrepot_version": __version__},
        "database_connection": {"connected": is_connected},
        "messaging_connection": {"connected": is_connected and engine.doorbell.is_connected()},
        "known_workers": [{"_id": name, "_ns": "workers", "last_heartbeat": moment(beat)} for name, beat in _known(workers)],
    }
    return Answer(document)


def _known(workers: list[WorkerReport]) -> Iterator[tuple[str, datetime]]:
    """Yield names and last signs of life, as clients count them by the beginnings of the names."""
    hosts: dict[str, datetime] = {}
    for worker in workers:
        hosts[worker.host] = max(worker.beat, hosts.get(worker.host, worker.beat))
    for duty in _DUTIES:
        yield from ((f"{duty}@{host}", hosts[host]) for host in sorted(hosts))
    yield from ((worker.name, worker.beat) for worker in workers)


ENDPOINTS = (Endpoint("GET", "/v2/status/", None, get_status, {200: STATUS}),)

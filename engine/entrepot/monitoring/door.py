"""Answer those who watch: is the process alive, is it ready, and what are its figures."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from entrepot.diagnosis import Finding, Readiness
from entrepot.errors import DatabaseError, EntrepotError, StorageError
from entrepot.monitoring.exposition import FiguresCollector
from entrepot.monitoring.figures import FiguresReader
from entrepot.monitoring.requests import RequestFigures
from entrepot.monitoring.scraper import is_known_network, require_reader
from entrepot.version import __version__

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from entrepot.engine import Engine
    from entrepot.readers import Readers

_LOG = logging.getLogger("entrepot.monitoring")
PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
#: What anybody may read of a check that failed; addresses and folders stand in the log.
_REASONS = {
    "schema": "The database does not answer, or does not have the tables of this version.",
    "broker": "The broker does not answer.",
    "store": "The store cannot be written.",
    "space": "The disk is as good as full.",
}
_JSON = "application/json"
_TEXT = "text/plain; charset=utf-8"
_UNAVAILABLE, _UNAUTHENTICATED = 503, 401

Headers = dict[str, str]


class MonitoringDoor:
    """The ASGI app of `PATHS`."""

    def __init__(self, engine: Engine, readers: Readers) -> None:
        """Speak of `engine`, whose figures the threads of `readers` read."""
        self._engine = engine
        self._readers = readers
        self._readiness = Readiness(engine)
        self._figures = FiguresReader(engine)
        self._collector = FiguresCollector()
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self._collector)
        ProcessCollector(registry=self._registry)
        #: To be told of each request that this process answers.
        self.requests = RequestFigures()
        self._registry.register(self.requests)
        self._scraping = asyncio.Semaphore(1)
        self._asking: asyncio.Future[list[Finding]] | None = None
        self._was_ready = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - nothing is read
        """Answer one request."""
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if scope["method"] not in ("GET", "HEAD"):
            status, content_type, body, headers = 405, _TEXT, b"Method not allowed.\n", {"allow": "GET, HEAD"}
        elif path == "/healthz":
            status, content_type, body, headers = 200, _TEXT, b"ok\n", {}
        elif path == "/readyz":
            status, content_type, body, headers = await self._ready()
        else:
            status, content_type, body, headers = await self._metrics(scope)
        headers |= {"content-type": content_type, "content-length": str(len(body))}
        headers |= {"cache-control": "no-store", "x-content-type-options": "nosniff"}
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _ready(self) -> tuple[int, str, bytes, Headers]:
        """Ask in a thread, one for all who ask meanwhile: an answer comes in time although the database hangs."""
        loop = asyncio.get_running_loop()
        if self._asking is None or self._asking.done() or self._asking.get_loop() is not loop:
            self._asking = loop.run_in_executor(None, self._readiness.findings)
        findings = await asyncio.shield(self._asking)
        failed = [finding for finding in findings if finding.state == "failed"]
        if self._was_ready and failed:
            _LOG.warning("not ready: %s", "; ".join(f"{finding.name}: {finding.what}" for finding in failed))
        self._was_ready = not failed
        document = {
            "status": "unavailable" if failed else "ready",
            "version": __version__,
            "checks": {finding.name: finding.state for finding in findings},
            "reasons": [_REASONS.get(finding.name, finding.name) for finding in failed],
        }
        return _UNAVAILABLE if failed else 200, _JSON, json.dumps(document).encode() + b"\n", {}

    async def _metrics(self, scope: Scope) -> tuple[int, str, bytes, Headers]:
        try:
            async with self._scraping:  # hashes of passwords included: whoever guesses takes turns with himself
                body = await self._readers.run(lambda: self._scrape(scope))
        except (DatabaseError, StorageError) as error:
            _LOG.warning("nobody can log in to read the metrics: %s", error.message)
            return _UNAVAILABLE, _TEXT, b"The database does not answer.\n", {}
        except EntrepotError as error:
            challenge = {"www-authenticate": 'Basic realm="entrepot"'} if error.status == _UNAUTHENTICATED else {}
            return error.status, _TEXT, f"{error.message}\n".encode(), challenge
        return 200, CONTENT_TYPE_PLAIN_0_0_4, body, {}

    def _scrape(self, scope: Scope) -> bytes:
        """Write the metrics, in a reader's thread."""
        if not is_known_network(self._engine, scope):
            require_reader(self._engine, scope)
        try:
            self._collector.figures = self._figures.read()
        except (DatabaseError, StorageError) as error:
            _LOG.warning("the metrics lack what the database knows: %s", error.message)
            self._collector.figures = None
        return generate_latest(self._registry)

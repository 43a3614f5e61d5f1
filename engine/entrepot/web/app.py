"""One app of all doors: the REST API below `/pulp/api/`, the status facades, the dashboard, what is published, monitoring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.dashboard import Dashboard
from entrepot.monitoring import PATHS as MONITORED
from entrepot.monitoring import MonitoringDoor
from entrepot.readers import Readers
from entrepot.rest import RestApp
from entrepot.rest.app import is_below_prefix
from entrepot.serving import content_app
from entrepot.streaming import Changes
from entrepot.web.facade_doors import FACADES, FacadeDoors
from entrepot.web.request_log import observed

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from entrepot.engine import Engine


class WebApp:
    """The ASGI app of everything that an engine says over HTTP; its doors share their readers."""

    def __init__(self, engine: Engine) -> None:
        """Serve `engine`."""
        readers = Readers(engine)
        self._fetching = engine.repositories.fetching
        self._changes = Changes(engine)
        self._rest, self._content = RestApp(engine, readers, changes=self._changes), content_app(engine, readers)
        self._dashboard = Dashboard(engine, readers, self._changes)
        self._facades = FacadeDoors(engine, readers, facades=FACADES)
        self._monitoring = MonitoringDoor(engine, readers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request to the door that it is for."""
        if scope["type"] != "http":
            await self._content(scope, receive, send)
        else:
            name, door = self._find(scope)
            await observed(name, door, self._monitoring.requests)(scope, receive, send)

    def _find(self, scope: Scope) -> tuple[str, ASGIApp]:
        """Return the door that a request is for, and what the metrics call it."""
        path = scope["path"]
        if path.startswith("/content/"):  # no other door has such paths
            return "content", self._content
        if is_below_prefix(scope):
            return "rest", self._rest
        if path.removeprefix(scope.get("root_path", "")) in MONITORED:
            return "monitoring", self._monitoring
        facade = self._facades.find(scope)
        if facade is not None:
            return facade.banner.partition("/")[0], facade
        return ("dashboard", self._dashboard) if Dashboard.knows(scope) else ("content", self._content)

    def let_go(self) -> None:
        """Answer at once whoever waits for something to change, or for first bytes: the server is about to stop."""
        self._changes.end()
        self._fetching.let_go()


def web_app(engine: Engine) -> WebApp:
    """Return the ASGI app of everything that `engine` says over HTTP."""
    return WebApp(engine)

"""One app of all doors: the REST API below `/pulp/api/`, the status facades at their hosts and paths, and what is published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.readers import Readers
from entrepot.rest import RestApp
from entrepot.rest.app import is_below_prefix
from entrepot.serving import content_app
from entrepot.web.facade_doors import FACADES, FacadeDoors

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from entrepot.engine import Engine


class WebApp:
    """The ASGI app of everything that an engine says over HTTP; its doors share their readers."""

    def __init__(self, engine: Engine) -> None:
        """Serve `engine`."""
        readers = Readers(engine)
        self._fetching = engine.repositories.fetching
        self._rest, self._content = RestApp(engine, readers), content_app(engine, readers)
        self._facades = FacadeDoors(engine, readers, facades=FACADES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request to the door that it is for."""
        if scope["type"] != "http" or scope["path"].startswith("/content/"):  # no other door has such paths
            await self._content(scope, receive, send)
        elif is_below_prefix(scope):
            await self._rest(scope, receive, send)
        else:
            await (self._facades.find(scope) or self._content)(scope, receive, send)

    def let_go(self) -> None:
        """Answer at once whoever waits for something to change, or for first bytes: the server is about to stop."""
        self._rest.let_go()
        self._fetching.let_go()


def web_app(engine: Engine) -> WebApp:
    """Return the ASGI app of everything that `engine` says over HTTP."""
    return WebApp(engine)

"""The floor of the REST API: the same server and door, with endpoints that answer constant JSON, to anybody, from memory.

`/pulp/api/STATUS/SIZE/` is answered with that status and a document of that many bytes. `/pulp/api/query/TAG/` runs the bare
query by tag, and answers its rows as they are. `/bare/SIZE` is answered by the server without the door, for comparison.
"""

from __future__ import annotations

import sys

from starlette.types import Receive, Scope, Send

from entrepot.engine import Engine
from entrepot.readers import Readers
from entrepot.rest.app import RestApp, is_below_prefix
from entrepot.rest.endpoint import Answer, Asked, Body, Endpoint
from entrepot.web.server import AnnouncingServer, bound_socket, server_config

#: Whole rows of the tasks that have a tag: what any search by tag must read at least.
BARE_QUERY = "SELECT task.* FROM task_tag JOIN task ON task.id = task_tag.task WHERE task_tag.tag = ? ORDER BY task.id"


def constant(asked: Asked) -> Answer:
    """Answer a text, which JSON makes two bytes longer."""
    return Answer("x" * (int(asked.names["size"]) - 2), int(asked.names["status"]))


def query(asked: Asked) -> Answer:
    """Answer the rows of the bare query."""
    return Answer([list(row) for row in asked.engine.database.rows(BARE_QUERY, (asked.names["tag"],))])


ENDPOINTS = (
    Endpoint("GET", "/{status}/{size}/", None, constant, {200: None}),
    Endpoint("POST", "/{status}/{size}/", None, constant, {202: None}, body=Body({}, is_optional=True)),
    Endpoint("POST", "/query/{tag}/", None, query, {200: None}, body=Body({}, is_optional=True)),
)


class FloorApp:
    """The door with these endpoints, and the bare server beside it."""

    def __init__(self, engine: Engine) -> None:
        self._door = RestApp(engine, Readers(engine), endpoints=ENDPOINTS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if is_below_prefix(scope):
            await self._door(scope, receive, send)
            return
        body = b'"' + b"x" * (int(scope["path"].rpartition("/")[2]) - 2) + b'"'
        headers = [(b"content-type", b"application/json; charset=utf-8"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def main() -> None:
    """Serve until SIGTERM."""
    with Engine() as engine, bound_socket("127.0.0.1", 0) as listener:
        server = AnnouncingServer(server_config(engine.settings, FloorApp(engine)), "127.0.0.1")
        server.stop_on_signals()
        server.run(sockets=[listener])


if __name__ == "__main__":
    sys.exit(main())

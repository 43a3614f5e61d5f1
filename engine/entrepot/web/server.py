"""Run the doors in uvicorn: bind first, say when it listens, stop gracefully."""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import threading
from typing import TYPE_CHECKING

import uvicorn

from entrepot.engine import Engine
from entrepot.errors import InvalidValue
from entrepot.web.app import web_app
from entrepot.web.protocol import ConnectionProtocol
from entrepot.web.request_log import logged
from entrepot.web.tls import tls_context

if TYPE_CHECKING:
    from collections.abc import Callable
    from ssl import SSLContext
    from types import FrameType

    from starlette.types import ASGIApp

    from entrepot.settings import Settings

#: How long a stop waits for transfers under way, seconds.
_SHUTDOWN_SECONDS = 10
_BACKLOG = 1024
#: New objects until the collector looks at the young ones; Python's own figure is 700.
_NEW_OBJECTS = 20_000


def run_api(settings: Settings, *, host: str, port: int, exit_with_parent: bool = False, access_log: bool = False) -> int:
    """Serve until SIGTERM, SIGINT or, with `exit_with_parent`, the end of standard input; return the exit code.

    Raises `InvalidValue` if nothing can listen on `host` and `port`, `InvalidSettings` for an unusable certificate.
    """
    with Engine(settings=settings) as engine:
        tls = tls_context(engine)
        with bound_socket(host, port) as listener:
            app = web_app(engine)
            config = server_config(settings, logged(app) if access_log else app, tls=tls)
            server = AnnouncingServer(config, host, before_stop=app.let_go)
            server.stop_on_signals()
            if exit_with_parent:
                threading.Thread(target=server.stop_at_end_of_input, name="parent", daemon=True).start()
            _collect_seldom()
            server.run(sockets=[listener])
    return 0


def server_config(settings: Settings, app: ASGIApp, *, tls: SSLContext | None = None) -> uvicorn.Config:
    """Return how `app` is served."""
    return uvicorn.Config(
        app,
        http=ConnectionProtocol,
        ws="none",
        loop="asyncio",
        interface="asgi3",
        ssl_context_factory=None if tls is None else lambda _config, _default: tls,
        forwarded_allow_ips=settings.trusted_proxies or None,  # None: what uvicorn reads from the environment
        log_config=None,  # uvicorn logs as everybody does: see `logs`
        log_level="warning",
        access_log=False,
        lifespan="off",
        backlog=_BACKLOG,
        server_header=False,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )


def bound_socket(host: str, port: int) -> socket.socket:
    """Return a socket bound to `host` and `port` (0: any free one), not yet listening.

    Raises `InvalidValue` that names the address and the cause.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise InvalidValue("host", why=f"{host} is no address of this machine ({error.strerror})") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        why = f"{host}:{port} cannot be listened on ({error.strerror}). Choose another with --host or --port"
        raise InvalidValue("port", why=why) from error
    return listener


def _collect_seldom() -> None:
    """Look for cyclic garbage less often than Python does, and never at what was there from the start.

    Answers are thousands of small objects without a cycle, which each collection would walk through in vain: a list of 1,000
    repositories takes a third less without. What does have cycles, such as errors with their traces, can wait.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, 20, 50)


class AnnouncingServer(uvicorn.Server):
    """A uvicorn server that says on standard error when it listens, and ends with exit code 0 when it is told to stop."""

    def __init__(self, config: uvicorn.Config, host: str, *, before_stop: Callable[[], None] = lambda: None) -> None:
        """Serve `config`; `host` is how the address is shown; `before_stop` lets go of requests that would last."""
        super().__init__(config)
        self._before_stop = before_stop
        self._host = f"[{host}]" if ":" in host else host

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell people and the supervisor."""
        await super().startup(sockets)
        if self.started and sockets:
            scheme = "https" if self.config.is_ssl else "http"
            print(f"entrepot api ready on {scheme}://{self._host}:{sockets[0].getsockname()[1]}", file=sys.stderr, flush=True)  # noqa: T201 - the supervisor reads it

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let go of those who wait, then wait for transfers under way."""
        self._before_stop()
        await super().shutdown(sockets)

    def stop_on_signals(self) -> None:
        """Stop at SIGTERM and SIGINT before uvicorn listens to them, and when it raises them once more at its end."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def stop_at_end_of_input(self) -> None:
        """Read standard input until its end, which comes when the parent is gone, then stop."""
        try:
            while os.read(0, 4096):
                pass
        except OSError:
            pass  # closed from the start: the same as ended
        self.should_exit = True

    def _stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a signal handler
        self.should_exit = True

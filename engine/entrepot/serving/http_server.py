"""Run the content door in uvicorn: bind first, say when it listens, stop gracefully."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from typing import TYPE_CHECKING

import uvicorn

from entrepot.engine import Engine
from entrepot.errors import InvalidValue
from entrepot.serving.app import content_app

if TYPE_CHECKING:
    from types import FrameType

    from entrepot.settings import Settings

#: How long a stop waits for transfers under way, seconds.
_SHUTDOWN_SECONDS = 10
_BACKLOG = 1024


def run_api(settings: Settings, *, host: str, port: int, exit_with_parent: bool = False, access_log: bool = False) -> int:
    """Serve until SIGTERM, SIGINT or, with `exit_with_parent`, the end of standard input; return the exit code.

    Raises `InvalidValue` if nothing can listen on `host` and `port`.
    """
    listener = bound_socket(host, port)
    with Engine(settings=settings) as engine, listener:
        config = uvicorn.Config(
            content_app(engine),
            log_level="info" if access_log else "warning",
            access_log=access_log,
            lifespan="off",
            backlog=_BACKLOG,
            server_header=False,
            timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        )
        server = AnnouncingServer(config, host)
        server.stop_on_signals()
        if exit_with_parent:
            threading.Thread(target=server.stop_at_end_of_input, name="parent", daemon=True).start()
        server.run(sockets=[listener])
    return 0


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


class AnnouncingServer(uvicorn.Server):
    """A uvicorn server that says on standard error when it listens, and ends with exit code 0 when it is told to stop."""

    def __init__(self, config: uvicorn.Config, host: str) -> None:
        """Serve `config`; `host` is how the address is shown."""
        super().__init__(config)
        self._host = f"[{host}]" if ":" in host else host

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell people and the supervisor."""
        await super().startup(sockets)
        if self.started and sockets:
            print(f"entrepot api ready on http://{self._host}:{sockets[0].getsockname()[1]}", file=sys.stderr, flush=True)  # noqa: T201 - the supervisor reads it

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

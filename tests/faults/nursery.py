"""Worker processes that are forked from one that has imported the engine: the same processes, a second earlier.

`Nursery` is the test's end. The program at the other end imports what a worker imports, has no thread and no connection, and
forks for each request; the child runs `entrepot ARGUMENTS…` with the environment and the log that it was given.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

#: Bytes of a request at most: an environment and a few arguments.
_LONGEST_REQUEST = 128 * 1024


class Forked:
    """A forked process, with as much of `subprocess.Popen` as this tier uses."""

    def __init__(self, nursery: Nursery, pid: int, stdin: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdin = os.fdopen(stdin, "wb")
        self._nursery = nursery
        self._descriptor = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """Return how it ended, None if it has not."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended, and return how; raises `subprocess.TimeoutExpired`."""
        ended = self._ended(timeout)
        if ended is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
        return ended

    def kill(self) -> None:
        """SIGKILL it."""
        self._send(signal.SIGKILL)

    def terminate(self) -> None:
        """SIGTERM it."""
        self._send(signal.SIGTERM)

    def _send(self, number: signal.Signals) -> None:
        if self.poll() is None:
            signal.pidfd_send_signal(self._descriptor, number)

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._descriptor], [], [], timeout)[0]:
            self.returncode = self._nursery.reap(self.pid)
            os.close(self._descriptor)
        return self.returncode


class Nursery:
    """The test's end; one for each process that runs tests."""

    def __init__(self) -> None:
        self._socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = subprocess.Popen([sys.executable, __file__, str(other.fileno())], pass_fds=[other.fileno()])
        other.close()

    def start(self, arguments: Sequence[str], environment: dict[str, str], log: Path) -> Forked:
        """Run `entrepot ARGUMENTS…`, whose standard input stays open, and whose output goes to `log`."""
        reading, writing = os.pipe()
        request = {"arguments": list(arguments), "environment": environment, "log": str(log)}
        try:
            socket.send_fds(self._socket, [json.dumps(request).encode()], [reading])
        finally:
            os.close(reading)
        return Forked(self, self._answer(), writing)

    def reap(self, pid: int) -> int:
        """Return how a process that has ended did, as `subprocess` says it."""
        self._socket.send(json.dumps({"reap": pid}).encode())
        return self._answer()

    def close(self) -> None:
        """End the program."""
        self._socket.close()
        self._process.wait()

    def _answer(self) -> int:
        answer = self._socket.recv(_LONGEST_REQUEST)
        assert answer, "the nursery has ended"
        return int(answer)


def _serve(connection: socket.socket) -> None:
    """Fork for each request, until the test closes its end."""
    while True:
        data, descriptors, _, _ = socket.recv_fds(connection, _LONGEST_REQUEST, 1)
        if not data:
            return
        request = json.loads(data)
        if "reap" in request:
            answer = os.waitstatus_to_exitcode(os.waitpid(request["reap"], 0)[1])
        else:
            answer = os.fork()
            if answer == 0:
                connection.close()
                _become(request, descriptors[0])
            os.close(descriptors[0])
        connection.send(str(answer).encode())


def _become(request: dict[str, object], stdin: int) -> None:
    """Be the process that was asked for; what a new interpreter would have of its own is made anew."""
    from entrepot import cli, failpoints

    os.setsid()
    log = os.open(str(request["log"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for descriptor, number in ((stdin, 0), (log, 1), (log, 2)):
        os.dup2(descriptor, number)
    os.closerange(3, max(stdin, log) + 1)
    os.environ.clear()
    os.environ.update(request["environment"])  # type: ignore[arg-type]  # texts by text
    sys.path[:0] = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    failpoints._armed = failpoints._read_environment(os.environ.get("ENTREPOT_FAILPOINTS", ""))
    random.seed()
    sys.argv = ["entrepot", *request["arguments"]]  # type: ignore[misc]  # a list
    sys.exit(cli.main())


def _import_what_workers_import() -> None:
    import entrepot.cli.program
    import entrepot.engine
    import entrepot.processes.worker  # noqa: F401 - for its modules


if __name__ == "__main__":
    sys.path.remove(str(Path(__file__).parent))  # a worker has it by its PYTHONPATH only
    _import_what_workers_import()
    _serve(socket.socket(fileno=int(sys.argv[1])))

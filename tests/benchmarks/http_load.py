"""A load generator that costs little: one thread, raw sockets, keep-alive; the requests are made before the clock runs.

Run as a program of its own, so that it shares no interpreter with anybody: the order is a JSON document on standard input,
and the figures are one on standard output. Each connection sends its next request when the answer to the last one is whole.
"""

from __future__ import annotations

import json
import select
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"content-length: "
_PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class Load:
    """What a load reached: answers a second, and how long each took, milliseconds."""

    rate: float
    p50: float
    p99: float
    answers: int
    body_bytes: int


def load(port: int, requests: Sequence[bytes], *, connections: int, seconds: float, status: int = 200) -> Load:
    """Send `requests` in turn, over and over, in another process; an answer of another status ends the benchmark."""
    order = {
        "port": port,
        "requests": [request.decode("latin-1") for request in requests],
        "connections": connections,
        "seconds": seconds,
        "status": status,
    }
    command = [sys.executable, str(Path(__file__))]
    ran = subprocess.run(command, input=json.dumps(order), capture_output=True, text=True, check=False)
    if ran.returncode:
        sys.exit(f"The load ended with exit code {ran.returncode}: {ran.stderr}")
    return Load(**json.loads(ran.stdout))


def request(method: str, path: str, *, authorization: str = "", body: bytes = b"") -> bytes:
    """Return the bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: */*", "User-Agent: bench"]
    if authorization:
        lines.append(f"Authorization: {authorization}")
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


class _Connection:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent = 0.0
        self._read = b""
        self._answer = (0, 0)
        self._missing = 0

    def send(self, data: bytes) -> None:
        self.sent = time.perf_counter()
        self.socket.sendall(data)

    def receive(self) -> tuple[int, int] | None:
        """Read what is there; return status and length of the answer's body when it is whole."""
        data = self.socket.recv(1 << 20)
        if not data:
            sys.exit("the server closed a connection")
        if self._missing:
            self._missing -= len(data)
            return None if self._missing else self._answer
        self._read = self._read + data if self._read else data
        end = self._read.find(_END_OF_HEAD)
        if end < 0:
            return None
        head = self._read[:end].lower()
        at = head.find(_LENGTH)
        length = int(head[at + len(_LENGTH) :].split(b"\r", 1)[0]) if at >= 0 else 0
        self._answer = int(head[9:12]), length
        self._missing = end + len(_END_OF_HEAD) + length - len(self._read)
        self._read = b""
        return None if self._missing else self._answer


def _main() -> None:
    order = json.load(sys.stdin)
    requests = cycle([text.encode("latin-1") for text in order["requests"]])
    poll = select.epoll()
    connections = {}
    for _ in range(order["connections"]):
        connection = _Connection(order["port"])
        connections[connection.socket.fileno()] = connection
        poll.register(connection.socket, select.EPOLLIN)
    for connection in connections.values():
        connection.send(next(requests))
    took: list[float] = []
    size = 0
    begin = time.perf_counter()
    end = begin + order["seconds"]
    while (now := time.perf_counter()) < end:
        ready = poll.poll(_PATIENCE_SECONDS)
        if not ready:
            sys.exit("the server does not answer")
        for number, _ in ready:
            connection = connections[number]
            answer = connection.receive()
            if answer is None:
                continue
            if answer[0] != order["status"]:
                sys.exit(f"an answer has the status {answer[0]}")
            size = answer[1]
            took.append(time.perf_counter() - connection.sent)
            connection.send(next(requests))
    took.sort()
    figures = {
        "rate": len(took) / (now - begin),
        "p50": took[len(took) // 2] * 1000,
        "p99": took[len(took) * 99 // 100] * 1000,
        "answers": len(took),
        "body_bytes": size,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    _main()

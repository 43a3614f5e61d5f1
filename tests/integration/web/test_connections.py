"""What reaches the doors of a connection, and what does not."""

from __future__ import annotations

import select
import socket
import threading
from base64 import b64encode
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from entrepot.web import protocol
from entrepot.web.protocol import LONGEST_HEAD_BYTES

from .conftest import PASSWORD, Doors


def _answer(url: str, request: bytes) -> bytes:
    """Return what the server says to these bytes until it closes the connection, or resets it, since it reads no more."""
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
        parts = []
        with suppress(ConnectionError):
            connection.sendall(request)
            while part := connection.recv(65536):
                parts.append(part)
    return b"".join(parts)


def test_a_head_without_end_is_refused(open_door: Doors) -> None:
    head = b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * (LONGEST_HEAD_BYTES * 5)

    answer = _answer(open_door().url, head)  # without the limit it would wait for the end, and time out

    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")


def test_what_follows_a_head_is_not_counted_as_one(open_door: Doors) -> None:
    body = b"b" * (LONGEST_HEAD_BYTES * 5)
    head = f"GET /pulp/api/v2/who/ HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n".encode()

    last = b"GET /pulp/api/v2/who/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    answer = _answer(open_door().url, head + b"\r\n" + body + last)

    assert answer.count(b"HTTP/1.1 401 ") == 2


@pytest.mark.parametrize("request_line", [b"GET / HTTP/9.9", b"nonsense", b"GET /\xff HTTP/1.1", b"GET http:// HTTP/1.1"])
def test_what_is_no_http_is_refused(open_door: Doors, request_line: bytes) -> None:
    assert _answer(open_door().url, request_line + b"\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_what_stands_behind_a_body_is_no_header(open_door: Doors) -> None:
    credentials = b64encode(f"admin:{PASSWORD}".encode())
    request = (
        b"POST /pulp/api/v2/told/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\n{}\r\n0\r\nAuthorization: Basic " + credentials + b"\r\n\r\n"
    )

    assert _answer(open_door().url, request).startswith(b"HTTP/1.1 401 ")


HEAD = b"POST /pulp/api/v2/told/ HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"


@pytest.mark.parametrize("begun", [b"", HEAD, HEAD + b"\r\n", HEAD + b"\r\n{", HEAD + b"\r\n         " + HEAD])
def test_who_lets_a_server_wait_for_the_rest_of_a_request_is_cut_off(
    open_door: Doors, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(protocol, "READING_SECONDS", 0.2)
    credentials = b"Authorization: Basic " + b64encode(f"admin:{PASSWORD}".encode()) + b"\r\n"

    answer = _answer(open_door().url, begun.replace(b"Host: x\r\n", b"Host: x\r\n" + credentials))  # else it times out

    assert answer.count(b"HTTP/1.1 ") == begun.count(b"         ")


def test_who_waits_for_a_server_is_not_cut_off(open_door: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "READING_SECONDS", 0.05)
    door = open_door()
    passwords = door.engine.access._passwords
    matches, waiting, go_on = passwords.matches, threading.Event(), threading.Event()

    def slow(stored: str | None, password: str) -> bool:
        waiting.set()
        return go_on.wait(30) and matches(stored, password)

    monkeypatch.setattr(passwords, "matches", slow)
    place = urlsplit(door.url)
    with socket.create_connection((place.hostname, place.port), timeout=30) as connection:
        credentials = b64encode(f"admin:{PASSWORD}".encode())
        request = b"GET /pulp/api/v2/who/ HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " + credentials + b"\r\n\r\n"
        connection.sendall(request + b"GET /pulp/api")
        assert waiting.wait(30)
        assert not select.select([connection], [], [], 0.5)[0]  # neither an answer nor an end
        go_on.set()

        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")

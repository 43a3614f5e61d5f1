"""Large files, which the kernel sends: whole, in parts, one after the other on a connection."""

from __future__ import annotations

import random
import socket
from urllib.parse import urlsplit

import pytest

from tests.upstreams import PATIENCE, Upstream

from .conftest import Mirror

SIZE = 3_000_000  # more than a socket takes at once
WHALE = random.Random(3).randbytes(SIZE)


@pytest.fixture
def aquarium(mirror: Mirror, upstream: Upstream) -> Mirror:
    """A mirror whose one file is here already."""
    upstream.offer(whale=WHALE)
    mirror.follow("aquarium", upstream, download_policy="immediate")
    return mirror


def test_a_large_file_is_sent_whole_and_in_parts(aquarium: Mirror) -> None:
    whole = aquarium.get("aquarium/whale.iso")
    part = aquarium.get("aquarium/whale.iso", range="bytes=1000000-2999999")
    parts = aquarium.get("aquarium/whale.iso", range="bytes=0-9,-1000000")

    assert whole.content == WHALE
    assert (part.status_code, part.content) == (206, WHALE[1_000_000:])
    assert parts.headers["content-length"] == str(len(parts.content))
    assert [body.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for body in parts.content.split(b"--")[1:]][:1] == [WHALE[:10]]
    assert WHALE[2_000_000:] in parts.content


def test_requests_that_come_before_the_answer_are_answered_in_their_order(aquarium: Mirror) -> None:
    paths = ["/content/aquarium/whale.iso", "/content/aquarium/PULP_MANIFEST", "/content/aquarium/whale.iso"]
    requests = [f"GET {path} HTTP/1.1\r\nHost: x\r\n" for path in paths]
    expected = [WHALE, aquarium.get("aquarium/PULP_MANIFEST").content, WHALE]

    with _connected(aquarium) as connection:
        connection.sendall(("\r\n".join(requests) + "Connection: close\r\n\r\n").encode())
        received = b"".join(iter(lambda: connection.recv(1 << 20), b""))

    at = 0
    for body in expected:
        at = received.index(body, at) + len(body)
    assert at == len(received)
    assert received.count(b"HTTP/1.1 200 OK") == len(expected)


def test_a_client_that_leaves_in_the_middle_disturbs_nobody(aquarium: Mirror) -> None:
    with _connected(aquarium) as connection:
        connection.sendall(b"GET /content/aquarium/whale.iso HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.recv(1000)

    assert aquarium.get("aquarium/whale.iso").content == WHALE


def _connected(mirror: Mirror) -> socket.socket:
    place = urlsplit(str(mirror.client.base_url))
    return socket.create_connection((place.hostname, place.port), timeout=PATIENCE)

"""When the head of an answer is written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from entrepot.web.protocol import MOST_JOINED_BYTES, HeadFirst

if TYPE_CHECKING:
    from asyncio import Transport


class Written:
    """Stands for a transport: keeps each write."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.packets.append(data)

    def close(self) -> None:
        self.packets.append(b"closed")


def _packets(*steps: Callable[[HeadFirst], None], waits: bool = False) -> list[bytes]:
    """Return what is written by the time the steps are done, with a wait between them if wanted."""
    written = Written()

    async def work() -> list[bytes]:
        head_first = HeadFirst(cast("Transport", written), asyncio.get_running_loop())
        for step in steps:
            step(head_first)
            if waits:
                await asyncio.sleep(0)
        return list(written.packets)

    return asyncio.run(work())


def _write(data: bytes) -> Callable[[HeadFirst], None]:
    return lambda transport: transport.write(data)


def test_the_head_goes_with_the_first_piece_of_the_body_and_the_rest_by_itself() -> None:
    assert _packets(_write(b"head"), _write(b"one"), _write(b"two")) == [b"headone", b"two"]


def test_the_head_goes_when_the_body_lets_wait() -> None:
    assert _packets(_write(b"head"), _write(b"one"), waits=True) == [b"head", b"one"]


def test_a_long_piece_is_not_copied() -> None:
    long = bytes(MOST_JOINED_BYTES + 1)

    assert _packets(_write(b"head"), _write(long)) == [b"head", long]


def test_the_head_goes_before_the_connection_is_closed() -> None:
    assert _packets(_write(b"head"), HeadFirst.close) == [b"head", b"closed"]


def test_the_head_goes_before_what_the_kernel_sends() -> None:
    assert _packets(_write(b"head"), HeadFirst.flush, _write(b"one")) == [b"head", b"one"]

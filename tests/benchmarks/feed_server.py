"""A fast loopback HTTP server in a process of its own, whose answers are made before they are asked for.

Run as a program it serves feeds of generated files, each with a PULP_MANIFEST, until its standard input ends; it prints
its port first, and a line for each command it has carried out. `FeedServer` starts it and talks to it.

* `/small/`: many files of one size, the same in every run. The command `change` gives one of them new bytes.
* `/large/`: a few big files of one block repeated, which differ in their last bytes: made while they are sent.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

_BLOCK = 1024 * 1024
_CHANGED = 4711


class FeedServer:
    """The server as its benchmark sees it; a context manager."""

    def __init__(self, *, files: int, size: int, large_files: int = 0, large_size: int = 0) -> None:
        """Serve `files` of `size` bytes below `small_url`, and `large_files` of `large_size` bytes below `large_url`."""
        figures = [files, size, large_files, large_size]
        command = [sys.executable, str(Path(__file__)), *map(str, figures)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        port = self._answer()
        self.small_url = f"http://127.0.0.1:{port}/small/"
        self.large_url = f"http://127.0.0.1:{port}/large/"

    def change_one_file(self) -> None:
        """Give one of the small files new bytes; its manifest names them."""
        assert self._process.stdin is not None
        self._process.stdin.write("change\n")
        self._process.stdin.flush()
        self._answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        if not line:
            sys.exit(f"The feed's server ended with exit code {self._process.wait()}.")
        return line


class _Feeds:
    """What is answered to which request."""

    def __init__(self, files: int, size: int, large_files: int, large_size: int) -> None:
        self._size = size
        self.answers: dict[bytes, bytes] = {}
        self.large: dict[bytes, bytes] = {}  # path -> last bytes
        self.large_size = large_size
        self.block = random.Random(0).randbytes(_BLOCK)
        self._manifest: dict[str, str] = {}
        for number in range(files):
            self._put(number, version=0)
        self._put_manifest()
        self._put_large(large_files)

    def change(self) -> None:
        number = _CHANGED % len(self._manifest)
        self._put(number, version=random.getrandbits(32))
        self._put_manifest()

    def pieces(self, path: bytes) -> Iterator[bytes | memoryview]:
        tail = self.large[path]
        left = self.large_size - len(tail)
        yield _head(self.large_size)
        while left > 0:
            yield memoryview(self.block)[:left]
            left -= _BLOCK
        yield tail

    def _put(self, number: int, *, version: int) -> None:
        name = f"{number % 100:02}/file-{number:05}.iso"
        data = random.Random(number << 32 | version).randbytes(self._size)
        self._manifest[name] = hashlib.sha256(data).hexdigest()
        self.answers[f"/small/{name}".encode()] = _head(len(data)) + data

    def _put_manifest(self) -> None:
        text = "".join(f"{name},{digest},{self._size}\n" for name, digest in self._manifest.items()).encode()
        self.answers[b"/small/PULP_MANIFEST"] = _head(len(text)) + text

    def _put_large(self, count: int) -> None:
        lines = []
        common = hashlib.sha256()
        for left in range(self.large_size - 16, 0, -_BLOCK):
            common.update(self.block[:left])
        for number in range(count):
            name, tail, digest = f"disc-{number:02}.iso", f"{number:016}".encode(), common.copy()
            digest.update(tail)
            self.large[f"/large/{name}".encode()] = tail
            lines.append(f"{name},{digest.hexdigest()},{self.large_size}\n")
        text = "".join(lines).encode()
        self.answers[b"/large/PULP_MANIFEST"] = _head(len(text)) + text


class _Http(asyncio.Protocol):
    """Just enough HTTP/1.1: GET, keep-alive, Content-Length."""

    def __init__(self, feeds: _Feeds) -> None:
        self._feeds = feeds
        self._received = b""
        self._pieces: Iterator[bytes | memoryview] | None = None
        self._is_paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            path = self._received.split(b" ", 2)[1]
            self._received = self._received[end + 4 :]
            answer = self._feeds.answers.get(path)
            if answer is not None:
                self._transport.write(answer)
            elif path in self._feeds.large:
                self._pieces = self._feeds.pieces(path)
                self._send()
            else:
                self._transport.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    def pause_writing(self) -> None:
        self._is_paused = True

    def resume_writing(self) -> None:
        self._is_paused = False
        self._send()

    def _send(self) -> None:
        while self._pieces is not None and not self._is_paused:
            piece = next(self._pieces, None)
            if piece is None:
                self._pieces = None
            else:
                self._transport.write(piece)


def _head(length: int) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {length}\r\n\r\n".encode()


async def _serve(feeds: _Feeds) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Http(feeds), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    while command := await loop.run_in_executor(None, sys.stdin.readline):
        if command.strip() == "change":
            feeds.change()
        print("done", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("figures", type=int, nargs=4)
    asyncio.run(_serve(_Feeds(*parser.parse_args().figures)))

"""Reads metadata files of whatever compression, in bounded memory, and cuts XML into its elements without parsing it.

What a feed sends is not trusted: no file unpacks to more than it promised, and no element is longer than `LONGEST_ELEMENT`.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Protocol

import zstandard

from entrepot.plugin import PluginError

LONGEST_ELEMENT = 64 * 2**20  # bytes of one package or advisory; the longest of real ones has 5 MiB
LARGEST_FILE = 16 * 2**30  # bytes that a file may unpack to which promises nothing; Fedora's largest has 1 GiB
LARGEST_DOCUMENT = 64 * 2**20  # bytes of a file that is read as a whole: comps and modules, of which real ones have 10 MB
_CHUNK = 2**17  # bytes that are read from a file at once
_PIECE = 2**19  # bytes that are unpacked at once
_SLICE = 2**10  # bytes given to zstd at once: four can stand for 128 KiB, so that a slice makes at most 32 MiB
_WINDOW = 2**27  # bytes that zstd may look back, as its own program allows
_MEMORY = 2**28  # bytes that xz may take


def unpacked(path: Path, name: str, *, size: int | None = None) -> Iterator[bytes]:
    """Yield what a file unpacks to, piece by piece; the compression (gzip, xz, bzip2, zstd, none) is told by its first bytes.

    `name` is what errors call it. `size`: bytes that it must unpack to; None: unknown.

    Raises:
        PluginError: it is damaged, or unpacks to more or less than `size`, or to more than 16 GiB.

    """
    most = LARGEST_FILE if size is None else size
    total = 0
    gathered = bytearray()  # a file of many tiny parts would be many tiny pieces, and take whoever joins them very long
    try:
        with path.open("rb") as stream:
            for piece in _method(stream)(stream):
                total += len(piece)
                if total > most:
                    raise PluginError(f"{name} unpacks to more than the {most} bytes that are promised; nothing was changed.")
                if not gathered and len(piece) >= _PIECE:
                    yield piece
                    continue
                gathered += piece
                if len(gathered) >= _PIECE:
                    yield bytes(gathered)
                    gathered.clear()
        if gathered:
            yield bytes(gathered)
    except (zlib.error, lzma.LZMAError, zstandard.ZstdError, OSError, EOFError) as error:
        raise PluginError(f"{name} is damaged: it cannot be unpacked ({error}). Nothing was changed.", file=name) from error
    if size is not None and total != size:
        raise PluginError(f"{name} unpacks to {total} bytes, and {size} are promised; nothing was changed.", file=name)


def whole(path: Path, name: str, *, size: int | None = None) -> bytes:
    """Return what a file unpacks to, of at most 64 MiB.

    Raises:
        PluginError: as `unpacked`, or it is larger.

    """
    if size is not None and size > LARGEST_DOCUMENT:
        raise _too_large(name)
    data = bytearray()
    for piece in unpacked(path, name, size=size):
        data += piece
        if len(data) > LARGEST_DOCUMENT:
            raise _too_large(name)
    return bytes(data)


class Elements:
    """The elements of one name below the root of an XML file, as text.

    They are cut behind each end tag, and not parsed. So that each of them is an element, the file must be without comments,
    CDATA and processing instructions: `check` is given all of it, piece by piece, and may refuse.
    """

    def __init__(
        self, pieces: Iterator[bytes], name: str, element: bytes, check: Callable[[bytes], object] | None = None
    ) -> None:
        """Cut what `pieces` yields at `</element>`; `name` is what errors call the file."""
        self.head = b""  # what stands before the first element, when that was read
        self.tail = b""  # what stands behind the last one, in the end
        self._pieces = pieces
        self._name = name
        self._start, self._end = b"<" + element, b"</" + element + b">"
        self._check = check

    def batches(self) -> Iterator[list[bytes]]:
        """Yield some elements at a time, in their order, each from `<` to `>`.

        Raises:
            PluginError: one is longer than 64 MiB.

        """
        rest, is_first = b"", True
        for piece in self._pieces:
            if self._check is not None:
                self._check(piece)
            parts = (rest + piece).split(self._end)
            rest = parts.pop()
            if len(rest) > LONGEST_ELEMENT:
                raise PluginError(f"{self._name} has an element of more than {LONGEST_ELEMENT} bytes; nothing was changed.")
            if not parts:
                continue
            if is_first:
                place = self._first(parts[0])
                self.head, parts[0], is_first = parts[0][:place], parts[0][place:], False
            yield [part.lstrip() + self._end for part in parts]
        self.tail = rest if not is_first else b""
        self.head = rest if is_first else self.head

    def _first(self, text: bytes) -> int:
        """Return where the first element begins; the root's name may begin with the same letters."""
        place = text.find(self._start)
        while place >= 0 and text[place + len(self._start) : place + len(self._start) + 1] not in (b" ", b">", b"\n", b"\t"):
            place = text.find(self._start, place + 1)
        return max(place, 0)


def _too_large(name: str) -> PluginError:
    return PluginError(f"{name} has more than {LARGEST_DOCUMENT} bytes, which is too much for it; nothing was changed.")


def _method(stream: IO[bytes]) -> Callable[[IO[bytes]], Iterator[bytes]]:
    head = stream.read(6)
    stream.seek(0)
    if head.startswith(b"\x1f\x8b"):
        return _gzip
    if head == b"\xfd7zXZ\0":
        return lambda stream: _members(stream, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY))
    if head.startswith(b"BZh"):
        return lambda stream: _members(stream, bz2.BZ2Decompressor)
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return _zstd
    return _plain


def _plain(stream: IO[bytes]) -> Iterator[bytes]:
    while piece := stream.read(_PIECE):
        yield piece


def _gzip(stream: IO[bytes]) -> Iterator[bytes]:
    member = zlib.decompressobj(31)
    while data := stream.read(_CHUNK):
        while data:
            if member.eof:
                data = data.lstrip(b"\0")  # what some tools fill the last block with
                if not data:
                    break
                member = zlib.decompressobj(31)
            piece = member.decompress(data, _PIECE)
            data = member.unused_data if member.eof else member.unconsumed_tail
            while piece:
                yield piece
                piece = b"" if member.eof or data else member.decompress(b"", _PIECE)
    if not member.eof:
        raise EOFError("it ends in the middle")


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def _members(stream: IO[bytes], new: Callable[[], _Decompressor]) -> Iterator[bytes]:
    member = new()
    while data := stream.read(_CHUNK):
        while data or not (member.needs_input or member.eof):
            if member.eof:
                data = data.lstrip(b"\0")
                if not data:
                    break
                member = new()
            piece = member.decompress(data, _PIECE)
            data = member.unused_data if member.eof else b""
            if piece:
                yield piece
    if not member.eof:
        raise EOFError("it ends in the middle")


def _zstd(stream: IO[bytes]) -> Iterator[bytes]:
    """Unpack zstd; the library's own reader of streams does not notice that a file is cut short."""
    library = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
    frame = library.decompressobj()
    while data := stream.read(_SLICE):
        while data:
            if frame.eof:
                frame = library.decompressobj()
            piece = frame.decompress(data)
            data = frame.unused_data if frame.eof else b""
            if piece:
                yield piece
    if not frame.eof:
        raise EOFError("it ends in the middle")

"""Indexes as feeds offer them: unpacked piece by piece, and never more of them than they may have."""

from __future__ import annotations

import gzip
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import zstandard

from entrepot.plugin import PluginError

#: How an index may be packed, the best first: zstd unpacks five times as fast as xz, and xz is the smallest.
PACKINGS = (".zst", ".xz", ".gz", "")
LARGEST_INDEX = 4 << 30  # bytes of text, where the feed does not say how many; that of all of Debian has 50 MB

_CHUNK = 1 << 18  # bytes
_SLICE = 1 << 10  # bytes given to zstd at once: four bytes can stand for 128 KiB, so no slice makes more than 32 MiB
_XZ_MEMORY = 128 << 20  # bytes; xz -9 needs 65 MiB
_ZSTD_WINDOW = 128 << 20  # bytes; what zstd itself accepts unless told otherwise


def read_index(path: Path, packing: str, *, name: str, size: int | None = None) -> Iterator[bytes]:
    """Yield the text of an index piece by piece; `size` is how many bytes of it the feed promised, `name` is for messages.

    Raises:
        PluginError: it is cut short or damaged, longer than promised or than 4 GiB, or shorter than promised.

    """
    limit, done = LARGEST_INDEX if size is None else size, 0
    try:
        with path.open("rb") as file:
            for chunk in unpacked(file, packing):
                done += len(chunk)
                if done > limit:
                    raise PluginError(f"{name} unpacks to more than {limit} bytes: nothing of it is read any further.")
                yield chunk
    except ValueError as error:
        raise PluginError(f"{name} cannot be unpacked: {error}. Is it what its name says?") from error
    if size is not None and done < size:
        raise PluginError(f"{name} unpacks to {done} bytes, but {size} were promised.")


def unpacked(file: IO[bytes], packing: str) -> Iterator[bytes]:
    """Yield what a file holds, at most 32 MiB at once; `packing` is the ending of its name.

    Raises:
        ValueError: it is cut short, damaged, or packed in a way that is not known.

    """
    if packing not in _UNPACKERS:
        raise ValueError(f"it is packed as {packing!r}, which is not known here")
    try:
        yield from _UNPACKERS[packing](file)
    except (EOFError, OSError, zlib.error, lzma.LZMAError, zstandard.ZstdError) as error:
        raise ValueError(str(error) or "it is cut short") from error


def _plain(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


def _gzip(file: IO[bytes]) -> Iterator[bytes]:
    with gzip.open(file) as unpacked:
        while chunk := unpacked.read(_CHUNK):
            yield chunk


def _xz(file: IO[bytes]) -> Iterator[bytes]:
    """Unpack xz, several streams too, in bounded memory: `lzma.open` takes as much as the file asks for."""
    unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
    given = file.read(_CHUNK)
    if not given:
        raise EOFError
    while True:
        yield unpacker.decompress(given, _CHUNK)
        given = b""
        if unpacker.eof:
            given = (unpacker.unused_data or file.read(_CHUNK)).lstrip(b"\0")  # padding may follow a stream
            if not given:
                return
            unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
        elif unpacker.needs_input:
            given = file.read(_CHUNK)
            if not given:
                raise EOFError


def _zstd(file: IO[bytes]) -> Iterator[bytes]:
    """Unpack zstd, several frames too; a file that is cut short is noticed, which the library's own reader does not do."""
    library = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    unpacker = None
    while given := file.read(_SLICE):
        while given:
            unpacker = unpacker or library.decompressobj()
            yield unpacker.decompress(given)
            given = b""
            if unpacker.eof:
                given, unpacker = unpacker.unused_data, None
    if unpacker is not None:
        raise EOFError


_UNPACKERS = {".zst": _zstd, ".xz": _xz, ".gz": _gzip, "": _plain}

"""The document of a package: its three pieces of XML as a yum repository has them, compressed.

Primary, filelists and other of one package each, as createrepo_c writes them, with `Packages/<letter>/<file name>` as the
location: so publishing copies them, and writes no XML anew.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterable

import zstandard

_LEVEL = 1  # 2.6 kB a package for 40 files and 10 changelogs; level 3 saves 5 % and takes twice the time
_LENGTHS = struct.Struct("<II")  # bytes of primary, bytes of filelists; the rest is other


class _Compression(threading.local):
    """One compressor and decompressor a thread: they are quick when used again, and not made for two at once."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=_LEVEL)
        self.decompressor = zstandard.ZstdDecompressor()


_COMPRESSION = _Compression()


def pack(primary: bytes, filelists: bytes, other: bytes) -> bytes:
    """Return the three snippets as one document."""
    return _COMPRESSION.compressor.compress(_LENGTHS.pack(len(primary), len(filelists)) + primary + filelists + other)


def pack_many(snippets: Iterable[tuple[bytes, bytes, bytes]]) -> list[bytes]:
    """Return a document each, as `pack` does; other threads run meanwhile."""
    texts: list[bytes | bytearray | memoryview[int]] = [
        _LENGTHS.pack(len(primary), len(filelists)) + primary + filelists + other for primary, filelists, other in snippets
    ]
    packed = _COMPRESSION.compressor.multi_compress_to_buffer(texts, threads=1)
    return [packed[number].tobytes() for number in range(len(texts))]


def unpack(document: bytes) -> tuple[bytes, bytes, bytes]:
    """Return primary, filelists and other of a document that `pack` made."""
    data = _COMPRESSION.decompressor.decompress(document)
    primary, filelists = _LENGTHS.unpack_from(data)
    start = _LENGTHS.size
    middle, end = start + primary, start + primary + filelists
    return data[start:middle], data[middle:end], data[end:]


def location_of(filename: str) -> str:
    """Return where a package is published, below the repository."""
    return f"Packages/{filename[:1].lower()}/{filename}"

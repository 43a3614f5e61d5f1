"""Feeds in folders of this machine (`file://`), only below `ENTREPOT_ALLOWED_FILE_ROOTS`."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from pathlib import Path

from entrepot.content.addresses import Address
from entrepot.content.writer import BlobWriter, WrittenBlob
from entrepot.errors import FetchAnswered, FetchError, FetchRefused

_PIECE_BYTES = 1024 * 1024
_NOT_FOUND = 404


class LocalFiles:
    """Reads files below the allowed folders; symbolic links and `..` are resolved before that is judged."""

    def __init__(self, allowed_roots: Iterable[Path]) -> None:
        """Resolve the allowed folders."""
        self._roots = [os.path.realpath(root) for root in allowed_roots]

    def copy(self, address: Address, writer: BlobWriter, received: Callable[[int], None]) -> WrittenBlob:
        """Copy a file through `writer`; `received` is told of each piece's bytes and may raise to stop.

        Raises `FetchRefused`; `FetchAnswered` (404) if there is no such file; `SizeDiffers`, `ChecksumDiffers`;
        `FetchError` if it cannot be read; `StorageError`. The writer is aborted then.
        """
        with writer:
            descriptor = self._open(address)
            try:
                while piece := self._read(descriptor, address):
                    writer.write(piece)
                    received(len(piece))
            finally:
                os.close(descriptor)
            return writer.finish()

    def _open(self, address: Address) -> int:
        try:
            path = os.path.realpath(address.path)
        except (OSError, ValueError) as error:  # NUL, or links in a circle
            msg = f"{address.shown} cannot be read: it is no path of a file."
            raise FetchRefused(msg, url=address.shown) from error
        if not any(_is_below(path, root) for root in self._roots):
            folders = ", ".join(self._roots) or "none is named"
            msg = (
                f"{address.shown} is refused: it is not below a folder of ENTREPOT_ALLOWED_FILE_ROOTS ({folders}). "
                "Add its folder there to allow it."
            )
            raise FetchRefused(msg, url=address.shown)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except (FileNotFoundError, NotADirectoryError) as error:
            msg = f"{address.shown} does not exist; check the feed's address."
            raise FetchAnswered(msg, url=address.shown, status=_NOT_FOUND) from error
        except OSError as error:
            raise _unreadable(address, error) from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            msg = f"{address.shown} is no regular file; check the feed's address."
            raise FetchAnswered(msg, url=address.shown, status=_NOT_FOUND)
        return descriptor

    def _read(self, descriptor: int, address: Address) -> bytes:
        try:
            return os.read(descriptor, _PIECE_BYTES)
        except OSError as error:
            raise _unreadable(address, error) from error


def _is_below(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")


def _unreadable(address: Address, error: OSError) -> FetchError:
    reason = os.strerror(error.errno) if error.errno else str(error)
    return FetchError(f"{address.shown} cannot be read: {reason}. Check its permissions.", url=address.shown)

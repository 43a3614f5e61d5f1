"""Tells at once that a file was written to, without looking at it again and again: Linux's inotify.

It is not in Python's library. Where it is missing, or the system has no more to give (`fs.inotify.max_user_instances`, 128
a user as a rule), there is no signal, and who wants to know has to look.
"""

from __future__ import annotations

import ctypes
import os
from typing import Self

#: Something was written to the file. Source: inotify(7).
_IN_MODIFY = 0x2
#: Bytes read at once; one event without a name has 16.
_BUFFER_BYTES = 4096


class WriteSignal:
    """A descriptor that becomes readable when the file is written to; who opens it closes it."""

    def __init__(self, descriptor: int) -> None:
        """Own this inotify descriptor; made by `open`."""
        self._descriptor = descriptor

    @classmethod
    def open(cls, path: str) -> Self | None:
        """Return a signal for the file at `path`, or None where there is none to be had."""
        try:
            library = ctypes.CDLL(None, use_errno=True)
            descriptor = library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        except (AttributeError, OSError):
            return None
        if descriptor < 0:
            return None
        if library.inotify_add_watch(descriptor, os.fsencode(path), _IN_MODIFY) < 0:
            os.close(descriptor)
            return None
        return cls(descriptor)

    def fileno(self) -> int:
        """Return the descriptor, to poll it for input."""
        return self._descriptor

    def clear(self) -> None:
        """Forget the writes that it has told of."""
        try:
            while len(os.read(self._descriptor, _BUFFER_BYTES)) == _BUFFER_BYTES:
                pass
        except BlockingIOError:
            return

    def close(self) -> None:
        """Give the descriptor back; once."""
        os.close(self._descriptor)

"""Tell the watchers of a database that something was committed: at once, but under load at most every 20 ms.

An announcement that is held back is never lost: the next one stands for it, or else a thread makes it, which lives for as
long as one is held back. It is no daemon, so a program that ends waits for it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

#: The channel of PostgreSQL on which changes are announced.
CHANNEL = "entrepot_changes"
#: Seconds between two announcements of a process that has something to announce all the time.
_INTERVAL_SECONDS = 0.02
#: Announcements that may follow each other at once after a quiet time: the few commits of a task or two.
_BURST = 10
#: Seconds by which the thread is later than it might be: a connection that is open anyway does it for less.
_GRACE_SECONDS = 0.02


class Announcement:
    """Sends announcements, of which many in a short time become one; for any number of threads."""

    def __init__(self, send: Callable[[], object], send_apart: Callable[[], object]) -> None:
        """Announce by `send`, and in a thread of its own by `send_apart`, which leaves nothing open; neither raises."""
        self._send = send
        self._send_apart = send_apart
        self._lock = threading.Lock()
        self._due_at = 0.0
        self._is_held_back = False
        self._has_thread = False

    def make(self) -> None:
        """Announce what was committed before this call: now, or soon if another announcement was just made."""
        with self._lock:
            self._is_held_back = True
            is_due = self._take() or not self._ensure_thread()
        if is_due:
            self._send()

    def _take(self, grace_seconds: float = 0.0) -> bool:
        """Return True if the caller is to send now; it holds the lock."""
        now = time.monotonic()
        if not self._is_held_back or now < self._due_at + grace_seconds:
            return False
        self._is_held_back = False
        self._due_at = max(self._due_at, now - (_BURST - 1) * _INTERVAL_SECONDS) + _INTERVAL_SECONDS
        return True

    def _ensure_thread(self) -> bool:
        """Return True if a thread will make the announcement that is held back; the caller holds the lock."""
        if not self._has_thread:
            try:
                threading.Thread(target=self._send_later, name="entrepot-announcement").start()
            except RuntimeError:  # the interpreter is about to end, or the system has no thread to give
                return False
            self._has_thread = True
        return True

    def _send_later(self) -> None:
        while True:
            with self._lock:
                is_due = self._take(_GRACE_SECONDS)
                if not self._is_held_back and not is_due:
                    self._has_thread = False
                    return
                seconds = self._due_at + _GRACE_SECONDS - time.monotonic()
            if is_due:
                self._send_apart()
            else:
                time.sleep(max(0.0, seconds))

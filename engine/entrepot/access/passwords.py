"""Passwords, kept as argon2id hashes only."""

from __future__ import annotations

import logging
import threading
from functools import cached_property
from typing import TYPE_CHECKING

from entrepot.access.accounts import LONGEST_TEXT
from entrepot.errors import InvalidValue

if TYPE_CHECKING:
    from argon2 import PasswordHasher

log = logging.getLogger(__name__)

#: Hashes that one process computes at once: each holds 64 MiB and keeps the processors busy.
HASHES_AT_ONCE = 2


class Passwords:
    """Hashes passwords and compares them, a few at once; safe to share between threads."""

    def __init__(self) -> None:
        """Prepare; the library is loaded when it is first needed."""
        self.slot = threading.BoundedSemaphore(HASHES_AT_ONCE)

    def hash(self, password: object) -> str:
        """Return the hash to keep for a new password; waits for a slot. Raises `InvalidValue`."""
        if not isinstance(password, str) or not 0 < len(password) <= LONGEST_TEXT:
            raise InvalidValue("password", why=f"a password is a text of 1 to {LONGEST_TEXT} characters")
        with self.slot:
            return self._hasher.hash(_bytes(password))

    def matches(self, stored: str | None, password: str) -> bool:
        """Say whether `password` is the one that `stored` is the hash of; the caller holds the slot.

        Without a hash, or with a password that is too long, it costs as much time, and the answer is no.
        """
        from argon2.exceptions import InvalidHashError, VerificationError

        if stored is None or len(password) > LONGEST_TEXT:
            self._hasher.hash(_bytes(password[:LONGEST_TEXT]))
            return False
        try:
            return self._hasher.verify(stored, _bytes(password))
        except InvalidHashError:
            log.warning("A password hash in the database cannot be read; that user cannot log in until it is set anew.")
            return False
        except VerificationError:
            return False

    def renewed(self, stored: str, password: str) -> str | None:
        """Return a new hash if `stored` was made with other parameters than today's, else None; the caller holds the slot."""
        return self._hasher.hash(_bytes(password)) if self._hasher.check_needs_rehash(stored) else None

    @cached_property
    def _hasher(self) -> PasswordHasher:
        from argon2 import PasswordHasher  # a command that needs no password starts faster without

        return PasswordHasher()


def _bytes(password: str) -> bytes:
    """Return the bytes of any text, one with lone surrogates as well."""
    return password.encode("utf-8", "surrogatepass")

"""The walk of a login by password.

1. the user's row                    `accounts`, one statement, on every request
2. was it verified a moment ago?     here: then that is all
3. wait for a slot                   `passwords`: a few hashes at once
4. too many failures?                `attempts`; who had too many a moment ago is asked this before 2
5. compare                           `passwords`, argon2id
6. remember: failure or success      `attempts`; here
"""

from __future__ import annotations

import hmac
import logging
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.access import attempts
from entrepot.access.accounts import Account, find_account, is_login
from entrepot.access.attempts import Limits
from entrepot.errors import InvalidCredentials, TooManyAttempts

if TYPE_CHECKING:
    from entrepot.access.passwords import Passwords
    from entrepot.models import Database
    from entrepot.settings import Settings

log = logging.getLogger(__name__)

#: Credentials that are remembered at most; the one that was verified first goes first.
_MOST_REMEMBERED = 10_000


class PasswordLogin:
    """Says who a login and a password stand for; safe to share between threads."""

    def __init__(self, database: Database, settings: Settings, passwords: Passwords) -> None:
        """Prepare; nothing is remembered yet."""
        self._database = database
        self._passwords = passwords
        self._limits = Limits.of(settings)
        self._verified = VerifiedCredentials(settings.credential_cache_seconds)
        #: Who failed too often, by login and address: for them what is remembered does not count before the failures do.
        self._guessing: OrderedDict[tuple[str, str], None] = OrderedDict()

    def authenticate(self, login: str, password: str, address: str | None) -> Account:
        """Return the user whose password this is; raises `InvalidCredentials`, `TooManyAttempts`."""
        account = find_account(self._database, login)
        guesser = (login if is_login(login) else "", attempts.origin_of(address))
        if account is not None and guesser not in self._guessing and self._verified.has(account, password):
            return account
        with self._passwords.slot:
            if guesser in self._guessing:
                self._refuse_too_many(guesser, address)
            account = find_account(self._database, login)  # it may have waited, and another may have verified it meanwhile
            if account is not None and self._verified.has(account, password):
                return account
            self._refuse_too_many(guesser, address)
            stored = None if account is None else account.password_hash
            if not self._passwords.matches(stored, password) or account is None:
                attempts.record(self._database, login, address)
                log.warning("A login failed: user %s, from %s.", login if is_login(login) else "(no login)", address)
                raise InvalidCredentials(login)
            attempts.forgive(self._database, login, address)
            account = self._renewed(account, password)
            self._verified.add(account, password)
            return account

    def remembers(self, login: str, password: str) -> bool:
        """Say whether they were right a moment ago, so that `authenticate` hashes nothing unless they were changed since."""
        return self._verified.password_hash(login, password) is not None

    def _refuse_too_many(self, guesser: tuple[str, str], address: str | None) -> None:
        """Raise `TooManyAttempts` as the table says; else a guess that is right while its user is at work would be told."""
        self._guessing.pop(guesser, None)
        try:
            attempts.refuse_too_many(self._database, self._limits, guesser[0], address)
        except TooManyAttempts:
            self._guessing[guesser] = None
            while len(self._guessing) > _MOST_REMEMBERED:
                self._guessing.popitem(last=False)
            raise

    def _renewed(self, account: Account, password: str) -> Account:
        """Hash anew what was hashed with parameters of yesterday; return the account as it is kept then."""
        stored = account.password_hash
        renewed = None if stored is None else self._passwords.renewed(stored, password)
        if renewed is None:
            return account
        with self._database.transaction(is_single=True):
            self._database.execute(
                "UPDATE user_account SET password_hash = ? WHERE id = ? AND password_hash = ?",
                (renewed, account.user_id, stored),
            )
        return Account(account.user_id, account.login, renewed, account.roles)


@dataclass(frozen=True, slots=True)
class _Verified:
    """The hash that a credential was verified against, and until when that counts (monotonic, seconds)."""

    password_hash: str = field(repr=False)
    until: float


class VerifiedCredentials:
    """Credentials that were right a moment ago, by a keyed hash that only this process can compute; never the passwords."""

    def __init__(self, seconds: float) -> None:
        """Remember each credential for so many seconds."""
        self._seconds = seconds
        self._key = secrets.token_bytes(32)
        self._entries: OrderedDict[bytes, _Verified] = OrderedDict()
        self._lock = threading.Lock()

    def has(self, account: Account, password: str) -> bool:
        """Say whether it was right, and the user's password has not been changed since."""
        return account.password_hash is not None and account.password_hash == self.password_hash(account.login, password)

    def password_hash(self, login: str, password: str) -> str | None:
        """Return the hash that a login and a password were right for a moment ago, or None."""
        with self._lock:
            entry = self._entries.get(self._name(login, password))
        return entry.password_hash if entry is not None and clock.monotonic() < entry.until else None

    def add(self, account: Account, password: str) -> None:
        """Remember that it was right for the hash that `account` shows."""
        if account.password_hash is None or not self._seconds:
            return
        entry, name = _Verified(account.password_hash, clock.monotonic() + self._seconds), self._name(account.login, password)
        with self._lock:
            self._entries[name] = entry
            self._entries.move_to_end(name)
            while self._entries and self._is_superfluous():
                self._entries.popitem(last=False)

    def _is_superfluous(self) -> bool:
        """Say whether the oldest entry is to go; all live equally long, so it is the first to run out."""
        oldest = next(iter(self._entries.values()))
        return len(self._entries) > _MOST_REMEMBERED or oldest.until <= clock.monotonic()

    def _name(self, login: str, password: str) -> bytes:
        text = f"{login}\0{password}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, text, "sha256")

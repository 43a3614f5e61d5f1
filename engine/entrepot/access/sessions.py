"""Login sessions of browsers: 256 random bits in a cookie that stand for a user, kept as their SHA-256.

1. begin         a password was right: a new secret, never one that a browser brought along
2. authenticate  each request, by one statement; it counts as a sign of life
3. end           by logging out, by being idle, by age, with a new password, with the user

What a page's forms send back to show that it was a page of ours, `csrf_token`, is computed from the secret and kept nowhere.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.access.accounts import Account, change, find_account, find_user_id
from entrepot.access.reports import SessionReport
from entrepot.errors import DatabaseError, InvalidCredentials, MissingResource, SessionEnded, StorageError
from entrepot.models import storable

if TYPE_CHECKING:
    from entrepot.models import Database
    from entrepot.settings import Settings

log = logging.getLogger(__name__)

_RANDOM_BYTES = 32
#: What is kept of an address and of what a browser says it is, characters.
_LONGEST_TEXT = 200
#: That a session was used is written at most this often, and at most so many times within its idle limit.
_USE_IS_WRITTEN_EVERY = timedelta(minutes=1)
_WRITTEN_WITHIN_IDLE = 10


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long a session lasts: without a request, and at all."""

    idle: timedelta
    age: timedelta

    @classmethod
    def of(cls, settings: Settings) -> SessionLimits:
        """Return the limits that `settings` name."""
        return cls(timedelta(minutes=settings.session_idle_minutes), timedelta(days=settings.session_days))


def csrf_token(secret: str) -> str:
    """Return what the forms of this session carry; whoever reads it does not know the secret."""
    return hmac.digest(_bytes(secret), b"entrepot: forms of this session", "sha256").hex()


def is_csrf_token(secret: str, given: str) -> bool:
    """Say whether a form of this session was sent, in a time that tells nothing of how wrong `given` is."""
    return hmac.compare_digest(csrf_token(secret).encode(), _bytes(given))


def begin(database: Database, limits: SessionLimits, account: Account, *, address: str | None, agent: str | None) -> str:
    """Begin a session of a user whose password was right a moment ago, and return its secret, which is told this once.

    Raises `InvalidCredentials` if the password was changed, or the user deleted, meanwhile.
    """
    secret = secrets.token_urlsafe(_RANDOM_BYTES)
    with change(database):
        present = find_account(database, account.login)
        if present is None or (present.user_id, present.password_hash) != (account.user_id, account.password_hash):
            raise InvalidCredentials(account.login)
        now = clock.now_us()
        database.execute(
            "INSERT INTO login_session (digest, user_account, created_at, last_seen_at, expires_at, address, agent) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (_digest(secret), account.user_id, now, now, now + clock.us(limits.age), _short(address), _short(agent)),
        )
    return secret


def authenticate(database: Database, limits: SessionLimits, secret: str, *, is_use: bool = True) -> Account:
    """Return the user whose session this is, by one statement; raises `SessionEnded`. Without `is_use` it is no use."""
    digest = _digest(secret)
    rows = database.rows(
        "SELECT s.digest, s.last_seen_at, s.expires_at, u.id, u.login, r.role_id FROM login_session s "
        "JOIN user_account u ON u.id = s.user_account LEFT JOIN role_member m ON m.user_account = u.id "
        "LEFT JOIN role r ON r.id = m.role WHERE s.digest = ? ORDER BY r.role_id",
        (digest,),
    )
    if not rows or not hmac.compare_digest(rows[0][0], digest):
        raise SessionEnded
    _, last_seen_at, expires_at, user_id, login, _ = rows[0]
    now, idle = clock.now_us(), clock.us(limits.idle)
    if min(expires_at, last_seen_at + idle) <= now:
        raise SessionEnded
    if is_use and last_seen_at <= now - min(clock.us(_USE_IS_WRITTEN_EVERY), idle // _WRITTEN_WITHIN_IDLE):
        _note_use(database, digest, now)
    return Account(user_id, login, None, tuple(row[5] for row in rows if row[5] is not None))


def login_of(database: Database, secret: str) -> str | None:
    """Return whose session this is, also if it has ended by itself; None if there is none."""
    query = "SELECT u.login FROM login_session s JOIN user_account u ON u.id = s.user_account WHERE s.digest = ?"
    row = database.row(query, (_digest(secret),))
    return None if row is None else row[0]


def end(database: Database, secret: str) -> None:
    """End a session; one that has ended already is no error."""
    with database.transaction(is_single=True):
        database.execute("DELETE FROM login_session WHERE digest = ?", (_digest(secret),))


def end_all(database: Database, login: str) -> int:
    """End all sessions of a user and return how many there were; raises `MissingResource`."""
    with change(database):
        return end_of_user(database, _user(database, login))


def end_of_user(database: Database, user_id: int) -> int:
    """End the sessions of a user, in the caller's transaction; return how many there were."""
    return int(database.execute("DELETE FROM login_session WHERE user_account = ?", (user_id,)).rowcount)


def list_sessions(database: Database, limits: SessionLimits, login: str) -> list[SessionReport]:
    """Return the sessions of a user that have not ended, the one that was used last first; raises `MissingResource`."""
    now, idle = clock.now_us(), clock.us(limits.idle)
    rows = database.rows(
        "SELECT created_at, last_seen_at, expires_at, address, agent FROM login_session "
        "WHERE user_account = ? AND expires_at > ? AND last_seen_at > ? ORDER BY last_seen_at DESC, digest",
        (_user(database, login), now, now - idle),
    )
    return [
        SessionReport(
            login=login,
            created=clock.from_us(created_at),
            last_seen=clock.from_us(last_seen_at),
            expires=clock.from_us(min(expires_at, last_seen_at + idle)),
            address=address,
            agent=agent,
        )
        for created_at, last_seen_at, expires_at, address, agent in rows
    ]


def remove_ended(database: Database, limits: SessionLimits) -> int:
    """Remove the sessions that have ended by themselves; return how many. One round of a loop."""
    now = clock.now_us()
    with database.transaction(durable=False, is_single=True):
        query = "DELETE FROM login_session WHERE expires_at <= ? OR last_seen_at <= ?"
        return int(database.execute(query, (now, now - clock.us(limits.idle))).rowcount)


def _note_use(database: Database, digest: str, now: int) -> None:
    """Keep when a session was used last; who only reads is not refused because the database cannot be written."""
    try:
        with database.transaction(durable=False, is_single=True):
            database.execute("UPDATE login_session SET last_seen_at = ? WHERE digest = ?", (now, digest))
    except (DatabaseError, StorageError) as error:
        log.warning("The use of a session cannot be noted: %s", error)


def _user(database: Database, login: str) -> int:
    user_id = find_user_id(database, login)
    if user_id is None:
        raise MissingResource(login=str(login))
    return user_id


def _short(text: str | None) -> str | None:
    return None if text is None else storable(text)[:_LONGEST_TEXT]


def _digest(secret: str) -> str:
    return hashlib.sha256(_bytes(secret)).hexdigest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")

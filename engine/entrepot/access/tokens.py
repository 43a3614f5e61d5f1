"""API tokens: 256 random bits that stand for a user, kept as their SHA-256.

Unlike a password, a token cannot be guessed, so a fast digest is enough and failures are not counted.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.access.accounts import Account, change, find_user_id, is_text
from entrepot.access.reports import TokenReport
from entrepot.errors import (
    DatabaseError,
    DuplicateResource,
    InvalidCredentials,
    InvalidValue,
    MissingResource,
    StorageError,
)

if TYPE_CHECKING:
    from entrepot.models import Database

log = logging.getLogger(__name__)

#: How every token begins, so that people and scanners of leaked secrets know one when they see it.
PREFIX = "ept_"
_RANDOM_BYTES = 32
_LONGEST_NAME = 100
#: `last_used` is written at most this often.
_USE_IS_WRITTEN_EVERY = timedelta(minutes=1)


def create(database: Database, login: str, name: str, *, expires: datetime | None) -> tuple[TokenReport, str]:
    """Make a token of a user's and return it with its secret, which nobody can show again.

    `expires` is aware, and not before now. Raises `MissingResource`, `InvalidValue` (`name`, `expires`), `DuplicateResource`
    if he has one of that name.
    """
    if not is_text(name) or len(name) > _LONGEST_NAME or not name.isprintable():
        raise InvalidValue("name", why=f"{name!r} is no text of 1 to {_LONGEST_NAME} printable characters")
    if expires is not None and (expires.tzinfo is None or expires <= clock.now()):
        raise InvalidValue("expires", why="it must have a time zone, and lie ahead")
    secret = PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    with change(database):
        user_id = _user(database, login)
        if _row_id(database, user_id, name) is not None:
            raise DuplicateResource(name)
        database.execute(
            "INSERT INTO api_token (user_account, name, digest, created_at, expires_at) VALUES (?, ?, ?, ?, ?)",
            (user_id, name, _digest(secret), clock.now_us(), None if expires is None else clock.to_us(expires)),
        )
    return next(token for token in list_tokens(database, login) if token.name == name), secret


def list_tokens(database: Database, login: str | None) -> list[TokenReport]:
    """Return the tokens of one user, or all, by login and name; raises `MissingResource` if there is no such user."""
    where, parameters = ("", ()) if login is None else ("WHERE u.id = ?", (_user(database, login),))
    query = (
        "SELECT t.id, u.login, t.name, t.created_at, t.expires_at, t.last_used_at FROM api_token t "
        f"JOIN user_account u ON u.id = t.user_account {where} ORDER BY u.login, t.name"
    )
    return [
        TokenReport(row_id, owner, name, clock.from_us(created), _moment(expires), _moment(last_used))
        for row_id, owner, name, created, expires, last_used in database.rows(query, parameters)
    ]


def revoke(database: Database, login: str, name: str) -> None:
    """Remove a token, which counts for nothing from now on; raises `MissingResource`."""
    with change(database):
        row_id = _row_id(database, _user(database, login), name)
        if row_id is None:
            raise MissingResource(token=name)
        database.execute("DELETE FROM api_token WHERE id = ?", (row_id,))


def authenticate(database: Database, token: str) -> tuple[Account, str]:
    """Return the user whom a token stands for, and its name, by one statement; raises `InvalidCredentials`."""
    digest = _digest(token)
    rows = database.rows(
        "SELECT t.id, t.digest, t.name, t.expires_at, t.last_used_at, u.id, u.login, r.role_id FROM api_token t "
        "JOIN user_account u ON u.id = t.user_account LEFT JOIN role_member m ON m.user_account = u.id "
        "LEFT JOIN role r ON r.id = m.role WHERE t.digest = ? ORDER BY r.role_id",
        (digest,),
    )
    if not rows or not hmac.compare_digest(rows[0][1], digest):
        raise InvalidCredentials
    row_id, _, name, expires_at, last_used_at, user_id, login, _ = rows[0]
    now = clock.now_us()
    if expires_at is not None and expires_at <= now:
        raise InvalidCredentials
    if last_used_at is None or last_used_at <= now - clock.us(_USE_IS_WRITTEN_EVERY):
        _note_use(database, row_id, now)
    return Account(user_id, login, None, tuple(row[7] for row in rows if row[7] is not None)), name


def _note_use(database: Database, row_id: int, now: int) -> None:
    """Keep when a token was used last; who only reads is not refused because the database cannot be written."""
    try:
        with database.transaction(durable=False, is_single=True):
            database.execute("UPDATE api_token SET last_used_at = ? WHERE id = ?", (now, row_id))
    except (DatabaseError, StorageError) as error:
        log.warning("The use of a token cannot be noted: %s", error)


def _user(database: Database, login: str) -> int:
    user_id = find_user_id(database, login)
    if user_id is None:
        raise MissingResource(login=str(login))
    return user_id


def _row_id(database: Database, user_id: int, name: object) -> int | None:
    if not is_text(name):
        return None
    row = database.row("SELECT id FROM api_token WHERE user_account = ? AND name = ?", (user_id, name))
    return None if row is None else row[0]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else clock.from_us(microseconds)

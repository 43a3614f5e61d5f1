"""Tokens of tenants: 256 random bits, kept as their SHA-256, which nobody can guess or show again."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.errors import DatabaseError, DuplicateResource, InvalidValue, MissingResource, StorageError
from entrepot.models import storable
from entrepot.tenants import channels, tenant_rows
from entrepot.tenants.reports import TenantPrincipal
from entrepot.tenants.rules import Rules

if TYPE_CHECKING:
    from entrepot.models import Database

log = logging.getLogger(__name__)

#: How every token begins, so that people and scanners of leaked secrets know one when they see it.
PREFIX = "epf_"
_RANDOM_BYTES = 32
#: `last_used` is written at most this often.
_USE_IS_WRITTEN_EVERY = timedelta(minutes=1)
_FIND = (
    "SELECT t.id, t.token_hash, t.name, t.scopes, t.expires_at, t.last_used_at, n.id, n.name, c.handle FROM tenant_token t "
    "JOIN tenant n ON n.id = t.tenant LEFT JOIN tenant_channel c ON c.id = t.channel WHERE t.token_hash = ? AND n.facade = ?"
)


def issue(
    database: Database,
    facade: Rules,
    name: str,
    token_name: str,
    *,
    handle: str | None,
    scopes: Sequence[str] | None,
    expires: datetime | None,
) -> tuple[int, str]:
    """Make a token and return the row id of its tenant, and its secret; see `Tenants.issue_token`."""
    facade.check_token_name(token_name)
    if expires is not None and (expires.tzinfo is None or expires <= clock.now()):
        raise InvalidValue("expires", why="it must have a time zone, and lie ahead")
    if facade.binds_tokens and handle is None:
        raise InvalidValue("handle", why=f"say which {facade.channel} it is good for")
    if facade.only_handle is not None and handle is not None:
        raise InvalidValue("handle", why="a token is good for the whole account")
    secret = PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    with tenant_rows.change(database):
        tenant = tenant_rows.get_id(database, facade, name)
        channel = None if handle is None else channels.find_id(database, tenant, handle)
        if handle is not None and channel is None:
            raise MissingResource(channel=str(handle))
        if scopes is None and facade.token_names:
            scopes = _scopes(database, tenant, token_name)
        if facade.token_names:
            _make_room(database, facade, tenant, token_name)
        elif _row_id(database, tenant, token_name) is not None:
            raise DuplicateResource(token_name)
        database.execute(
            "INSERT INTO tenant_token (tenant, channel, name, token_hash, scopes, created_at, expires_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                tenant,
                channel,
                token_name,
                _digest(secret),
                json.dumps(facade.scopes_for(scopes)),
                clock.now_us(),
                None if expires is None else clock.to_us(expires),
            ),
        )
    return tenant, secret


def revoke(database: Database, facade: Rules, name: str, token_name: str) -> None:
    """Remove a token, which counts for nothing from now on; raises `MissingResource`."""
    with tenant_rows.change(database):
        row_id = _row_id(database, tenant_rows.get_id(database, facade, name), token_name)
        if row_id is None:
            raise MissingResource(tenant_token=str(token_name))
        database.execute("DELETE FROM tenant_token WHERE id = ?", (row_id,))


def authenticate(database: Database, facade: Rules, secret: str) -> TenantPrincipal | None:
    """Return whose token this is, by one statement; None if it is nobody's. See `Tenants.authenticate`."""
    digest = _digest(secret)
    row = database.row(_FIND, (digest, facade.facade))
    if row is None or not hmac.compare_digest(row[1], digest):
        return None
    row_id, _, token_name, scopes, expires_at, last_used_at, tenant, name, handle = row
    now = clock.now_us()
    is_expired = expires_at is not None and expires_at <= now
    if not is_expired and (last_used_at is None or last_used_at <= now - clock.us(_USE_IS_WRITTEN_EVERY)):
        _note_use(database, row_id, now)
    return TenantPrincipal(
        facade.facade, tenant, name, handle, tuple(json.loads(scopes)), row_id, token_name, is_expired=is_expired
    )


def _make_room(database: Database, facade: Rules, tenant: int, token_name: str) -> None:
    """Revoke the token that the new one takes the place of; the first of two becomes the second."""
    first, second = facade.token_names
    if token_name == first and _row_id(database, tenant, first) is None:
        return
    database.execute("DELETE FROM tenant_token WHERE tenant = ? AND name = ?", (tenant, second))
    if token_name == first:
        database.execute("UPDATE tenant_token SET name = ? WHERE tenant = ? AND name = ?", (second, tenant, first))


def _scopes(database: Database, tenant: int, token_name: str) -> list[str] | None:
    """Return the scopes of the token that a new one takes the place of; None if there is none."""
    row = database.row("SELECT scopes FROM tenant_token WHERE tenant = ? AND name = ?", (tenant, token_name))
    return None if row is None else json.loads(row[0])


def _note_use(database: Database, row_id: int, now: int) -> None:
    """Keep when a token was used last; who only reads is not refused because the database cannot be written."""
    try:
        with database.transaction(durable=False, is_single=True):
            database.execute("UPDATE tenant_token SET last_used_at = ? WHERE id = ?", (now, row_id))
    except (DatabaseError, StorageError) as error:
        log.warning("The use of a token cannot be noted: %s", error)


def _row_id(database: Database, tenant: int, name: object) -> int | None:
    if not isinstance(name, str) or storable(name) != name:
        return None
    row = database.row("SELECT id FROM tenant_token WHERE tenant = ? AND name = ?", (tenant, name))
    return None if row is None else row[0]


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()

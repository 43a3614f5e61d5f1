"""Find, read and change tenants, one change after the other; channels and tokens have modules of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.errors import JSON, DuplicateResource, MissingResource
from entrepot.tenants import rules
from entrepot.tenants.reports import ChannelReport, TenantReport, TokenReport
from entrepot.tenants.rules import Rules

if TYPE_CHECKING:
    from entrepot.models import Database

_TENANTS = "SELECT id, facade, name, settings, created_at FROM tenant n{where} ORDER BY facade, name"
_CHANNELS = (
    "SELECT c.tenant, c.id, c.handle, c.is_default, c.settings FROM tenant_channel c "
    "JOIN tenant n ON n.id = c.tenant{where} ORDER BY c.id"
)
_SOURCES = (
    "SELECT s.channel, s.repository_id, s.distributor_id FROM tenant_source s JOIN tenant_channel c ON c.id = s.channel "
    "JOIN tenant n ON n.id = c.tenant{where} ORDER BY s.id"
)
_TOKENS = (
    "SELECT t.tenant, t.id, t.name, c.handle, t.scopes, t.created_at, t.expires_at, t.last_used_at FROM tenant_token t "
    "JOIN tenant n ON n.id = t.tenant LEFT JOIN tenant_channel c ON c.id = t.channel{where} ORDER BY t.name"
)


@contextmanager
def change(database: Database) -> Iterator[None]:
    """Run the block in one transaction, with no other change of tenants beside it; such changes are rare."""
    with database.transaction():
        database.lock_resources(["tenants"])
        yield


def add(database: Database, facade: Rules, name: str, settings: object) -> None:
    """Make a tenant; raises `InvalidValue`, `DuplicateResource`."""
    facade.check_name(name)
    kept = rules.merged({}, settings, facade.settings)
    with change(database):
        if find_id(database, facade, name) is not None:
            raise DuplicateResource(name)
        row = database.row(
            "INSERT INTO tenant (facade, name, settings, created_at) VALUES (?, ?, ?, ?) RETURNING id",
            (facade.facade, name, json.dumps(kept), clock.now_us()),
        )
        assert row is not None  # noqa: S101 - RETURNING
        if facade.only_handle is not None:
            database.execute(
                "INSERT INTO tenant_channel (tenant, handle, is_default, settings, created_at) VALUES (?, ?, ?, ?, ?)",
                (row[0], facade.only_handle, True, "{}", clock.now_us()),
            )


def update(database: Database, facade: Rules, name: str, settings: object) -> None:
    """Change settings; raises `MissingResource`, `InvalidValue`."""
    with change(database):
        tenant = get_id(database, facade, name)
        row = database.row("SELECT settings FROM tenant WHERE id = ?", (tenant,))
        kept: dict[str, JSON] = json.loads(row[0]) if row else {}
        changed = rules.merged(kept, settings, facade.settings)
        database.execute("UPDATE tenant SET settings = ? WHERE id = ?", (json.dumps(changed), tenant))


def remove(database: Database, facade: Rules, name: str) -> None:
    """Remove a tenant with its channels and tokens; raises `MissingResource`."""
    with change(database):
        database.execute("DELETE FROM tenant WHERE id = ?", (get_id(database, facade, name),))


def find_id(database: Database, facade: Rules, name: object) -> int | None:
    """Return the row id of a tenant, or None."""
    canonical = facade.canonical(name)
    if canonical is None:
        return None
    is_written = "upper(name) = ?" if facade.facade == "edgecast" else "name = ?"
    row = database.row(f"SELECT id FROM tenant WHERE facade = ? AND {is_written}", (facade.facade, canonical))
    return None if row is None else row[0]


def get_id(database: Database, facade: Rules, name: object) -> int:
    """Return the row id of a tenant; raises `MissingResource`."""
    found = find_id(database, facade, name)
    if found is None:
        raise MissingResource(tenant=str(name))
    return found


def report(database: Database, tenant: int) -> TenantReport:
    """Return one tenant."""
    return _reports(database, " WHERE n.id = ?", (tenant,))[0]


def reports(database: Database, facade: str | None) -> list[TenantReport]:
    """Return the tenants of one facade, or of all, by facade and name; in four statements."""
    return _reports(database, "", ()) if facade is None else _reports(database, " WHERE n.facade = ?", (facade,))


def _reports(database: Database, where: str, parameters: tuple[object, ...]) -> list[TenantReport]:
    rows = database.rows(_TENANTS.format(where=where), parameters)
    channels = _channels(database, where, parameters)
    tokens: dict[int, list[TokenReport]] = {}
    for tenant, row_id, name, handle, scopes, created, expires, used in database.rows(_TOKENS.format(where=where), parameters):
        token = TokenReport(
            row_id, name, handle, tuple(json.loads(scopes)), clock.from_us(created), _moment(expires), _moment(used)
        )
        tokens.setdefault(tenant, []).append(token)
    return [
        TenantReport(
            row_id,
            facade,
            name,
            _settings(settings),
            clock.from_us(created),
            tuple(channels.get(row_id, ())),
            tuple(tokens.get(row_id, ())),
        )
        for row_id, facade, name, settings, created in rows
    ]


def _channels(database: Database, where: str, parameters: tuple[object, ...]) -> Mapping[int, list[ChannelReport]]:
    sources: dict[int, list[tuple[str, str]]] = {}
    for channel, repository_id, distributor_id in database.rows(_SOURCES.format(where=where), parameters):
        sources.setdefault(channel, []).append((repository_id, distributor_id))
    found: dict[int, list[ChannelReport]] = {}
    for tenant, row_id, handle, is_default, settings in database.rows(_CHANNELS.format(where=where), parameters):
        report_ = ChannelReport(row_id, handle, bool(is_default), _settings(settings), tuple(sources.get(row_id, ())))
        found.setdefault(tenant, []).append(report_)
    return found


def _settings(text: str) -> dict[str, JSON]:
    kept: dict[str, JSON] = json.loads(text)
    return kept


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else clock.from_us(microseconds)

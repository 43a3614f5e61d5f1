"""Make and change the channels of tenants, and say what they show."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.errors import JSON, InvalidValue, MissingResource, OperationRefused
from entrepot.models import storable
from entrepot.repositories import rows as repository_rows
from entrepot.tenants import rules, tenant_rows
from entrepot.tenants.rules import Rules

if TYPE_CHECKING:
    from entrepot.models import Database

#: In place of a distributor's id: whichever the repository has.
ANY_DISTRIBUTOR = "*"


def set_channel(
    database: Database,
    facade: Rules,
    name: str,
    handle: str,
    *,
    is_default: bool | None,
    settings: Mapping[str, JSON] | None,
    sources: Iterable[tuple[str, str]] | None,
) -> int:
    """Make a channel, or change one, and return the row id of its tenant; see `Tenants.set_channel`."""
    facade.check_handle(handle)
    wanted = None if sources is None else _pairs(sources)
    with tenant_rows.change(database):
        tenant = tenant_rows.get_id(database, facade, name)
        channel = find_id(database, tenant, handle)
        if channel is None:
            changed = rules.merged({}, settings, facade.channel_settings)
            is_first = database.row("SELECT 1 FROM tenant_channel WHERE tenant = ?", (tenant,)) is None
            is_default = is_first if is_default is None else is_default
            row = database.row(
                "INSERT INTO tenant_channel (tenant, handle, is_default, settings, created_at) "
                "VALUES (?, ?, ?, ?, ?) RETURNING id",
                (tenant, handle, False, json.dumps(changed), clock.now_us()),
            )
            assert row is not None  # noqa: S101 - RETURNING
            channel = row[0]
        else:
            _change_settings(database, facade, channel, settings)
        if is_default is not None:
            _set_default(database, tenant, channel, is_default=is_default)
        if wanted is not None:
            database.execute("DELETE FROM tenant_source WHERE channel = ?", (channel,))
            for repository_id, distributor_id in wanted:
                _add(database, facade, channel, repository_id, distributor_id)
    return tenant


def remove_channel(database: Database, facade: Rules, name: str, handle: str) -> int:
    """Remove a channel with the tokens that are good for it only, and return the row id of its tenant.

    Raises `MissingResource`, `OperationRefused` for the only one that a tenant of the facade can have.
    """
    with tenant_rows.change(database):
        tenant = tenant_rows.get_id(database, facade, name)
        channel = _get_id(database, tenant, handle)
        if facade.only_handle is not None:
            raise OperationRefused(
                f"An {facade.facade} account always has its one channel; remove its sources, or the account."
            )
        database.execute("DELETE FROM tenant_channel WHERE id = ?", (channel,))
    return tenant


def add_source(database: Database, facade: Rules, name: str, handle: str, source: tuple[str, str]) -> int:
    """Let a channel show a repository's distributor, and return the row id of the tenant; see `Tenants.add_source`."""
    (pair,) = _pairs([source])
    with tenant_rows.change(database):
        tenant = tenant_rows.get_id(database, facade, name)
        _add(database, facade, _get_id(database, tenant, handle), *pair)
    return tenant


def remove_source(database: Database, facade: Rules, name: str, handle: str, source: tuple[str, str]) -> int:
    """Let a channel no longer show a source, and return the row id of the tenant; raises `MissingResource`."""
    with tenant_rows.change(database):
        tenant = tenant_rows.get_id(database, facade, name)
        channel = _get_id(database, tenant, handle)
        parameters = (channel, *_pairs([source])[0])
        where = "WHERE channel = ? AND repository_id = ? AND distributor_id = ?"
        if database.row(f"SELECT 1 FROM tenant_source {where}", parameters) is None:
            raise MissingResource(source="/".join(source))
        database.execute(f"DELETE FROM tenant_source {where}", parameters)
    return tenant


def find_id(database: Database, tenant: int, handle: object) -> int | None:
    """Return the row id of a tenant's channel, or None."""
    if not isinstance(handle, str) or storable(handle) != handle:
        return None
    row = database.row("SELECT id FROM tenant_channel WHERE tenant = ? AND handle = ?", (tenant, handle))
    return None if row is None else row[0]


def _get_id(database: Database, tenant: int, handle: object) -> int:
    found = find_id(database, tenant, handle)
    if found is None:
        raise MissingResource(channel=str(handle))
    return found


def _change_settings(database: Database, facade: Rules, channel: int, settings: Mapping[str, JSON] | None) -> None:
    row = database.row("SELECT settings FROM tenant_channel WHERE id = ?", (channel,))
    kept: dict[str, JSON] = json.loads(row[0]) if row else {}
    changed = rules.merged(kept, settings, facade.channel_settings)
    database.execute("UPDATE tenant_channel SET settings = ? WHERE id = ?", (json.dumps(changed), channel))


def _set_default(database: Database, tenant: int, channel: int, *, is_default: bool) -> None:
    if is_default:
        database.execute("UPDATE tenant_channel SET is_default = ? WHERE tenant = ?", (False, tenant))
    database.execute("UPDATE tenant_channel SET is_default = ? WHERE id = ?", (is_default, channel))


def _pairs(sources: Iterable[object]) -> list[tuple[str, str]]:
    """Return pairs of repository and distributor, each once; raises `InvalidValue`."""
    found: dict[tuple[str, str], None] = {}
    for source in sources:
        pair = list(source) if isinstance(source, (tuple, list)) else []
        if len(pair) != 2 or not all(isinstance(part, str) and storable(part) == part for part in pair):  # noqa: PLR2004 - a pair
            raise InvalidValue("sources", why=f"{source!r} is no pair of repository id and distributor id, `*` for any")
        found[pair[0], pair[1]] = None
    return list(found)


def _add(database: Database, facade: Rules, channel: int, repository_id: str, distributor_id: str) -> None:
    repository = repository_rows.get_repository(database, repository_id)
    if distributor_id != ANY_DISTRIBUTOR:
        repository_rows.get_distributor(database, repository, distributor_id)
    shown = database.rows("SELECT repository_id, distributor_id FROM tenant_source WHERE channel = ?", (channel,))
    if (repository_id, distributor_id) in {(one, other) for one, other in shown}:
        return
    if facade.most_sources is not None and len(shown) >= facade.most_sources:
        raise InvalidValue("sources", why=f"a {facade.facade} {facade.channel} shows {facade.most_sources} and not more")
    database.execute(
        "INSERT INTO tenant_source (channel, repository_id, distributor_id) VALUES (?, ?, ?)",
        (channel, repository_id, distributor_id),
    )

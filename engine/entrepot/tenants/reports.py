"""What doors and programs see of tenants; frozen, and free of secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from entrepot.errors import JSON


@dataclass(frozen=True, slots=True)
class ChannelReport:
    """What a tenant sees under one handle; sources are pairs of repository and distributor, `*` for any distributor."""

    channel_id: int
    handle: str
    is_default: bool
    settings: Mapping[str, JSON]
    sources: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class TokenReport:
    """A token without its secret, which nobody knows.

    `handle` is None for one that is good for all channels, `expires` for one that never does.
    """

    token_id: int
    name: str
    handle: str | None
    scopes: tuple[str, ...]
    created: datetime
    expires: datetime | None
    last_used: datetime | None


@dataclass(frozen=True, slots=True)
class TenantReport:
    """A tenant of a facade; channels in the order they were made, tokens by name."""

    tenant_id: int
    facade: str
    name: str
    settings: Mapping[str, JSON]
    created: datetime
    channels: tuple[ChannelReport, ...]
    tokens: tuple[TokenReport, ...]

    def find_channel(self, handle: str | None) -> ChannelReport | None:
        """Return the channel with this handle, for None the default one; None if there is none."""
        if handle is None:
            return next((channel for channel in self.channels if channel.is_default), None)
        return next((channel for channel in self.channels if channel.handle == handle), None)


@dataclass(frozen=True, slots=True)
class TenantPrincipal:
    """Whose token a request shows; `channel` is the handle of the only one that it is good for, None for all of them."""

    facade: str
    tenant_id: int
    tenant: str
    channel: str | None
    scopes: tuple[str, ...]
    token_id: int
    token_name: str
    is_expired: bool

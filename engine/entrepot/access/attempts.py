"""Failed logins, counted in the database: processes count together, and what they count outlives them."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.access.accounts import is_login
from entrepot.errors import TooManyAttempts
from entrepot.models import storable

if TYPE_CHECKING:
    from entrepot.models import Database
    from entrepot.settings import Settings

#: A network of one customer: who has one IPv6 address has all of it.
_IPV6_PREFIX = 64
_LONGEST_ADDRESS = 100
_SECOND_US = 1_000_000


@dataclass(frozen=True)
class Limits:
    """How many failures are borne, and how long each counts."""

    of_both: int
    of_address: int
    window: timedelta

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """Return the limits that `settings` name."""
        return cls(
            settings.login_failures, settings.login_failures_of_address, timedelta(seconds=settings.login_failure_seconds)
        )


def refuse_too_many(database: Database, limits: Limits, login: str, address: str | None) -> None:
    """Raise `TooManyAttempts` if too many logins of this user from this address, or of all from there, have failed.

    Without an address, the user's own failures count alone.
    """
    origin, now = origin_of(address), clock.now_us()
    window = clock.us(limits.window)
    query = "SELECT failed_at FROM failed_login WHERE {} AND failed_at > ? ORDER BY failed_at DESC LIMIT 1 OFFSET ?"
    lasts = [
        database.row(query.format("address = ? AND login = ?"), (origin, _name(login), now - window, limits.of_both - 1)),
        database.row(query.format("address = ?"), (origin, now - window, limits.of_address - 1)) if origin else None,
    ]
    # The failure that must leave the window before one more is borne; one from a clock that is ahead counts as of now.
    until = max((min(row[0], now) + window for row in lasts if row is not None), default=now)
    if until > now:
        raise TooManyAttempts(-(-(until - now) // _SECOND_US))


def record(database: Database, login: str, address: str | None) -> None:
    """Keep that a login failed."""
    with database.transaction(durable=False, is_single=True):
        database.execute(
            "INSERT INTO failed_login (login, address, failed_at) VALUES (?, ?, ?)",
            (_name(login), origin_of(address), clock.now_us()),
        )


def forgive(database: Database, login: str, address: str | None) -> None:
    """Forget the failures of a user from an address: he has logged in from there."""
    who = (origin_of(address), _name(login))
    if database.row("SELECT 1 FROM failed_login WHERE address = ? AND login = ? LIMIT 1", who) is None:
        return
    with database.transaction(durable=False, is_single=True):
        database.execute("DELETE FROM failed_login WHERE address = ? AND login = ?", who)


def remove_old(database: Database, limits: Limits) -> int:
    """Remove the failures that do not count any more; return how many. One round of a loop."""
    before = clock.now_us() - clock.us(limits.window)
    with database.transaction(durable=False, is_single=True):
        return int(database.execute("DELETE FROM failed_login WHERE failed_at <= ?", (before,)).rowcount)


def origin_of(address: str | None) -> str:
    """Return what failures from `address` are counted by: an IPv4 address, an IPv6 network of one customer, or the text."""
    if address is None:
        return ""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return storable(address)[:_LONGEST_ADDRESS]
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _IPV6_PREFIX), strict=False))


def _name(login: str) -> str:
    """Return the login, or nothing for what cannot be one: it counts towards the address all the same."""
    return login if is_login(login) else ""

"""What doors and programs see of users, roles, permissions and tokens; frozen, and free of secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class UserReport:
    """A user; without a password there is no login by password."""

    user_id: int
    login: str
    name: str
    roles: tuple[str, ...]
    has_password: bool
    created: datetime


@dataclass(frozen=True, slots=True)
class RoleReport:
    """A role: the names of the operations that it grants by resource, and the logins of those who have it."""

    id: int
    role_id: str
    display_name: str
    description: str | None
    permissions: Mapping[str, tuple[str, ...]]
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PermissionReport:
    """Who may do what on one resource: names of operations by login, those that come through roles among them."""

    permission_id: int
    resource: str
    users: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class TokenReport:
    """An API token without its secret, which nobody knows; `expires` is None if it never does."""

    token_id: int
    login: str
    name: str
    created: datetime
    expires: datetime | None
    last_used: datetime | None


@dataclass(frozen=True, slots=True)
class SessionReport:
    """A browser in which somebody has logged in, without its secret; `expires` is when it ends if nothing comes from it.

    `address` and `agent`, what the browser says it is, are those of the login; None if they were not known.
    """

    login: str
    created: datetime
    last_seen: datetime
    expires: datetime
    address: str | None
    agent: str | None


@dataclass(frozen=True, slots=True)
class AuditReport:
    """A change, or a refusal: who, proved how (`via`) and from where, through which door, did what to what.

    `fields` are the names of what was given, never the values. `outcome` is `done` or `refused`.
    """

    entry_id: int
    created: datetime
    login: str
    via: str
    token_name: str | None
    address: str | None
    door: str
    action: str
    resource: str
    fields: tuple[str, ...]
    outcome: str
    request_id: str | None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who sends a request, and how that was proved; `token_name` is None unless by a token, `local` is who uses the machine."""

    user_id: int
    login: str
    roles: tuple[str, ...]
    is_superuser: bool
    via: Literal["password", "token", "certificate", "session", "local"]
    token_name: str | None = None


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """A user's new private key, which is kept nowhere, and the certificate for it."""

    key_pem: str = field(repr=False)
    certificate_pem: str

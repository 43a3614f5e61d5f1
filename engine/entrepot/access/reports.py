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
class Principal:
    """Who sends a request, and how that was proved; `token_name` is None unless by a token."""

    user_id: int
    login: str
    roles: tuple[str, ...]
    is_superuser: bool
    via: Literal["password", "token", "certificate"]
    token_name: str | None = None


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """A user's new private key, which is kept nowhere, and the certificate for it."""

    key_pem: str = field(repr=False)
    certificate_pem: str

"""Who may do what: users, roles, permissions, API tokens and certificates. `service.Access` is all of it.

Who it is, one of three ways, each ends in a `Principal`:
    password       `password_login` -> `passwords` (argon2id), `attempts` (failures are limited)
    token          `tokens`
    certificate    `certificates` -> `authority` (the engine's own)
What he may do:
    `permissions`  grants by resource path (`resources`) and operation (`operations`); `roles` bundle them
The first user is made by `administrator`, the others by `users`.
"""

from entrepot.access.accounts import SUPER_USERS
from entrepot.access.operations import Operation, operations_named
from entrepot.access.passwords import HASHES_AT_ONCE
from entrepot.access.reports import (
    IssuedCertificate,
    PermissionReport,
    Principal,
    RoleReport,
    TokenReport,
    UserReport,
)
from entrepot.access.service import Access

__all__ = [
    "HASHES_AT_ONCE",
    "SUPER_USERS",
    "Access",
    "IssuedCertificate",
    "Operation",
    "PermissionReport",
    "Principal",
    "RoleReport",
    "TokenReport",
    "UserReport",
    "operations_named",
]

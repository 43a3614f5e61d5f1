"""Who may do what: users, roles, permissions, sessions, API tokens and certificates. `service.Access` is all of it.

Who it is, one of four ways, each ends in a `Principal`:
    password       `password_login` -> `passwords` (argon2id), `attempts` (failures are limited)
    session        `sessions`: a browser whose user gave his password
    token          `tokens`
    certificate    `certificates` -> `authority` (the engine's own)
What he may do:
    `permissions`  grants by resource path (`resources`) and operation (`operations`); `roles` bundle them;
    `repetition`   who may try a task again
What was done:
    `audit`        who has changed what, and who was refused
The first user is made by `administrator`, the others by `users`.
"""

from entrepot.access.accounts import SUPER_USERS
from entrepot.access.audit import Actor, names_in
from entrepot.access.operations import Operation, operations_named
from entrepot.access.repetition import may_retry, require_retry
from entrepot.access.reports import (
    AuditReport,
    IssuedCertificate,
    PermissionReport,
    Principal,
    RoleReport,
    SessionReport,
    TokenReport,
    UserReport,
)
from entrepot.access.service import Access
from entrepot.access.sessions import csrf_token, is_csrf_token

__all__ = [
    "SUPER_USERS",
    "Access",
    "Actor",
    "AuditReport",
    "IssuedCertificate",
    "Operation",
    "PermissionReport",
    "Principal",
    "RoleReport",
    "SessionReport",
    "TokenReport",
    "UserReport",
    "csrf_token",
    "is_csrf_token",
    "may_retry",
    "names_in",
    "operations_named",
    "require_retry",
]

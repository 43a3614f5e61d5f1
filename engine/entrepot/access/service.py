"""Who may do what in one engine: `engine.access`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from entrepot.access import administrator, attempts, audit, certificates, permissions, roles, search, sessions, tokens, users
from entrepot.access.accounts import Account, change, find_account
from entrepot.access.audit import Actor
from entrepot.access.authority import Authority
from entrepot.access.operations import Operation
from entrepot.access.password_login import PasswordLogin
from entrepot.access.passwords import Passwords
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
from entrepot.access.resources import is_search, normalised
from entrepot.access.roles import role_resource
from entrepot.access.sessions import SessionLimits
from entrepot.access.users import user_resource
from entrepot.errors import PermissionDenied

if TYPE_CHECKING:
    from entrepot.criteria import Criteria
    from entrepot.models import Database
    from entrepot.settings import Settings


class Access:
    """Users, roles, permissions, tokens and certificates; safe to share between threads."""

    def __init__(self, database: Database, settings: Settings) -> None:
        """Serve the users of `database`; nothing is read or written."""
        self._database = database
        self._settings = settings
        self._passwords = Passwords()
        self._password_login = PasswordLogin(database, settings, self._passwords)
        self._session_limits = SessionLimits.of(settings)
        self._authority = Authority(settings.authority_dir)

    def authenticate_password(self, login: str, password: str, *, address: str | None) -> Principal:
        """Return the user whose password this is; `address` is where the request comes from, if that is known.

        Raises `InvalidCredentials`, and `TooManyAttempts` with `retry_after` seconds. A password that was right is hashed
        anew only after `credential_cache_seconds`; one that was changed or whose user was deleted is refused at once.
        """
        return _principal(self._password_login.authenticate(login, password, address), "password")

    def remembers(self, login: str, password: str) -> bool:
        """Say whether they were right a moment ago, so that `authenticate_password` hashes nothing; asks no database."""
        return self._password_login.remembers(login, password)

    def authenticate_token(self, token: str) -> Principal:
        """Return the user whom an API token stands for; raises `InvalidCredentials`."""
        account, name = tokens.authenticate(self._database, token)
        return _principal(account, "token", name)

    def authenticate_certificate(self, certificate: bytes | str) -> Principal:
        """Return the user whom a certificate of ours, PEM or DER, stands for; raises `InvalidCertificate`.

        Whoever terminated TLS has made sure that the sender has the key.
        """
        return _principal(certificates.authenticate(self._authority, self._database, certificate), "certificate")

    def begin_session(
        self, login: str, password: str, *, address: str | None, agent: str | None, request_id: str | None = None
    ) -> tuple[str, Principal]:
        """Log a browser in: return the secret for its cookie, which is told this once, and the user; the audit log has it.

        `agent` is what the browser says it is. Raises as `authenticate_password`.
        """
        account = self._password_login.authenticate(login, password, address)
        actor = Actor(login, "password", None, address, "dashboard", request_id)
        with self.acting(actor, "log in", f"{user_resource(login)}sessions/"):
            secret = sessions.begin(self._database, self._session_limits, account, address=address, agent=agent)
        return secret, _principal(account, "session")

    def authenticate_session(self, secret: str, *, is_use: bool = True) -> Principal:
        """Return the user who has logged in with the browser that brings `secret`; raises `SessionEnded`.

        What a browser is sent while nobody does anything is no use of the session, which ends by being idle all the same.
        """
        return _principal(sessions.authenticate(self._database, self._session_limits, secret, is_use=is_use), "session")

    def end_session(self, secret: str, *, address: str | None = None, request_id: str | None = None) -> None:
        """Log a browser out, which the audit log has; one whose session has ended already is no error."""
        login = sessions.login_of(self._database, secret)
        if login is not None:
            actor = Actor(login, "session", None, address, "dashboard", request_id)
            with self.acting(actor, "log out", f"{user_resource(login)}sessions/"):
                sessions.end(self._database, secret)

    def end_sessions(self, login: str) -> int:
        """Log all browsers of a user out and return how many there were; raises `MissingResource`."""
        return sessions.end_all(self._database, login)

    def list_sessions(self, login: str) -> list[SessionReport]:
        """Return in which browsers a user is logged in, the one that was used last first; raises `MissingResource`."""
        return sessions.list_sessions(self._database, self._session_limits, login)

    def forget_ended_sessions(self) -> int:
        """Remove the sessions that have ended by themselves; one round of a loop. Return how many."""
        return sessions.remove_ended(self._database, self._session_limits)

    def issue_certificate(self, principal: Principal) -> IssuedCertificate:
        """Return a new key and a certificate for `principal`, valid for `certificate_days`.

        Raises `OperationRefused` for who came by a token, `StorageError`.
        """
        return certificates.issue(self._authority, principal, valid=timedelta(days=self._settings.certificate_days))

    def authority_file(self) -> Path:
        """Return where the authority's certificate lies, which is made if there is none; raises `StorageError`."""
        self._authority.signer()
        return self._authority.certificate_file

    def allows(self, principal: Principal, operation: Operation, resource: str) -> bool:
        """Say whether `principal` may do `operation` on `resource`: a grant on it or on any path above it suffices."""
        return permissions.allows(self._database, principal, operation, resource)

    def require(self, principal: Principal, operation: Operation, resource: str) -> None:
        """Raise `PermissionDenied` unless `principal` may do `operation` on `resource`."""
        if not self.allows(principal, operation, resource):
            raise PermissionDenied(principal.login, operation.name, resource)

    def permissions(self, resource: str | None = None) -> list[PermissionReport]:
        """Return what is granted on `resource`, or everywhere; raises `InvalidValue` for what is no path."""
        return permissions.permissions(self._database, resource)

    def grant_to_user(self, login: str, resource: str, operations: Iterable[Operation]) -> None:
        """Let a user do `operations` on `resource` and below; raises `InvalidValue`, `MissingValue`."""
        permissions.grant_to_user(self._database, login, resource, operations)

    def revoke_from_user(self, login: str, resource: str, operations: Iterable[Operation]) -> None:
        """Take operations from a user, but for those he has through a role; raises `InvalidValue`, `MissingValue`."""
        permissions.revoke_from_user(self._database, login, resource, operations)

    def grant_to_role(self, role_id: str, resource: str, operations: Iterable[Operation]) -> None:
        """Let all who have a role do `operations`; raises `InvalidValue`, `MissingValue`, `OperationRefused`."""
        permissions.grant_to_role(self._database, role_id, resource, operations)

    def revoke_from_role(self, role_id: str, resource: str, operations: Iterable[Operation]) -> None:
        """Take operations from a role; raises `InvalidValue`, `MissingValue`, `OperationRefused`."""
        permissions.revoke_from_role(self._database, role_id, resource, operations)

    def grant_creator(self, login: str, resource: str) -> None:
        """Let a user do everything to what he has created, unless its path is that of a search; raises `InvalidValue`."""
        if not is_search(normalised(resource)):
            permissions.grant_to_user(self._database, login, resource, Operation)

    def forget_resource(self, resource: str) -> None:
        """Remove all grants on `resource` and below: it is deleted, and its successor must not inherit them."""
        permissions.forget_resource(self._database, resource)

    def create_user(
        self,
        login: str,
        *,
        password: str | None = None,
        name: str | None = None,
        roles: Iterable[str] = (),
        creator: str | None = None,
    ) -> UserReport:
        """Make a user, with the grants of the contract's 1.6; `creator`, a login, may do everything to him.

        Raises `InvalidValue`, `DuplicateResource`.
        """
        password_hash = None if password is None else self._passwords.hash(password)
        return users.create(self._database, login, password_hash=password_hash, name=name, roles=roles, creator=creator)

    def get_user(self, login: str) -> UserReport:
        """Return a user; raises `MissingResource`."""
        return users.get(self._database, login)

    def list_users(self) -> list[UserReport]:
        """Return all users, by login."""
        return users.list_users(self._database)

    def search_users(self, criteria: Criteria) -> list[UserReport]:
        """Return the users that `criteria` select; raises `InvalidValue`, `SearchTooSlow`."""
        return search.search_users(self._database, criteria)

    def update_user(
        self,
        login: str,
        *,
        name: str | None = None,
        password: str | None = None,
        roles: Iterable[str] | None = None,
        by: Principal | None = None,
    ) -> UserReport:
        """Change what is given, all or nothing; `roles` takes the place of those he has. A new password ends his sessions.

        `by` is who asks, None for the administrator of the machine: everybody may UPDATE himself, so each role that is given
        or taken needs UPDATE on that role's users as well, and a super user's password is set by himself and other super
        users only. Raises `MissingResource`, `InvalidValue`, `PermissionDenied`, `OperationRefused` (the last super user
        stays one).
        """

        def permit(role_id: str) -> None:
            if by is not None:
                self.require(by, Operation.UPDATE, f"{role_resource(role_id)}users/")

        password_hash = None if password is None else self._passwords.hash(password)
        with change(self._database):
            if password is not None:
                self._require_no_climb(by, login)
            return users.update(self._database, login, name=name, password_hash=password_hash, roles=roles, permit=permit)

    def delete_user(self, login: str) -> None:
        """Delete a user with his tokens and grants; raises `MissingResource`, `OperationRefused` (the last super user)."""
        users.delete(self._database, login)

    def ensure_administrator(self) -> str | None:
        """Make the user `admin`, a super user, if there is no super user yet.

        Returns the password if one was generated, for whoever starts the engine to say once.
        """
        return administrator.ensure(self._database, self._settings, self._passwords)

    def create_role(self, role_id: str, display_name: str | None = None, description: str | None = None) -> RoleReport:
        """Make a role that grants nothing yet; raises `InvalidValue`, `DuplicateResource`."""
        return roles.create(self._database, role_id, display_name=display_name, description=description)

    def get_role(self, role_id: str) -> RoleReport:
        """Return a role; raises `MissingResource`."""
        return roles.get(self._database, role_id)

    def list_roles(self) -> list[RoleReport]:
        """Return all roles, by id."""
        return roles.list_roles(self._database)

    def update_role(self, role_id: str, *, display_name: str | None = None, description: str | None = None) -> RoleReport:
        """Change what is given; raises `MissingResource`, `InvalidValue`, `OperationRefused` for the super users."""
        return roles.update(self._database, role_id, display_name=display_name, description=description)

    def delete_role(self, role_id: str) -> None:
        """Delete a role and what it grants; raises `MissingResource`, `OperationRefused` for the super users."""
        roles.delete(self._database, role_id)

    def add_user_to_role(self, role_id: str, login: str) -> None:
        """Give a user a role; raises `MissingResource` (no such role), `InvalidValue` (no such user)."""
        roles.add_user(self._database, role_id, login)

    def remove_user_from_role(self, role_id: str, login: str) -> None:
        """Take a role from a user; raises as `add_user_to_role`, and `OperationRefused` (the last super user)."""
        roles.remove_user(self._database, role_id, login)

    def users_of_role(self, role_id: str) -> list[UserReport]:
        """Return who has a role, by login; raises `MissingResource`."""
        return users.users_of_role(self._database, role_id)

    def create_token(
        self, login: str, name: str, *, expires: datetime | None = None, by: Principal | None = None
    ) -> tuple[TokenReport, str]:
        """Make an API token and return it with its secret, which is shown this once.

        `by` is who asks, None for the administrator of the machine. Raises `MissingResource`, `InvalidValue`,
        `DuplicateResource`, and `PermissionDenied` if he would get a super user's token and is none.
        """
        with change(self._database):
            self._require_no_climb(by, login)
            return tokens.create(self._database, login, name, expires=expires)

    def list_tokens(self, login: str | None = None) -> list[TokenReport]:
        """Return the tokens of a user, or of all; raises `MissingResource`."""
        return tokens.list_tokens(self._database, login)

    def revoke_token(self, login: str, name: str) -> None:
        """Remove a token; raises `MissingResource`."""
        tokens.revoke(self._database, login, name)

    @contextmanager
    def acting(self, actor: Actor, action: str, resource: str, fields: Iterable[str] = ()) -> Iterator[None]:
        """Keep in the audit log what `actor` does within the block: what he changes, or that he was refused it.

        The first transaction of this thread that changes something writes the entry, so that there is one if and only if
        something was changed; `PermissionDenied` out of the block writes one as well. `fields` are names, never values: see
        `names_in`. A block within another is a part of that one.
        """
        if self._database.is_witnessed:
            yield
            return
        names = tuple(fields)

        def write(condition: str) -> bool:
            return audit.write(self._database, actor, action, resource, names, condition=condition)

        try:
            with self._database.witnessed(write):
                yield
        except PermissionDenied:
            self.refused(actor, action, resource)
            raise

    def refused(self, actor: Actor, action: str, resource: str) -> None:
        """Keep in the audit log that `actor` was refused what would have changed something; never fails."""
        audit.note_refusal(self._database, actor, action, resource)

    def list_audit(
        self,
        *,
        login: str | None = None,
        resource: str | None = None,
        door: str | None = None,
        outcome: str | None = None,
        before_id: int | None = None,
        limit: int = 100,
    ) -> list[AuditReport]:
        """Return the newest entries of the audit log first: on `resource`, a path, and below it, if it is given, and so on.

        `before_id` is the last entry of a list, to go on behind it; `limit` is at most 1000. Raises `InvalidValue`.
        """
        return audit.list_entries(
            self._database, login=login, resource=resource, door=door, outcome=outcome, before_id=before_id, limit=limit
        )

    def prune_audit(self) -> int:
        """Remove entries that are older than `audit_retention_days`; one round of a loop. Return how many."""
        return audit.prune(self._database, older_than=timedelta(days=self._settings.audit_retention_days))

    def forget_failed_logins(self) -> int:
        """Remove the failed logins that do not count any more; one round of a loop. Return how many."""
        return attempts.remove_old(self._database, attempts.Limits.of(self._settings))

    def _require_no_climb(self, by: Principal | None, login: str) -> None:
        """Raise `PermissionDenied` if `by`, who is no super user, would be able to come in as one; in a `change`."""
        if by is None or by.is_superuser or by.login == login:
            return
        account = find_account(self._database, login)
        if account is not None and account.is_superuser:
            raise PermissionDenied(by.login, Operation.UPDATE.name, user_resource(login))


def _principal(
    account: Account, via: Literal["password", "token", "certificate", "session"], token_name: str | None = None
) -> Principal:
    return Principal(account.user_id, account.login, account.roles, account.is_superuser, via, token_name)

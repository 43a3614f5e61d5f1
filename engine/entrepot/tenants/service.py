"""The tenants of the facades of one engine: `engine.tenants`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from entrepot.tenants import channels, tenant_rows, tokens
from entrepot.tenants.rules import rules_of

if TYPE_CHECKING:
    from entrepot.errors import JSON
    from entrepot.models import Database
    from entrepot.tenants.reports import TenantPrincipal, TenantReport, TokenReport


class Tenants:
    """Accounts and projects of the facades `edgecast`, `livingdocs` and `pugpig`; safe to share between threads.

    All methods raise `MissingResource` for a facade, tenant, channel or token that is not there.
    """

    def __init__(self, database: Database) -> None:
        """Serve the tenants of `database`; nothing is read or written."""
        self._database = database

    def add(self, facade: str, name: str, settings: Mapping[str, JSON] | None = None) -> TenantReport:
        """Make a tenant: an account by its number (edgecast) or its code (pugpig), a project by its id (livingdocs).

        Numbers of accounts are kept as given and compared without case; zeros in front count. Settings of a project:
        `document_types`, an object of unit types, each with `article`, `page` or `data-record`. Raises `InvalidValue`,
        `DuplicateResource`.
        """
        tenant_rows.add(self._database, rules_of(facade), name, settings)
        return self.get(facade, name)

    def get(self, facade: str, name: str) -> TenantReport:
        """Return one tenant."""
        return tenant_rows.report(self._database, tenant_rows.get_id(self._database, rules_of(facade), name))

    def list(self, facade: str | None = None) -> list[TenantReport]:
        """Return the tenants of a facade, or of all, by facade and name."""
        return tenant_rows.reports(self._database, None if facade is None else rules_of(facade).facade)

    def update(self, facade: str, name: str, settings: Mapping[str, JSON]) -> TenantReport:
        """Change settings: those named, None removes one; raises `InvalidValue`."""
        tenant_rows.update(self._database, rules_of(facade), name, settings)
        return self.get(facade, name)

    def remove(self, facade: str, name: str) -> None:
        """Remove a tenant with its channels and tokens, which count for nothing from now on."""
        tenant_rows.remove(self._database, rules_of(facade), name)

    def set_channel(
        self,
        facade: str,
        name: str,
        handle: str,
        *,
        is_default: bool | None = None,
        settings: Mapping[str, JSON] | None = None,
        sources: Iterable[tuple[str, str]] | None = None,
    ) -> TenantReport:
        """Make a channel (livingdocs) or a publication (pugpig), or change what is given of one; return its tenant.

        An edgecast account has one, with an empty handle. `sources`, pairs of repository id and distributor id (`*` for any),
        take the place of those there were; a publication has one. The first channel is the default one; a new default takes the
        place of the old. Settings of a publication: `endpoint_prefix`; None removes one. Raises `InvalidValue`, and
        `MissingResource` for a source that is not there.
        """
        tenant = channels.set_channel(
            self._database, rules_of(facade), name, handle, is_default=is_default, settings=settings, sources=sources
        )
        return tenant_rows.report(self._database, tenant)

    def remove_channel(self, facade: str, name: str, handle: str) -> TenantReport:
        """Remove a channel with the tokens that are good for it only, and return its tenant.

        Raises `OperationRefused` for that of an edgecast account.
        """
        return tenant_rows.report(self._database, channels.remove_channel(self._database, rules_of(facade), name, handle))

    def add_source(
        self, facade: str, name: str, repository_id: str, distributor_id: str = "*", *, handle: str = ""
    ) -> TenantReport:
        """Let a channel show a repository's distributor, or any of its, and return the tenant; raises `InvalidValue`."""
        source = (repository_id, distributor_id)
        return tenant_rows.report(self._database, channels.add_source(self._database, rules_of(facade), name, handle, source))

    def remove_source(
        self, facade: str, name: str, repository_id: str, distributor_id: str = "*", *, handle: str = ""
    ) -> TenantReport:
        """Let a channel no longer show what `add_source` was called with, and return the tenant."""
        source = (repository_id, distributor_id)
        return tenant_rows.report(
            self._database, channels.remove_source(self._database, rules_of(facade), name, handle, source)
        )

    def issue_token(
        self,
        facade: str,
        name: str,
        token_name: str,
        *,
        handle: str | None = None,
        scopes: Sequence[str] | None = None,
        expires: datetime | None = None,
    ) -> tuple[TokenReport, str]:
        """Make a token and return it with its secret, which nobody can show again.

        An edgecast account has two, `primary` and `backup`: a new primary makes the one before the backup, and revokes the
        backup. One of a pugpig publication, `handle`, is good for that only. Without `scopes` it may only read, or what the
        token may whose place it takes. `expires` is aware, and not before now. Raises `InvalidValue`, `DuplicateResource`.
        """
        tenant, secret = tokens.issue(
            self._database, rules_of(facade), name, token_name, handle=handle, scopes=scopes, expires=expires
        )
        report = tenant_rows.report(self._database, tenant)
        return next(token for token in report.tokens if token.name == token_name), secret

    def revoke_token(self, facade: str, name: str, token_name: str) -> None:
        """Revoke a token, at once."""
        tokens.revoke(self._database, rules_of(facade), name, token_name)

    def authenticate(self, facade: str, secret: str) -> TenantPrincipal | None:
        """Return whose token this is, expired or not; None if it is none of this facade's.

        That it was used is written at most once a minute.
        """
        return tokens.authenticate(self._database, rules_of(facade), secret)

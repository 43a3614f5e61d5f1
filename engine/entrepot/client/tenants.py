"""The tenants of the facades of a server: `client.tenants`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.client.documents import Document
from entrepot.errors import InvalidValue
from entrepot.tenants import FACADES, ChannelReport, TenantReport, TokenReport

if TYPE_CHECKING:
    from entrepot.client.connection import Connection
    from entrepot.errors import JSON


class Tenants:
    """Accounts and projects of the facades of a server; see `entrepot.tenants.Tenants` for what each may be called."""

    def __init__(self, connection: Connection) -> None:
        """Speak of the tenants of the server that `connection` leads to."""
        self._connection = connection

    def add(self, facade: str, name: str, settings: Mapping[str, JSON] | None = None) -> TenantReport:
        """Make a tenant: an account (edgecast, pugpig) or a project (livingdocs).

        Raises `MissingResource` for a facade that there is not, `InvalidValue`, `DuplicateResource`.
        """
        body = {"name": name, "settings": settings}
        return _report(self._connection.post("facades", facade, "tenants", body=body))

    def get(self, facade: str, name: str) -> TenantReport:
        """Return one tenant; raises `MissingResource`."""
        return _report(self._connection.get(*_path(facade, name)))

    def list(self, facade: str | None = None) -> list[TenantReport]:
        """Return the tenants of a facade, or of all, by facade and name; raises `MissingResource`."""
        facades = FACADES if facade is None else (facade,)
        documents = [document for one in facades for document in self._connection.get("facades", one, "tenants")]
        return list(map(_report, documents))

    def update(self, facade: str, name: str, settings: Mapping[str, JSON]) -> TenantReport:
        """Change settings: those named, None removes one; raises `MissingResource`, `InvalidValue`."""
        return _report(self._connection.put(*_path(facade, name), body={"settings": settings}))

    def remove(self, facade: str, name: str) -> None:
        """Remove a tenant with its channels and tokens; raises `MissingResource`."""
        self._connection.delete(*_path(facade, name))

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

        `sources`, pairs of repository id and distributor id (`*` for any), take the place of those there were. Raises
        `MissingResource`, `InvalidValue`.
        """
        body = {
            "handle": handle,
            "is_default": is_default,
            "settings": settings,
            "sources": None if sources is None else [_source(*pair) for pair in sources],
        }
        return self._changed(facade, name, "channels", body=body)

    def remove_channel(self, facade: str, name: str, handle: str) -> TenantReport:
        """Remove a channel with the tokens that are good for it only, and return its tenant; raises `MissingResource`."""
        return _report(self._connection.delete(*_path(facade, name), "channels", handle).document)

    def add_source(
        self, facade: str, name: str, repository_id: str, distributor_id: str = "*", *, handle: str = ""
    ) -> TenantReport:
        """Let a channel show a repository's distributor, or any of its, and return the tenant.

        Raises `MissingResource`, `InvalidValue`.
        """
        body = {**_source(repository_id, distributor_id), "handle": handle}
        return self._changed(facade, name, "actions", "add_source", body=body)

    def remove_source(
        self, facade: str, name: str, repository_id: str, distributor_id: str = "*", *, handle: str = ""
    ) -> TenantReport:
        """Let a channel no longer show what `add_source` was called with, and return the tenant; raises `MissingResource`."""
        body = {**_source(repository_id, distributor_id), "handle": handle}
        return self._changed(facade, name, "actions", "remove_source", body=body)

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

        `handle` is the only channel that it is good for. Without `scopes` it may only read, or what the token may whose place
        it takes. `expires` is aware, to the second. Raises `MissingResource`, `InvalidValue`, `DuplicateResource`.
        """
        if expires is not None and expires.tzinfo is None:
            raise InvalidValue("expires", why="it must have a time zone, and lie ahead")
        body = {
            "name": token_name,
            "handle": handle,
            "scopes": None if scopes is None else [*scopes],
            "expires": None if expires is None else clock.iso(expires),
        }
        document = self._connection.post(*_path(facade, name), "tokens", body=body)
        return _token(document), document["token"]

    def revoke_token(self, facade: str, name: str, token_name: str) -> None:
        """Revoke a token, at once; raises `MissingResource`."""
        self._connection.delete(*_path(facade, name), "tokens", token_name)

    def _changed(self, facade: str, name: str, *below: str, body: Document) -> TenantReport:
        return _report(self._connection.post(*_path(facade, name), *below, body=body))


def _path(facade: str, name: str) -> tuple[str, ...]:
    return "facades", facade, "tenants", name


def _source(repository_id: str, distributor_id: str) -> Document:
    return {"repository_id": repository_id, "distributor_id": distributor_id}


def _report(document: Document) -> TenantReport:
    return TenantReport(
        tenant_id=int(document["id"], 16),
        facade=document["facade"],
        name=document["name"],
        settings=document["settings"],
        created=datetime.fromisoformat(document["created"]),
        channels=tuple(map(_channel, document["channels"])),
        tokens=tuple(map(_token, document["tokens"])),
    )


def _channel(document: Document) -> ChannelReport:
    return ChannelReport(
        channel_id=document["channel_id"],
        handle=document["handle"],
        is_default=document["is_default"],
        settings=document["settings"],
        sources=tuple((source["repository_id"], source["distributor_id"]) for source in document["sources"]),
    )


def _token(document: Document) -> TokenReport:
    return TokenReport(
        token_id=document["token_id"],
        name=document["name"],
        handle=document["handle"],
        scopes=tuple(document["scopes"]),
        created=datetime.fromisoformat(document["created"]),
        expires=_moment(document["expires"]),
        last_used=_moment(document["last_used"]),
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)

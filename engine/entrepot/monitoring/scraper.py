"""Who may read the metrics: networks that the settings name, and whoever logs in and may read the status."""

from __future__ import annotations

import binascii
from base64 import b64decode
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from entrepot.access import Operation
from entrepot.errors import InvalidCredentials, NotAuthenticated

if TYPE_CHECKING:
    from starlette.types import Scope

    from entrepot.engine import Engine

_RESOURCE = "/v2/status/"
#: Headers by which a proxy gives itself away that does not say for whom it asks.
_PROXY_HEADERS = frozenset({b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip"})


def is_known_network(engine: Engine, scope: Scope) -> bool:
    """Say whether a request comes from `metrics_networks`; a proxy that does not name the client is no such."""
    client = scope.get("client")
    peer = scope.get("extensions", {}).get("entrepot.peer")
    address = client[0] if client else ""
    if peer in (None, address) and any(name in _PROXY_HEADERS for name, _ in scope["headers"]):
        return False
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in ip_network(network) for network in engine.settings.metrics_networks)


def require_reader(engine: Engine, scope: Scope) -> None:
    """Let pass whoever may read the status, by HTTP Basic or a token; asks the database.

    Raises `NotAuthenticated`, `InvalidCredentials`, `TooManyAttempts`, `PermissionDenied`.
    """
    sent = next((value.decode("latin-1").strip() for name, value in scope["headers"] if name == b"authorization"), "")
    kind, _, rest = sent.partition(" ")
    client = scope.get("client")
    if kind.lower() == "basic":
        login, password = _basic(rest)
        principal = engine.access.authenticate_password(login, password, address=client[0] if client else None)
    elif kind.lower() == "bearer":
        principal = engine.access.authenticate_token(rest.strip())
    else:
        raise NotAuthenticated
    engine.access.require(principal, Operation.READ, _RESOURCE)


def _basic(text: str) -> tuple[str, str]:
    try:
        login, colon, password = b64decode(text.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InvalidCredentials("") from error
    if not colon:
        raise InvalidCredentials(login)
    return login, password

"""Who sends a request: HTTP Basic, a token, or a client certificate; the first of these that is offered decides.

A certificate comes from the TLS connection itself, or, behind a proxy that ends TLS, in the header that the settings name,
and then from trusted addresses only. Source: the Pulp 2 REST contract, 1.5.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING
from urllib.parse import unquote

from entrepot.errors import InvalidCertificate, InvalidCredentials, NotAuthenticated

if TYPE_CHECKING:
    from starlette.types import Scope

    from entrepot.access import Principal
    from entrepot.engine import Engine
    from entrepot.settings import Settings


def who(engine: Engine, scope: Scope) -> Principal:
    """Return who sends the request.

    Raises `NotAuthenticated`, `InvalidCredentials`, `InvalidCertificate`, `TooManyAttempts`.
    """
    credentials = _header(scope, b"authorization")
    kind, _, rest = credentials.partition(" ")
    if kind.lower() == "basic":
        login, password = _basic(rest)
        return engine.access.authenticate_password(login, password, address=client_address(scope))
    if kind.lower() == "bearer":
        return engine.access.authenticate_token(rest.strip())
    certificate = _certificate(engine.settings, scope)
    if certificate is not None:
        return engine.access.authenticate_certificate(certificate)
    raise NotAuthenticated


def takes_a_hash(engine: Engine, scope: Scope) -> bool:
    """Say whether `who` has to hash a password to answer: one that was right a moment ago is remembered."""
    kind, _, rest = _header(scope, b"authorization").partition(" ")
    if kind.lower() != "basic":
        return False
    try:
        return not engine.access.remembers(*_basic(rest))
    except InvalidCredentials:
        return False


def client_address(scope: Scope) -> str | None:
    """Return the address that the request comes from, if the server knows it."""
    client = scope.get("client")
    return client[0] if client else None


def _basic(text: str) -> tuple[str, str]:
    """Return login and password; old proxies put `, Basic` behind them."""
    try:
        login, colon, password = b64decode(text.strip().removesuffix(", Basic"), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InvalidCredentials("") from error
    if not colon:
        raise InvalidCredentials(login)
    return login, password


def _certificate(settings: Settings, scope: Scope) -> bytes | None:
    """Return the client's certificate, PEM or DER, if there is one that may be believed."""
    offered = scope.get("extensions", {}).get("entrepot.client_certificate")
    if isinstance(offered, bytes):
        return offered
    name = settings.client_certificate_header
    if not name:
        return None
    text = _header(scope, name.lower().encode())
    if not text or not _is_trusted(settings, scope):
        return None
    if sum(key == name.lower().encode() for key, _ in scope["headers"]) > 1:
        raise InvalidCertificate(f"the header {name} comes twice: the proxy must replace what a client sends")
    pem = unquote(text).replace("\t", "\n")
    if "-----BEGIN CERTIFICATE-----" not in pem:
        raise InvalidCertificate(f"the header {name} holds none")
    return pem.encode()


def _is_trusted(settings: Settings, scope: Scope) -> bool:
    peer = scope.get("extensions", {}).get("entrepot.peer") or client_address(scope)
    try:
        address = ip_address(peer or "")
    except ValueError:
        return False
    return any(address in ip_network(network) for network in settings.trusted_proxies)


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1").strip() for key, value in scope["headers"] if key == name), "")

"""TLS that ends here: the server's certificate, and those of clients, which may prove who they are."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from entrepot.errors import InvalidSettings

if TYPE_CHECKING:
    from entrepot.engine import Engine

#: OpenSSL's X509_V_FLAG_NO_CHECK_TIME: whoever has an old certificate is to read that it has expired, not a broken handshake.
_NO_CHECK_TIME = 0x200000


def tls_context(engine: Engine) -> ssl.SSLContext | None:
    """Return how TLS is spoken, or None where the settings name no certificate.

    A client may show a certificate, and then must have its key. OpenSSL refuses one that another authority has signed
    (`unknown ca`); whether it is still valid and whose it is says `engine.access`.
    Raises `InvalidSettings`, and `StorageError` if there is no authority of users and none can be made.
    """
    settings = engine.settings
    if settings.tls_certificate is None:
        if settings.tls_key is not None:
            raise InvalidSettings({"tls_key": "is the key of no certificate: name that in tls_certificate"})
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key, password=_no_password)
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        files = f"{settings.tls_certificate}" + (f" and {settings.tls_key}" if settings.tls_key else "")
        raise InvalidSettings({"tls_certificate": f"{files} cannot be used: {_reason(error)}"}) from error
    context.load_verify_locations(engine.access.authority_file())
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= _NO_CHECK_TIME
    return context


def _no_password() -> str:
    """Refuse a key with a password: OpenSSL would ask for it on the terminal."""
    raise ValueError("the key has a password; give it without one, in a file that only this user can read")


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLError):
        return {
            "KEY_VALUES_MISMATCH": "the key is that of another certificate",
            None: "they must hold PEM: the certificate, those above it, and the key",
        }.get(error.reason, f"they must hold PEM: the certificate, those above it, and the key ({error.reason})")
    return (error.strerror if isinstance(error, OSError) else None) or str(error)

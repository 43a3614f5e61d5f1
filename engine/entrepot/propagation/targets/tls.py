"""Whom a target trusts that is reached over TLS."""

from __future__ import annotations

import ssl
from functools import lru_cache

from pydantic import Field, field_validator

from entrepot.propagation.targets.target import Options


class TlsOptions(Options):
    """The options of every target that is reached over TLS."""

    verify_tls: bool = Field(default=True, description="Talk to no server whose certificate is not trusted.")
    ca_certificate: str | None = Field(None, description="Certificates to trust beside the system's, in PEM.")

    @field_validator("ca_certificate")
    @classmethod
    def _is_pem(cls, value: str | None) -> str | None:
        if value is not None:
            _trusting(value)
        return value


def tls_context(options: TlsOptions) -> ssl.SSLContext:
    """Return what a connection is made with: it verifies the server's certificate, unless that was switched off."""
    return _trusting(options.ca_certificate) if options.verify_tls else _blind()


@lru_cache(maxsize=1)
def _blind() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@lru_cache(maxsize=8)  # reading the system's certificates takes 20 ms and more, and pushes come by the hundred
def _trusting(certificates: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if certificates is not None:
        try:
            context.load_verify_locations(cadata=certificates)
        except (ssl.SSLError, ValueError) as error:
            msg = "these are no certificates in PEM: give the text from -----BEGIN CERTIFICATE----- on"
            raise ValueError(msg) from error
    return context

"""Log in: get a client certificate for a password. Source: the Pulp 2 REST contract, 1.5."""

from __future__ import annotations

from entrepot.access import Operation
from entrepot.rest.endpoint import Answer, Asked, Endpoint, Schema
from entrepot.rest.schemas import TEXT, record

_PAIR: Schema = record("KeyAndCertificate", key=TEXT, certificate=TEXT)


def log_in(asked: Asked) -> Answer:
    """Return a new private key and a client certificate for it, both PEM, which stand for who asks."""
    assert asked.principal is not None  # noqa: S101 - the endpoint needs a permission
    issued = asked.engine.access.issue_certificate(asked.principal)
    return Answer({"key": issued.key_pem, "certificate": issued.certificate_pem})


ENDPOINTS = (Endpoint("POST", "/v2/actions/login/", Operation.READ, log_in, {200: _PAIR}, problems=(400,)),)

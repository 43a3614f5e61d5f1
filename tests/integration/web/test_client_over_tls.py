"""The client over TLS: whom it trusts, and the certificate that it shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from entrepot.client.connection import Connection
from entrepot.errors import NotAuthenticated, ServerUnavailable

from .conftest import PASSWORD, Doors
from .test_tls import _issued


def test_a_server_is_trusted_by_the_authorities_that_were_named_and_by_no_others(
    open_door: Doors, server_certificate: Path
) -> None:
    door = open_door(tls=True)

    trusting = Connection(door.url, auth=("admin", PASSWORD), verify=server_certificate)
    blind = Connection(door.url, auth=("admin", PASSWORD), verify=False)
    strict = Connection(door.url, auth=("admin", PASSWORD))

    assert trusting.get("who")["via"] == blind.get("who")["via"] == "password"
    with pytest.raises(ServerUnavailable, match="certificate verify failed"):
        strict.get("who")
    for connection in (trusting, blind, strict):
        connection.close()


def test_a_certificate_says_who_asks(open_door: Doors, server_certificate: Path, tmp_path: Path) -> None:
    door = open_door(tls=True)
    file = _issued(door, tmp_path)
    key, certificate = tmp_path / "user.key", tmp_path / "user.crt"
    head, mark, rest = file.read_text().partition("-----BEGIN CERTIFICATE-----")
    key.write_text(head)
    certificate.write_text(mark + rest)

    for cert in (file, (certificate, key)):
        connection = Connection(door.url, cert=cert, verify=server_certificate)
        assert (connection.get("who")["login"], connection.get("who")["via"]) == ("admin", "certificate")
        connection.close()
    nobody = Connection(door.url, verify=server_certificate)
    with pytest.raises(NotAuthenticated):
        nobody.get("who")
    nobody.close()

"""TLS that ends here, and users' certificates: by the connection itself, and by the header of a proxy."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from entrepot.engine import Engine
from entrepot.errors import InvalidSettings
from entrepot.web.tls import tls_context

from .conftest import PASSWORD, Door, Doors, write_certificate

_PROXY = {"trusted_proxies": ["127.0.0.0/8"], "client_certificate_header": "X-SSL-Client-Cert"}


def _issued(door: Door, folder: Path) -> Path:
    """Log in and keep key and certificate in one file, as Pulp's clients do."""
    principal = door.engine.access.authenticate_password("admin", PASSWORD, address=None)
    issued = door.engine.access.issue_certificate(principal)
    file = folder / "user-cert.pem"
    file.write_text(issued.key_pem + issued.certificate_pem)
    return file


def _as_header(file: Path) -> str:
    """The certificate of `file` as nginx sends `$ssl_client_escaped_cert`."""
    return quote("-----BEGIN CERTIFICATE-----" + file.read_text().partition("-----BEGIN CERTIFICATE-----")[2], safe="")


def test_without_a_certificate_in_the_settings_there_is_no_tls(open_door: Doors) -> None:
    door = open_door()

    assert door.url.startswith("http://")
    assert door.who(auth=("admin", PASSWORD)).json() == {"login": "admin", "via": "password", "client": "127.0.0.1"}


def test_a_password_is_enough_over_tls(open_door: Doors) -> None:
    answer = open_door(tls=True).who(auth=("admin", PASSWORD))

    assert (answer.status_code, answer.json()["via"]) == (200, "password")


def test_the_certificate_of_a_login_is_enough_for_later_requests(open_door: Doors, tmp_path: Path) -> None:
    door = open_door(tls=True)

    answer = door.who(certificate=_issued(door, tmp_path))

    assert (answer.status_code, answer.json()) == (200, {"login": "admin", "via": "certificate", "client": "127.0.0.1"})


def test_neither_password_nor_certificate_is_401(open_door: Doors) -> None:
    answer = open_door(tls=True).who()

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "PLP0025")


def test_an_expired_certificate_is_refused_with_words(open_door: Doors, tmp_path: Path) -> None:
    door = open_door(tls=True, certificate_days=0.00001)  # 0.9 seconds
    file = _issued(door, tmp_path)

    while (answer := door.who(certificate=file)).status_code == 200:
        pass

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "PLP0027")
    assert "expired" in answer.json()["error_message"]


def test_a_certificate_of_another_authority_gets_no_answer_but_the_server_goes_on(open_door: Doors, tmp_path: Path) -> None:
    door = open_door(tls=True)
    foreign = write_certificate(tmp_path / "foreign.pem", "admin:admin:000000000000000000000000")

    with pytest.raises(httpx.TransportError):  # OpenSSL ends the handshake; the alert that says why may get lost
        door.who(certificate=foreign)

    assert door.who(auth=("admin", PASSWORD)).status_code == 200


def test_a_deleted_users_certificate_is_refused(open_door: Doors, tmp_path: Path) -> None:
    door = open_door(tls=True)
    file = _issued(door, tmp_path)
    door.engine.access.create_user("other", password=PASSWORD, roles=["super-users"])
    door.engine.access.delete_user("admin")

    answer = door.who(certificate=file)

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "PLP0027")


def test_a_trusted_proxy_names_the_certificate_in_its_header(open_door: Doors, tmp_path: Path) -> None:
    door = open_door(**_PROXY)

    answer = door.who(headers={"x-ssl-client-cert": _as_header(_issued(door, tmp_path))})

    assert (answer.status_code, answer.json()["via"]) == (200, "certificate")


def test_the_header_counts_for_nothing_from_an_address_that_is_not_trusted(open_door: Doors, tmp_path: Path) -> None:
    door = open_door(**{**_PROXY, "trusted_proxies": ["192.0.2.0/24"]})

    answer = door.who(headers={"x-ssl-client-cert": _as_header(_issued(door, tmp_path))})

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "PLP0025")


def test_nobody_becomes_a_trusted_proxy_by_a_header(open_door: Doors, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    door = open_door(**{**_PROXY, "trusted_proxies": ["192.0.2.0/24"]})
    headers = {"x-ssl-client-cert": _as_header(_issued(door, tmp_path)), "x-forwarded-for": "192.0.2.1"}

    assert door.who(headers=headers).status_code == 401


def test_a_trusted_proxy_says_where_a_request_comes_from(open_door: Doors) -> None:
    door = open_door(**_PROXY)

    answer = door.who(auth=("admin", PASSWORD), headers={"x-forwarded-for": "192.0.2.77"})

    assert answer.json()["client"] == "192.0.2.77"


def test_a_proxy_is_trusted_by_its_ipv4_address_on_a_socket_of_both_families(open_door: Doors, tmp_path: Path) -> None:
    door = open_door(host="::", **_PROXY)

    answer = door.who(headers={"x-ssl-client-cert": _as_header(_issued(door, tmp_path)), "x-forwarded-for": "192.0.2.77"})

    assert (answer.status_code, answer.json()["client"]) == (200, "192.0.2.77")


def test_the_connections_certificate_counts_before_a_header(open_door: Doors, tmp_path: Path) -> None:
    door = open_door(tls=True, **_PROXY)

    answer = door.who(certificate=_issued(door, tmp_path), headers={"x-ssl-client-cert": "nonsense"})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"tls_certificate": "missing.pem"}, "No such file"),
        ({"tls_certificate": "empty.pem"}, "must hold PEM"),
        ({"tls_certificate": "server.pem", "tls_key": "other.pem"}, "key is that of another certificate"),
        ({"tls_key": "other.pem"}, "the key of no certificate"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_named(
    settings, server_certificate: Path, tmp_path: Path, files: dict[str, str], why: str
) -> None:
    (tmp_path / "empty.pem").touch()
    write_certificate(tmp_path / "other.pem", "127.0.0.1")
    changed = settings.model_copy(update={name: tmp_path / file for name, file in files.items()})

    with pytest.raises(InvalidSettings, match=why), Engine(settings=changed) as engine:
        tls_context(engine)

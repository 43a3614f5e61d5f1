"""Certificates of the engine's own authority stand for their user until they end or he is gone."""

from __future__ import annotations

import shutil
import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID

from entrepot import clock
from entrepot.access import SUPER_USERS, Access, Principal, UserReport
from entrepot.access.authority import Authority
from entrepot.access.certificates import common_name
from entrepot.errors import InvalidCertificate, OperationRefused
from entrepot.models import Database
from entrepot.settings import Settings
from tests.integration.access.conftest import principal


def issued(access: Access, user: UserReport) -> str:
    return access.issue_certificate(principal(user)).certificate_pem


def forged(authority: Authority, name: str, *, ours: bool = True) -> bytes:
    """Return a certificate for `name`, signed by `authority`, or by a key that only claims to be its."""
    signer, now = authority.signer(), clock.now()
    key = signer.key if ours else rsa.generate_private_key(65537, 2048)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(signer.certificate.subject)
        .public_key(signer.key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, SHA256())
    )
    return certificate.public_bytes(Encoding.PEM)


@pytest.fixture(autouse=True)
def authority(settings: Settings, authority_folder: Path) -> Authority:
    shutil.copytree(authority_folder, settings.authority_dir)
    return Authority(settings.authority_dir)


def test_a_certificate_stands_for_its_user_as_pem_and_as_der(access: Access, ann: UserReport, database: Database) -> None:
    pem = issued(access, ann)
    access.add_user_to_role(SUPER_USERS, "ann")

    expected = Principal(ann.user_id, "ann", (SUPER_USERS,), True, "certificate")
    for presented in (pem, pem.encode(), ssl.PEM_cert_to_DER_cert(pem)):
        assert access.authenticate_certificate(presented) == expected


def test_a_certificate_names_its_user_as_clients_expect(access: Access, ann: UserReport) -> None:
    made = access.issue_certificate(principal(ann))
    certificate = x509.load_pem_x509_certificate(made.certificate_pem.encode())
    key = load_pem_private_key(made.key_pem.encode(), None)

    assert certificate.subject.rfc4514_string() == f"CN=admin:ann:{ann.user_id:024x}"
    assert key.public_key() == certificate.public_key()
    assert key.key_size == 2048
    assert made.key_pem.startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert timedelta(days=6) < certificate.not_valid_after_utc - clock.now() < timedelta(days=7)


def test_key_and_certificate_in_one_text_are_read_too(access: Access, ann: UserReport) -> None:
    made = access.issue_certificate(principal(ann))

    assert access.authenticate_certificate(made.key_pem + made.certificate_pem).login == "ann"


def test_tls_libraries_accept_it_below_the_authority(access: Access, ann: UserReport, tmp_path: Path) -> None:
    made = access.issue_certificate(principal(ann))
    (tmp_path / "client.pem").write_text(made.key_pem + made.certificate_pem)
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    server.load_cert_chain(tmp_path / "client.pem")  # any will do for the server's side of this
    server.load_verify_locations(access.authority_file())
    server.verify_mode = ssl.CERT_REQUIRED
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    client.load_cert_chain(tmp_path / "client.pem")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [server.wrap_bio(to_server, to_client, server_side=True), client.wrap_bio(to_client, to_server)]

    for side in [*reversed(sides)] * 3:
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue

    assert access.authenticate_certificate(sides[0].getpeercert(binary_form=True)).login == "ann"


def test_a_certificate_expires(access: Access, ann: UserReport, pass_time) -> None:
    pem = issued(access, ann)
    pass_time(timedelta(days=7) - timedelta(minutes=1))
    access.authenticate_certificate(pem)

    pass_time(timedelta(minutes=2))
    with pytest.raises(InvalidCertificate, match="has expired"):
        access.authenticate_certificate(pem)

    pass_time(timedelta(days=-8))
    with pytest.raises(InvalidCertificate, match="not valid yet"):
        access.authenticate_certificate(pem)


def test_a_certificate_of_a_user_who_is_gone_is_refused_also_if_there_is_another_of_that_name(
    access: Access, ann: UserReport
) -> None:
    pem = issued(access, ann)
    access.delete_user("ann")
    with pytest.raises(InvalidCertificate, match="is gone"):
        access.authenticate_certificate(pem)

    access.create_user("ann")
    with pytest.raises(InvalidCertificate, match="is gone"):
        access.authenticate_certificate(pem)


def test_a_certificate_of_another_authority_is_refused(
    access: Access, ann: UserReport, authority: Authority, tmp_path: Path
) -> None:
    name = common_name("ann", ann.user_id)
    assert access.authenticate_certificate(forged(authority, name)).login == "ann"

    for presented in (forged(Authority(tmp_path / "other"), name), forged(authority, name, ours=False)):
        with pytest.raises(InvalidCertificate, match="not issued here"):
            access.authenticate_certificate(presented)


@pytest.mark.parametrize(
    "name", ["ann", "admin:ann", "admin:ann:", "admin:ann:0", "user:ann:{oid}", "admin:ann:{oid}:x", "admin:nobody:{oid}", ":"]
)
def test_a_name_that_is_no_users_is_refused(access: Access, ann: UserReport, authority: Authority, name: str) -> None:
    with pytest.raises(InvalidCertificate):
        access.authenticate_certificate(forged(authority, name.format(oid=f"{ann.user_id:024x}")))


def test_the_certificate_of_the_authority_itself_is_no_users(access: Access, authority: Authority) -> None:
    with pytest.raises(InvalidCertificate, match="names no user"):
        access.authenticate_certificate(access.authority_file().read_bytes())


@pytest.mark.parametrize(
    "presented",
    [
        "",
        b"",
        "nonsense",
        b"\x30\x03\x02\x01\x00",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n",
        "lone \ud800",
        b"\x30" * 100_000,
    ],
)
def test_what_is_no_certificate_is_refused(access: Access, presented: bytes | str) -> None:
    with pytest.raises(InvalidCertificate) as refused:
        access.authenticate_certificate(presented)

    assert refused.value.data == {"auth_error_code": "invalid_ssl_certificate"}


def test_a_damaged_certificate_is_refused(access: Access, ann: UserReport) -> None:
    der = bytearray(ssl.PEM_cert_to_DER_cert(issued(access, ann)))
    for place in (12, *range(0, len(der), 37)):  # 12: the version, which the library has an error of its own for
        damaged = bytearray(der)
        damaged[place] ^= 0x01
        with pytest.raises(InvalidCertificate):
            access.authenticate_certificate(bytes(damaged))


def test_a_login_that_is_too_long_for_a_certificate_is_told_so(access: Access) -> None:
    longest, longer = access.create_user("a" * 33), access.create_user("a" * 34)

    assert access.authenticate_certificate(issued(access, longest)).login == "a" * 33
    with pytest.raises(OperationRefused, match="too long"):
        issued(access, longer)

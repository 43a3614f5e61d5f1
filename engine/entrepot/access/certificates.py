"""Certificates of users: issued by the engine's own authority, accepted until they end or the user is gone.

Source: the Pulp 2 REST contract, 1.5: the common name is `admin:<login>:<object id of the user>`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.access.accounts import Account, find_account
from entrepot.access.authority import BACKDATED, Authority
from entrepot.access.reports import IssuedCertificate, Principal
from entrepot.errors import InvalidCertificate, OperationRefused

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from entrepot.models import Database

_KEY_BITS = 2048
_EXPONENT = 65537
_PREFIX = "admin"
#: Source: RFC 5280, ub-common-name; TLS libraries refuse more. It leaves 33 characters for the login.
_LONGEST_COMMON_NAME = 64
#: Longest certificate that is read; ours have 1.3 kB.
_LONGEST = 64 * 1024


def issue(authority: Authority, principal: Principal, *, valid: timedelta) -> IssuedCertificate:
    """Return a new key and a certificate that stands for `principal`; raises `OperationRefused`, `StorageError`.

    Not for who came by a token: the certificate would outlive it. Not for a login that is too long for a certificate.
    """
    if principal.via == "token":
        raise OperationRefused("A token gets no certificate, which would outlive it. Log in with the password.")
    subject = common_name(principal.login, principal.user_id)
    if len(subject) > _LONGEST_COMMON_NAME:
        raise OperationRefused(
            f"The login {principal.login} is too long to stand in a certificate. Use the password or a token."
        )
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import ExtendedKeyUsageOID

    signer = authority.signer()
    key = rsa.generate_private_key(_EXPONENT, _KEY_BITS)
    now = clock.now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)]))
        .issuer_name(signer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + valid)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key()), critical=False)
        .sign(signer.key, SHA256())
    )
    # The older of the two formats of keys, which clients of Pulp's time read too.
    key_pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return IssuedCertificate(key_pem.decode("ascii"), certificate.public_bytes(Encoding.PEM).decode("ascii"))


def authenticate(authority: Authority, database: Database, presented: bytes | str) -> Account:
    """Return the user whom a certificate, PEM or DER, stands for; raises `InvalidCertificate`."""
    certificate = _read(presented)
    _require_ours(authority, certificate)
    login, object_id = _subject(certificate)
    account = find_account(database, login)
    if account is None or object_id != f"{account.user_id:024x}":
        raise InvalidCertificate("the user it was issued to is gone")
    return account


def common_name(login: str, user_id: int) -> str:
    """Return whom a certificate names."""
    return f"{_PREFIX}:{login}:{user_id:024x}"


def _read(presented: bytes | str) -> Certificate:
    from cryptography import x509

    encoded = presented.encode("utf-8", "replace") if isinstance(presented, str) else presented
    if len(encoded) > _LONGEST:
        raise InvalidCertificate("it is too long")
    try:
        if b"-----BEGIN" in encoded:
            return x509.load_pem_x509_certificate(encoded)
        return x509.load_der_x509_certificate(encoded)
    except (ValueError, x509.InvalidVersion) as error:
        raise InvalidCertificate("it cannot be read") from error


def _require_ours(authority: Authority, certificate: Certificate) -> None:
    """Raise `InvalidCertificate` unless our authority has signed the certificate, and it is valid now."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        certificate.verify_directly_issued_by(authority.signer().certificate)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm) as error:
        raise InvalidCertificate("it was not issued here") from error
    now = clock.now()
    if now > certificate.not_valid_after_utc:
        raise InvalidCertificate("it has expired")
    if now < certificate.not_valid_before_utc:
        raise InvalidCertificate("it is not valid yet")


def _subject(certificate: Certificate) -> tuple[str, str]:
    """Return the login and the object id that the certificate names."""
    from cryptography.x509 import NameOID

    names = [str(attribute.value) for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    parts = names[0].split(":") if len(names) == 1 else []
    match parts:
        case [prefix, login, object_id] if prefix == _PREFIX:
            return login, object_id
    raise InvalidCertificate("it names no user")

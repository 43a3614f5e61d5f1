"""The engine's own certificate authority: a key and a certificate in the data folder, made when they are first needed.

    <data_dir>/ca/authority.pem      0600, the key and its certificate, in one file so that they always fit
    <data_dir>/ca/certificate.pem    the certificate alone, for whoever terminates TLS

The first file is written aside and linked to its name: of several processes that make one at once, one wins, and all use it.
"""

from __future__ import annotations

import os
import tempfile
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.errors import StorageError, StorageFull, StorageUnwritable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate

#: What both files begin to be valid before now, for clocks that are behind.
BACKDATED = timedelta(hours=1)
_VALID = timedelta(days=20 * 366)
_KEY_BITS = 3072
_EXPONENT = 65537
_COMMON_NAME = "entrepot certificate authority"
_NO_SPACE = 28  # ENOSPC


@dataclass(frozen=True, slots=True)
class Signer:
    """The key and the certificate that sign users' certificates."""

    key: RSAPrivateKey = field(repr=False)
    certificate: Certificate


class Authority:
    """The authority in one folder; safe to use from several threads and processes."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; nothing is read or written."""
        self._folder = folder
        self._lock = threading.Lock()
        self._signer: Signer | None = None

    @property
    def certificate_file(self) -> Path:
        """Where the certificate lies, for those who check users' certificates themselves."""
        return self._folder / "certificate.pem"

    def signer(self) -> Signer:
        """Return the key and the certificate, which are made if there are none.

        Raises `StorageUnwritable`, `StorageFull`, `StorageError`.
        """
        with self._lock:
            if self._signer is None:
                self._signer = self._read_or_make()
            return self._signer

    def _read_or_make(self) -> Signer:
        file = self._folder / "authority.pem"
        try:
            if not file.exists():
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._link(_new_authority(), file)
            signer = _read(file)
            self._write_certificate(signer.certificate)
        except OSError as error:
            kind = StorageFull if error.errno == _NO_SPACE else StorageUnwritable
            msg = f"The certificate authority in {self._folder} cannot be read or made: {os.strerror(error.errno or 0)}."
            raise kind(msg, path=str(self._folder)) from error
        return signer

    def _link(self, pem: bytes, file: Path) -> None:
        """Put `pem` at `file`, durably, unless another process has put one there first."""
        temporary = self._temporary(pem, 0o600)
        try:
            os.link(temporary, file)
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
        self._sync_folder()

    def _write_certificate(self, certificate: Certificate) -> None:
        from cryptography.hazmat.primitives.serialization import Encoding

        pem = certificate.public_bytes(Encoding.PEM)
        if self.certificate_file.exists() and self.certificate_file.read_bytes() == pem:
            return
        self._temporary(pem, 0o644).replace(self.certificate_file)
        self._sync_folder()

    def _temporary(self, content: bytes, mode: int) -> Path:
        descriptor, name = tempfile.mkstemp(prefix=".", dir=self._folder)  # 0600 from the beginning
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        return Path(name)

    def _sync_folder(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _new_authority() -> bytes:
    """Return a new key and its certificate as PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = rsa.generate_private_key(_EXPONENT, _KEY_BITS)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, _COMMON_NAME)])
    now = clock.now()
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + _VALID)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )
    key_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return key_pem + certificate.public_bytes(Encoding.PEM)


def _read(file: Path) -> Signer:
    """Return what `file` holds; raises `OSError`, `StorageError`."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    pem = file.read_bytes()
    try:
        key, certificate = load_pem_private_key(pem, None), x509.load_pem_x509_certificate(pem)
    except (ValueError, TypeError) as error:
        raise _unusable(file) from error
    if not isinstance(key, RSAPrivateKey) or key.public_key() != certificate.public_key():
        raise _unusable(file)
    return Signer(key, certificate)


def _unusable(file: Path) -> StorageError:
    msg = f"{file} does not hold an RSA key and its certificate. Restore it; or remove it: then users must log in anew."
    return StorageError(msg, path=str(file))

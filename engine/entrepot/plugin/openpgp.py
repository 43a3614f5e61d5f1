"""OpenPGP signatures: made and verified, in this process or by a command of the server's administrator.

A plugin verifies what a feed signed against a `Keyring`, and signs what it publishes with a `SigningKey`, or with a
`SigningCommand` where the key must not be readable here. The work is done by pysequoia, which is imported only when it
is needed; its interface still moves, so nothing else of the project knows it.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

from entrepot import clock
from entrepot.errors import PluginError
from entrepot.plugin.signature_packets import signature_packets

if TYPE_CHECKING:
    from types import ModuleType

_CLEAR_HEAD = b"-----BEGIN PGP SIGNED MESSAGE-----"
_CLEAR_END = b"-----END PGP SIGNATURE-----"
_PACKET_LIMIT = 64  # signatures of one text that are looked at; Debian's own releases have four
_COMMAND_SECONDS = 300  # how long a signing command may take; it may ask a device or another host
_LONGEST_COMPLAINT = 500  # characters of a command's error output that a message repeats
_SHORTEST_KEY_ID = 8  # hex digits, as Pulp's `allowed_keys`


class Keyring:
    """Public keys to verify signatures with."""

    def __init__(self, certificates: Iterable[Any]) -> None:
        """Keep certificates of pysequoia; use `load`."""
        self._certificates = list(certificates)

    @classmethod
    def load(cls, keys: str | bytes, *more: str | bytes) -> Self:
        """Return the keyring of all keys in `keys` and `more`, each armored or binary, one key or many.

        Raises:
            PluginError: a text holds no OpenPGP key.

        """
        library, certificates = _library(), list[Any]()
        for given in (keys, *more):
            try:
                found = library.Cert.split_bytes(given.strip().encode() if isinstance(given, str) else given)
            except (RuntimeError, ValueError) as error:
                raise PluginError(f"these are no OpenPGP public keys, armored or binary: {_first_line(error)}.") from error
            if not found:
                raise PluginError("there is no OpenPGP public key in what was given as one; give the armored text of a key.")
            certificates += found
        return cls(certificates)

    @property
    def fingerprints(self) -> list[str]:
        """The fingerprints of the keys, lower-case hex."""
        return [certificate.fingerprint for certificate in self._certificates]

    def has_expired(self, fingerprint: str) -> bool:
        """Say whether the key of this fingerprint has expired by now."""
        ends = (_end_of(certificate) for certificate in self._certificates if certificate.fingerprint == fingerprint)
        return any(end is not None and end <= clock.now() for end in ends)

    def limited_to(self, key_ids: Iterable[str]) -> Keyring:
        """Return the keyring of those keys that one of `key_ids` names: at least 8 hex digits, the end of a fingerprint.

        A subkey may be named as well. The keyring that is returned may be empty: then it verifies nothing.
        """
        ends = tuple(_bare(key_id) for key_id in key_ids if len(_bare(key_id)) >= _SHORTEST_KEY_ID)
        return Keyring(each for each in self._certificates if any(name.endswith(ends) for name in _key_names(each)))

    def certificates(self, _key_ids: list[str]) -> list[Any]:
        """For pysequoia: return all keys, whichever signed."""
        return self._certificates


class Signatures(NamedTuple):
    """What signing a text makes; a command may make one of them only."""

    detached: bytes | None  # armored
    clear: bytes | None  # the text with its signature around it


class Signer(Protocol):
    """Whoever signs what is published."""

    def sign_detached(self, data: bytes) -> bytes:
        """Return an armored signature of `data`; raises `PluginError`."""

    def clear_sign(self, text: bytes) -> bytes:
        """Return `text`, readable, with its signature around it; raises `PluginError`."""

    def sign(self, text: bytes) -> Signatures:
        """Return both, or what can be had of them; raises `PluginError`."""


class SigningKey:
    """A private key that is read into this process."""

    def __init__(self, key: Any, signer: Any) -> None:  # noqa: ANN401 - pysequoia ships no types
        """Keep a private key of pysequoia and what signs by it; use `load`."""
        self._key = key
        self._signer = signer

    @classmethod
    def load(cls, armored: str | bytes, passphrase: str | None = None) -> Self:
        """Return the private key in `armored` (binary is accepted as well), unlocked by `passphrase` if it is locked.

        Raises:
            PluginError: it is no private key, cannot sign, or the passphrase is wrong or missing.

        """
        library = _library()
        try:
            key = library.Tsk.from_bytes(armored.strip().encode() if isinstance(armored, str) else armored)
            signer = key.signer() if passphrase is None else key.signer(passphrase)
        except (RuntimeError, ValueError) as error:
            msg = f"the signing key cannot be used: {_first_line(error)}. Give an OpenPGP private key that may sign"
            raise PluginError(msg + (", and its passphrase if it has one." if passphrase is None else ".")) from error
        return cls(key, signer)

    @classmethod
    def from_file(cls, path: Path, passphrase: str | None = None) -> Self:
        """Return the private key in a file.

        Raises:
            PluginError: the file cannot be read, or as `load`.

        """
        try:
            armored = path.read_bytes()
        except OSError as error:
            raise PluginError(f"the signing key {path} cannot be read: {error.strerror}.") from error
        return cls.load(armored, passphrase)

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the key, lower-case hex."""
        return str(self._key.extract_certificate().fingerprint)

    @property
    def public_armored(self) -> str:
        """The public key that clients need, armored."""
        return str(self._key.extract_certificate())

    def sign_detached(self, data: bytes) -> bytes:
        """Return an armored signature of `data`."""
        return self._sign(data, "DETACHED")

    def clear_sign(self, text: bytes) -> bytes:
        """Return `text`, readable, with its signature around it. Spaces at the ends of lines are not signed."""
        return self._sign(text.removesuffix(b"\n"), "CLEAR")  # the last line break belongs to the frame: RFC 9580, 7.1

    def sign(self, text: bytes) -> Signatures:
        """Return a detached signature and the signed text."""
        return Signatures(self.sign_detached(text), self.clear_sign(text))

    def _sign(self, data: bytes, mode: str) -> bytes:
        library = _library()
        try:
            return bytes(library.sign(self._signer, data, mode=getattr(library.SignatureMode, mode)))
        except RuntimeError as error:
            raise PluginError(f"signing failed: {_first_line(error)}.") from error


class SigningCommand:
    """A command of the server's administrator that signs, called as Pulp 2 calls its sign scripts.

    Its only argument is the path of the file to sign, in a folder of its own. It leaves the signature beside that file:
    `<file>.asc`, `<file>.gpg` or `<file>.sig` if detached, `InRelease` or `<file>.signed` if around the text.
    """

    def __init__(self, command: str, *, file_name: str = "Release", environment: Mapping[str, str] | None = None) -> None:
        """Prepare it: `command` is the path of a program, `file_name` how the file to sign is called.

        `environment` is added to the one of this process: Pulp's scripts read GPG_KEY_ID, GPG_REPOSITORY_NAME and GPG_DIST.
        """
        self._command = command
        self._file_name = file_name
        self._environment = dict(environment or {})

    def sign_detached(self, data: bytes) -> bytes:
        """Return the signature that the command makes of `data`.

        Raises:
            PluginError: the command failed, or left no such signature.

        """
        return self._wanted(self.sign(data).detached, f"{self._file_name}.asc")

    def clear_sign(self, text: bytes) -> bytes:
        """Return the signed text that the command makes of `text`.

        Raises:
            PluginError: the command failed, or left no signed text.

        """
        return self._wanted(self.sign(text).clear, "InRelease")

    def sign(self, text: bytes) -> Signatures:
        """Run the command once, and return what it left.

        Raises:
            PluginError: the command failed, or left nothing.

        """
        with tempfile.TemporaryDirectory(prefix="entrepot-sign-") as folder:
            file = Path(folder, self._file_name)
            file.write_bytes(text)
            self._run(file)
            detached = _first_file(*(file.with_name(file.name + suffix) for suffix in (".asc", ".gpg", ".sig")))
            made = Signatures(detached, _first_file(file.with_name("InRelease"), file.with_name(file.name + ".signed")))
        if made == (None, None):
            self._wanted(None, f"{self._file_name}.asc")
        return made

    def _run(self, file: Path) -> None:
        environment = os.environ | self._environment
        try:
            ended = subprocess.run(
                [self._command, str(file)],
                env=environment,
                capture_output=True,
                check=False,
                cwd=file.parent,
                stdin=subprocess.DEVNULL,
                timeout=_COMMAND_SECONDS,
            )
        except OSError as error:
            raise PluginError(f"the signing command {self._command} cannot be run: {error.strerror}.") from error
        except subprocess.TimeoutExpired as error:
            raise PluginError(f"the signing command {self._command} did not end within {_COMMAND_SECONDS} s.") from error
        if ended.returncode:
            said = ended.stderr.decode(errors="replace").strip()[-_LONGEST_COMPLAINT:] or "it printed nothing"
            raise PluginError(f"the signing command {self._command} ended with code {ended.returncode}: {said}")

    def _wanted(self, made: bytes | None, name: str) -> bytes:
        if made is None:
            raise PluginError(f"the signing command {self._command} left no {name} beside the file that it was given.")
        return made


def verify_detached(data: bytes, signature: bytes, keyring: Keyring) -> str:
    """Return the fingerprint, lower-case hex, of the key that signed `data`.

    `signature` is armored or binary; where there are several, one by a known key is enough.

    Raises:
        PluginError: there is no signature, or none that a key of `keyring` made of exactly these bytes.

    """
    library = _library()
    try:
        signatures = [library.Sig.from_bytes(packet) for packet in islice(signature_packets(signature), _PACKET_LIMIT)]
    except (RuntimeError, ValueError) as error:
        raise PluginError(f"the signature is no OpenPGP signature: {_first_line(error)}.") from error
    why: RuntimeError | None = None
    for each in signatures:
        try:
            return _signer_of(library.verify(bytes=data, store=keyring.certificates, signature=each), keyring)
        except RuntimeError as error:
            why = error
    raise _unverified(why, keyring) from why


def verify_clear_signed(text: bytes, keyring: Keyring) -> bytes:
    """Return the text that was signed, and nothing of what may stand around it. Spaces at the ends of its lines are dropped.

    Raises:
        PluginError: `text` is no clear-signed message and nothing else, or no key of `keyring` signed it.

    """
    message = text.strip()
    is_one = message.startswith(_CLEAR_HEAD) and message.endswith(_CLEAR_END)
    if not is_one or b"\n" + _CLEAR_HEAD in message or message.count(b"\n" + _CLEAR_END) != 1:
        raise PluginError("this is not one OpenPGP clear-signed text and nothing else; nothing of it is trusted.")
    try:
        verified = _library().verify(bytes=message + b"\n", store=keyring.certificates)
    except RuntimeError as error:
        raise _unverified(error, keyring) from error
    _signer_of(verified, keyring)
    return bytes(verified.bytes)


def _library() -> ModuleType:
    """Return pysequoia, imported now."""
    try:
        import pysequoia
        import pysequoia.packet
    except ImportError as error:
        msg = "OpenPGP signatures need the package pysequoia, which is not installed: install entrepot[rpm] or entrepot[deb]."
        raise PluginError(msg) from error
    module: ModuleType = pysequoia
    return module


def _unverified(error: RuntimeError | None, keyring: Keyring) -> PluginError:
    known = ", ".join(keyring.fingerprints) or "none"
    why = "there is no signature" if error is None else _first_line(error)
    return PluginError(f"the signature could not be verified: {why}. Keys that are trusted here: {known}.")


def _signer_of(verified: Any, keyring: Keyring) -> str:  # noqa: ANN401 - pysequoia ships no types
    """Return the key that signed; one that has expired since counts no more, for whoever has it can date back what he signs.

    So do gpg and apt.
    """
    if not verified.valid_sigs:
        raise PluginError("the signature could not be verified: it is valid by no key.")
    signers = [str(signature.certificate) for signature in verified.valid_sigs]
    for signer in signers:
        if not keyring.has_expired(signer):
            return signer
    why = f"the key {signers[0]} that signed it has expired. Give the renewed key, if there is one."
    raise PluginError(f"the signature could not be verified: {why}")


def _end_of(certificate: Any) -> datetime | None:  # noqa: ANN401 - pysequoia ships no types
    """Return when a key expires; None if it never does, or if it is of a kind that is trusted no more and verifies nothing."""
    try:
        end: datetime | None = certificate.expiration
    except RuntimeError:
        return None
    return end


def _key_names(certificate: Any) -> list[str]:  # noqa: ANN401 - pysequoia ships no types
    """Return the fingerprints of a key and of its subkeys."""
    packet = _library().packet
    pile = packet.PacketPile.from_bytes(bytes(certificate))
    keys = (packet.Tag.PublicKey, packet.Tag.PublicSubkey, packet.Tag.SecretKey, packet.Tag.SecretSubkey)
    return [str(each.fingerprint) for each in pile if each.tag in keys]


def _bare(key_id: str) -> str:
    """Return a key id as fingerprints are written here: `0xABCD 1234` is `abcd1234`."""
    return "".join(key_id.split()).lower().removeprefix("0x")


def _first_file(*paths: Path) -> bytes | None:
    return next((path.read_bytes() for path in paths if path.is_file()), None)


def _first_line(error: Exception) -> str:
    """Return what pysequoia says, without the stack of its own that follows."""
    return str(error).partition("\n")[0].strip().rstrip(".") or type(error).__name__

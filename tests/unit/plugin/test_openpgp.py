"""Signatures: made here, made by gpg, made by a command; verified here and by gpg."""

from __future__ import annotations

import builtins
import subprocess
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pysequoia
import pytest

from entrepot import clock
from entrepot.plugin import PluginError
from entrepot.plugin.openpgp import Keyring, SigningCommand, SigningKey, verify_clear_signed, verify_detached

TEXT = b"Origin: Zoo\n-----\n- dashes\nSuite: stable\n"


class Gpg(NamedTuple):
    """A gpg with a home and one key of its own."""

    run: Callable[..., bytes]
    public: bytes
    secret: bytes


@pytest.fixture(scope="module")
def gpg(client_program: Callable[[str], str]) -> Iterator[Gpg]:
    program = client_program("gpg")
    with tempfile.TemporaryDirectory(prefix="gpg-", dir="/tmp") as home:  # a short path, for its socket

        def run(*arguments: str, given: bytes = b"") -> bytes:
            options = ("--homedir", home, "--batch", "--quiet", "--yes", "--pinentry-mode", "loopback", "--passphrase", "")
            return subprocess.run([program, *options, *arguments], input=given, capture_output=True, check=True).stdout

        run("--quick-gen-key", "Zoo <zoo@example.test>", "ed25519", "sign", "never")
        yield Gpg(run, run("--armor", "--export"), run("--armor", "--export-secret-keys"))
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=True)


@pytest.fixture(scope="module")
def key() -> SigningKey:
    return SigningKey.load(str(pysequoia.Tsk.generate("Zoo <zoo@example.test>")))


@pytest.fixture(scope="module")
def other_key() -> SigningKey:
    return SigningKey.load(str(pysequoia.Tsk.generate("Other <other@example.test>")))


@pytest.fixture(scope="module")
def keyring(key: SigningKey) -> Keyring:
    return Keyring.load(key.public_armored)


def test_a_detached_signature_names_the_key_that_made_it(key: SigningKey, keyring: Keyring) -> None:
    assert verify_detached(TEXT, key.sign_detached(TEXT), keyring) == key.fingerprint == keyring.fingerprints[0]


def test_a_clear_signed_text_gives_back_what_was_signed(key: SigningKey, keyring: Keyring) -> None:
    assert verify_clear_signed(key.clear_sign(TEXT), keyring).splitlines() == TEXT.splitlines()


@pytest.mark.parametrize("data", [TEXT + b" ", TEXT[1:], b""])
def test_other_bytes_than_those_signed_are_refused(key: SigningKey, keyring: Keyring, data: bytes) -> None:
    with pytest.raises(PluginError, match=rf"could not be verified: .*no valid signatures.*{key.fingerprint}"):
        verify_detached(data, key.sign_detached(TEXT), keyring)


def test_a_clear_signed_text_that_was_changed_is_refused(key: SigningKey, keyring: Keyring) -> None:
    with pytest.raises(PluginError, match="could not be verified"):
        verify_clear_signed(key.clear_sign(TEXT).replace(b"stable", b"sid"), keyring)


def test_a_signature_by_a_key_that_is_not_trusted_is_refused(other_key: SigningKey, keyring: Keyring) -> None:
    with pytest.raises(PluginError, match="could not be verified"):
        verify_detached(TEXT, other_key.sign_detached(TEXT), keyring)
    with pytest.raises(PluginError, match="could not be verified"):
        verify_clear_signed(other_key.clear_sign(TEXT), keyring)


def test_of_two_signatures_one_by_a_trusted_key_is_enough(key: SigningKey, other_key: SigningKey, keyring: Keyring) -> None:
    both = _binary(other_key.sign_detached(TEXT)) + _binary(key.sign_detached(TEXT))

    assert verify_detached(TEXT, both, keyring) == key.fingerprint


def test_a_key_that_has_expired_is_not_trusted_any_more_whenever_it_says_to_have_signed(
    key: SigningKey, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = pysequoia.Tsk.generate("Short <short@example.test>", validity_seconds=3600)
    signer, public = SigningKey.load(str(short)), Keyring.load(str(short.extract_certificate()))
    detached, clear = signer.sign_detached(TEXT), signer.clear_sign(TEXT)
    assert verify_detached(TEXT, detached, public) == signer.fingerprint

    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) + timedelta(hours=2))

    for call in (lambda: verify_detached(TEXT, detached, public), lambda: verify_clear_signed(clear, public)):
        with pytest.raises(PluginError, match=rf"key {signer.fingerprint} that signed it has expired"):
            call()
    assert verify_detached(TEXT, key.sign_detached(TEXT), keyring) == key.fingerprint


@pytest.mark.parametrize(
    ("packet", "why"),
    [
        (b"\xc8\x03\x02ab", "holds a packet of type 8"),  # compressed, which could be a bomb
        (b"\xa3\x02ab", "does not tell its length"),
        (b"\xc8\xe1ab", "told in parts"),
        (b"\xc2\xff\x00\x00\x00\x99ab", "cut short"),
        (b"\xc2", "cut short|no OpenPGP signature"),
        (b"\x00", "it is none"),
    ],
)
def test_a_signature_with_anything_else_in_it_is_refused_unread(
    key: SigningKey, keyring: Keyring, packet: bytes, why: str
) -> None:
    for signature in (_binary(key.sign_detached(TEXT)) + packet, _armored(_binary(key.sign_detached(TEXT)) + packet)):
        with pytest.raises(PluginError, match=why):
            verify_detached(TEXT, signature, keyring)


def test_a_detached_signature_is_read_as_mail_programs_leave_it(key: SigningKey, keyring: Keyring) -> None:
    armored = key.sign_detached(TEXT)

    for signature in (armored.replace(b"\n", b"\r\n"), b"signed by the keeper:\n\n" + armored + b"\n\n"):
        assert verify_detached(TEXT, signature, keyring) == key.fingerprint


@pytest.mark.parametrize(
    "around",
    [b"Suite: evil\n%s", b"%s\nSuite: evil\n", b"%s\n%s", b"", b"Suite: stable\n", b"-----BEGIN PGP SIGNED MESSAGE-----\n"],
)
def test_nothing_that_stands_around_a_signed_text_is_let_through(key: SigningKey, keyring: Keyring, around: bytes) -> None:
    with pytest.raises(PluginError, match="this is not one OpenPGP clear-signed text"):
        verify_clear_signed(around.replace(b"%s", key.clear_sign(TEXT)), keyring)


@pytest.mark.parametrize("junk", [b"", b"junk", b"\xc2\x00" * 10, b"<html>no such page</html>"])
def test_what_is_no_signature_or_key_is_said_in_one_line(keyring: Keyring, junk: bytes) -> None:
    for call in (lambda: verify_detached(TEXT, junk, keyring), lambda: Keyring.load(junk), lambda: SigningKey.load(junk)):
        with pytest.raises(PluginError) as caught:
            call()
        assert "\n" not in str(caught.value)


def test_a_public_key_cannot_sign(key: SigningKey) -> None:
    with pytest.raises(PluginError, match="the signing key cannot be used"):
        SigningKey.load(key.public_armored)


def test_a_keyring_takes_several_keys_and_can_be_limited_to_some(key: SigningKey, other_key: SigningKey) -> None:
    both = Keyring.load(key.public_armored + other_key.public_armored)

    assert both.fingerprints == [key.fingerprint, other_key.fingerprint]
    assert both.limited_to([f"0x{key.fingerprint[-16:].upper()}", "no"]).fingerprints == [key.fingerprint]
    with pytest.raises(PluginError, match="Keys that are trusted here: none"):
        verify_detached(TEXT, key.sign_detached(TEXT), both.limited_to(["12345678"]))


def test_gpg_verifies_what_is_signed_here(gpg: Gpg, key: SigningKey, tmp_path: Path) -> None:
    (tmp_path / "Release").write_bytes(TEXT)
    (tmp_path / "Release.gpg").write_bytes(key.sign_detached(TEXT))
    gpg.run("--import", given=key.public_armored.encode())

    gpg.run("--verify", str(tmp_path / "Release.gpg"), str(tmp_path / "Release"))

    assert gpg.run("--decrypt", given=key.clear_sign(TEXT)) == TEXT


@pytest.mark.parametrize("armor", ["--armor", "--no-armor"])
def test_what_gpg_signs_is_verified_here(gpg: Gpg, armor: str) -> None:
    keyring = Keyring.load(gpg.run(armor, "--export", "Zoo"))

    assert verify_detached(TEXT, gpg.run(armor, "--detach-sign", given=TEXT), keyring) in keyring.fingerprints
    assert verify_clear_signed(gpg.run("--clearsign", given=TEXT), keyring).splitlines() == TEXT.splitlines()


def test_a_private_key_of_gpg_signs(gpg: Gpg) -> None:
    signed = SigningKey.load(gpg.secret).sign_detached(TEXT)

    assert verify_detached(TEXT, signed, Keyring.load(gpg.public)) == SigningKey.load(gpg.secret).fingerprint


def test_a_key_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"no-key.asc cannot be read: No such file"):
        SigningKey.from_file(tmp_path / "no-key.asc")


def test_a_command_signs_with_the_file_as_its_argument(tmp_path: Path) -> None:
    script = _script(tmp_path, 'echo "$GPG_DIST $(basename "$1")" > "$1.gpg"; tr a-z A-Z < "$1" > "$(dirname "$1")/InRelease"')
    command = SigningCommand(script, environment={"GPG_DIST": "stable"})

    assert command.sign(b"text\n") == (b"stable Release\n", b"TEXT\n")
    assert command.sign_detached(b"text\n") == b"stable Release\n"
    assert command.clear_sign(b"text\n") == b"TEXT\n"


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("echo the card is not in its slot >&2; exit 3", "ended with code 3: the card is not in its slot"),
        ("exit 4", "ended with code 4: it printed nothing"),
        ("exit 0", "left no Release.asc beside the file"),
    ],
)
def test_a_command_that_fails_is_quoted(tmp_path: Path, lines: str, why: str) -> None:
    with pytest.raises(PluginError, match=why):
        SigningCommand(_script(tmp_path, lines)).sign(TEXT)


def test_a_command_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"no-such cannot be run: No such file"):
        SigningCommand(str(tmp_path / "no-such")).sign_detached(TEXT)


def test_without_pysequoia_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = builtins.__import__

    def refuse(name: str, *more: object, **others: object) -> object:
        if name.startswith("pysequoia"):
            raise ImportError(name)
        return usual(name, *more, **others)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr(builtins, "__import__", refuse)

    with pytest.raises(PluginError, match=r"install entrepot\[rpm\] or entrepot\[deb\]"):
        Keyring.load("a key")


def _script(folder: Path, lines: str) -> str:
    script = folder / "sign"
    script.write_text(f"#!/bin/sh\n{lines}\n")
    script.chmod(0o755)
    return str(script)


def _armored(signature: bytes) -> bytes:
    return b"-----BEGIN PGP SIGNATURE-----\n\n" + b64encode(signature) + b"\n-----END PGP SIGNATURE-----\n"


def _binary(armored: bytes) -> bytes:
    return b"".join(bytes(packet) for packet in pysequoia.packet.PacketPile.from_bytes(armored))

"""The certificate authority is made once, whoever comes first, and nobody else may read its key."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from entrepot.access.authority import Authority
from entrepot.errors import StorageError, StorageUnwritable

#: A process that makes the authority when it is told to, and says which it got.
MAKE_AT_ONCE = """
import sys
from pathlib import Path
import cryptography.x509
from entrepot.access.authority import Authority
print("ready", flush=True)
sys.stdin.readline()
print(Authority(Path(sys.argv[1])).signer().certificate.serial_number)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where there is no authority yet."""
    return tmp_path / "data" / "ca"


@pytest.fixture
def made(folder: Path, authority_folder: Path) -> Path:
    """Where there is one."""
    return shutil.copytree(authority_folder, folder)


def serial_number(folder: Path) -> int:
    return Authority(folder).signer().certificate.serial_number


def mode(path: Path) -> str:
    return oct(path.stat().st_mode & 0o777)


def test_its_key_is_for_the_owner_alone(folder: Path) -> None:
    Authority(folder).signer()

    assert mode(folder) == "0o700"
    assert mode(folder / "authority.pem") == "0o600"
    assert [path.name for path in sorted(folder.iterdir())] == ["authority.pem", "certificate.pem"]


def test_it_stays_the_same(folder: Path) -> None:
    assert serial_number(folder) == serial_number(folder)


def test_its_certificate_lies_beside_it_for_others_without_the_key(folder: Path) -> None:
    authority = Authority(folder)
    certificate = authority.signer().certificate

    text = authority.certificate_file.read_bytes()

    assert text == certificate.public_bytes(Encoding.PEM)
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days // 365 == 20
    assert "entrepot" in certificate.subject.rfc4514_string()


def test_a_certificate_file_that_was_lost_is_written_again(made: Path) -> None:
    text = Authority(made).certificate_file
    text.write_text("damaged")

    before = serial_number(made)

    assert x509.load_pem_x509_certificate(text.read_bytes()).serial_number == before


def test_processes_that_make_it_at_once_agree(folder: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", MAKE_AT_ONCE, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    numbers = {int(process.communicate(timeout=60)[0]) for process in processes}

    assert numbers == {serial_number(folder)}
    assert [path.name for path in sorted(folder.iterdir())] == ["authority.pem", "certificate.pem"]


@pytest.mark.parametrize("content", ["", "nonsense", "half"])
def test_a_damaged_file_is_said_and_not_replaced(made: Path, content: str) -> None:
    file = made / "authority.pem"
    text = file.read_text()
    damaged = text[: len(text) // 4] if content == "half" else content
    file.write_text(damaged)

    with pytest.raises(StorageError, match=r"authority\.pem"):
        Authority(made).signer()

    assert file.read_text() == damaged


def test_a_key_that_does_not_fit_its_certificate_is_refused(made: Path, tmp_path: Path) -> None:
    serial_number(tmp_path / "other")
    key = (made / "authority.pem").read_text().partition("-----BEGIN CERTIFICATE-----")[0]
    (made / "authority.pem").write_text(key + (tmp_path / "other" / "certificate.pem").read_text())

    with pytest.raises(StorageError, match="does not hold"):
        Authority(made).signer()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(StorageUnwritable, match="certificate authority"):
        Authority(tmp_path / "file" / "ca").signer()


def test_the_key_is_in_no_repr(made: Path) -> None:
    assert "key" not in repr(Authority(made).signer())

"""A server that speaks SFTP as a target."""

from __future__ import annotations

import base64
import hashlib
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import paramiko
import pytest

from entrepot.errors import InvalidValue, PushFailed
from entrepot.propagation import targets
from tests.integration.propagation.targets.contract import (
    FIRST,
    SECOND,
    SECRET,
    SITE,
    Edge,
    Publication,
    Publish,
    Stopped,
    TargetContract,
)
from tests.integration.propagation.targets.sftp_server import SftpServer


class Sftp(Edge):
    """A server of the test's own, over a folder."""

    def __init__(self, server: SftpServer) -> None:
        self.server = server
        self.root = server.root / "srv" / "edge"
        self.root.mkdir(parents=True)
        self.url = f"sftp://{server.user}@127.0.0.1:{server.port}/srv/edge"
        self.options = {"password": server.password, "known_hosts": self.known_hosts(server.host_key)}
        self.options_refused = self.options | {"password": SECRET}

    def known_hosts(self, key: paramiko.PKey) -> str:
        return f"[127.0.0.1]:{self.server.port} {key.get_name()} {key.get_base64()}\n"

    def read(self, site: str = SITE) -> dict[str, bytes]:
        folder = self.root / site
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def plant(self, name: str, data: bytes) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_bytes(data)

    def find(self, name: str) -> bytes | None:
        return (self.root / name).read_bytes() if (self.root / name).exists() else None

    @contextmanager
    def down(self) -> Iterator[None]:
        self.server.stop()
        yield
        self.server.start()

    @contextmanager
    def fault(self, fault: str) -> Iterator[None]:
        self.server.fault = fault
        yield
        self.server.fault = ""

    def full(self):
        return self.fault("full")

    def corrupting(self):
        return self.fault("short")


@pytest.fixture(scope="module")
def host_key() -> paramiko.PKey:
    return paramiko.ECDSAKey.generate()


@pytest.fixture
def edge(tmp_path: Path, host_key: paramiko.PKey) -> Iterator[Sftp]:
    server = SftpServer(tmp_path / "disk", user="mirror", password="open-sesame", host_key=host_key)
    server.start()
    yield Sftp(server)
    server.stop()


class TestSftp(TargetContract):
    """It does what every target does."""


def fingerprint(key: paramiko.PKey) -> str:
    return "SHA256:" + base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")


def test_a_server_that_is_not_known_is_refused(edge: Sftp, publish: Publish) -> None:
    edge.options["known_hosts"] = ""

    with pytest.raises(PushFailed, match="not found in known_hosts"):
        edge.push(publish(FIRST))

    assert edge.read() == {}


def test_a_server_with_another_key_than_the_known_one_is_refused(edge: Sftp, publish: Publish) -> None:
    edge.options["known_hosts"] = edge.known_hosts(paramiko.ECDSAKey.generate())

    with pytest.raises(PushFailed, match="host key is not the one that is known"):
        edge.push(publish(FIRST))

    assert edge.read() == {}


def test_known_hosts_that_cannot_be_read_are_named(edge: Sftp, publish: Publish) -> None:
    edge.options["known_hosts"] = str(edge.options["known_hosts"])[:-20]

    with pytest.raises(PushFailed, match="known_hosts has a line"):
        edge.push(publish(FIRST))


def test_a_server_is_known_by_its_fingerprint(edge: Sftp, publish: Publish, host_key: paramiko.PKey) -> None:
    edge.options = {"password": edge.server.password, "host_key_fingerprint": fingerprint(paramiko.ECDSAKey.generate())}
    with pytest.raises(PushFailed, match=r"has the fingerprint SHA256:.* is asked for"):
        edge.push(publish(FIRST))
    edge.options["host_key_fingerprint"] = fingerprint(host_key)

    assert edge.push(publish(FIRST, revision=2)).files == 4


def test_any_server_is_accepted_only_if_the_option_says_so(edge: Sftp, publish: Publish) -> None:
    edge.options = {"password": edge.server.password, "accept_any_host_key": True}

    assert edge.push(publish(FIRST)).files == 4


def test_a_private_key_logs_in(edge: Sftp, publish: Publish) -> None:
    key, text = paramiko.ECDSAKey.generate(), io.StringIO()
    key.write_private_key(text, password="sesame")
    edge.server.authorized_key = key
    del edge.options["password"]
    edge.options |= {"private_key": text.getvalue(), "passphrase": "sesame"}

    assert edge.push(publish(FIRST)).files == 4


def test_a_private_key_that_cannot_be_read_is_named_and_not_shown(edge: Sftp, publish: Publish) -> None:
    edge.options["private_key"] = SECRET

    with pytest.raises(PushFailed, match="private_key is no key") as failed:
        edge.push(publish(FIRST))

    assert SECRET not in str(failed.value)


def test_bytes_that_are_others_are_found_by_reading_them_back(edge: Sftp, publish: Publish) -> None:
    first, second = publish({"a": "first"}), publish({"a": "later"}, revision=2)
    edge.push(first)
    edge.options["verify"] = "digest"
    edge.server.fault = "wrong"
    target = targets.open_target(edge.url, edge.options, timeout_seconds=5)

    with target, pytest.raises(PushFailed, match="arrived damaged: its bytes"):
        target.push(second)

    assert edge.read() == first.data


def test_what_a_stopped_push_transferred_is_not_transferred_again(edge: Sftp, publish: Publish) -> None:
    tree = publish({name: name * 10 for name in "abcdef"})
    tree.stop_at = 5
    with pytest.raises(Stopped):
        edge.push(tree)
    tree.stop_at = 0

    assert edge.push(tree).files == 2


def test_what_a_killed_push_was_writing_is_removed_by_the_next(edge: Sftp, publish: Publish) -> None:
    edge.plant(f".entrepot/{SITE}/incoming-0123", b"half a fi")
    edge.push(publish(FIRST))

    assert sorted(path.name for path in (edge.root / ".entrepot" / SITE).iterdir()) == ["manifest", "marker"]


def test_a_journal_or_manifest_that_cannot_be_read_makes_everything_come_again(edge: Sftp, publish: Publish) -> None:
    edge.push(publish(FIRST))
    edge.plant(f".entrepot/{SITE}/journal-000001", b"not a line of ours\n")
    by_journal = edge.push(publish(SECOND, revision=2))
    seen = edge.read()
    edge.plant(f".entrepot/{SITE}/manifest", b"not compressed")
    by_manifest = edge.push(publish(SECOND | {"a": "third"}, revision=3))

    assert (by_journal.files, by_manifest.files) == (4, 4)
    assert seen == publish(SECOND).data


def test_the_library_is_asked_for_when_it_is_missing(edge: Sftp, publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "paramiko", None)

    with pytest.raises(PushFailed, match=r"pip install 'entrepot\[edge\]'"):
        edge.push(publish(FIRST))


def test_new_files_come_before_replaced_ones_and_removed_ones_go_last(edge: Sftp, publish: Publish) -> None:
    first, second = publish(FIRST), publish(SECOND, revision=2)
    edge.push(first)
    seen = []

    class Watched(Publication):
        def checkpoint(self) -> None:
            seen.append(edge.read())

    edge.push(Watched(second.blob("").parent / "store", SECOND, revision=2))

    new = {"deep/c": b"new"}
    assert seen[:2] == [first.data, first.data | new]
    assert seen[-1] == second.data | {"deep/er/gone": b"gone"}


def test_a_folder_that_is_missing_is_a_server_that_is_not_ready(edge: Sftp, publish: Publish) -> None:
    edge.root.rmdir()

    with pytest.raises(PushFailed, match="The folder is not there"):
        edge.push(publish(FIRST))


@pytest.mark.parametrize(
    ("url", "options", "why"),
    [
        ("sftp://user:secret@host/srv", {}, "password"),
        ("sftp:///srv", {}, "name a host"),
        ("sftp://host", {}, "absolute path"),
        ("sftp://-oProxyCommand=x/srv", {}, "not begin with"),
        ("sftp://host:99999/srv", {}, "cannot be read"),
        ("sftp://host/srv", {"pasword": "secret"}, "pasword"),
        ("sftp://host/srv", {"password": 7}, "password"),
        ("sftp://host/srv", {"host_key_fingerprint": "ab:cd"}, "SHA256"),
        ("sftp://host/srv?secret", {}, "end with its path"),
        ("gopher://host/srv", {}, "begin with one of"),
        ("relative/folder", {}, "path of a folder"),
        ("/srv", {"token": "secret"}, "token"),
    ],
)
def test_what_cannot_be_opened_is_refused_before_anything_is_connected(url: str, options: dict[str, str], why: str) -> None:
    with pytest.raises(InvalidValue, match=why) as refused:
        targets.check(url, options)

    assert "secret" not in str(refused.value).replace("?secret", "")


def test_secrets_are_masked_and_the_rest_is_not() -> None:
    assert targets.masked({"password": "x", "verify": "size", "token": ""}) == {
        "password": "*****",
        "verify": "size",
        "token": "",
    }


@pytest.mark.parametrize("link", ["zoo", SITE, f"{SITE}/deep", ".entrepot"])
def test_a_folder_that_is_a_link_is_neither_written_nor_removed_through(
    edge: Sftp, publish: Publish, tmp_path: Path, link: str
) -> None:
    edge.push(publish(FIRST))
    place, outside = edge.root / link, tmp_path / "outside"
    place.rename(outside)
    place.symlink_to(outside)
    before = {path: path.read_bytes() for path in outside.rglob("*") if path.is_file()}

    with suppress(PushFailed):
        edge.push(publish({"deep/new": "x"}, revision=2))

    assert {path: path.read_bytes() for path in outside.rglob("*") if path.is_file()} == before


def test_an_answer_that_is_none_fails_with_words(edge: Sftp, publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    def nonsense(*_arguments: object) -> None:
        msg = "Garbage packet received"
        raise paramiko.SFTPError(msg)

    monkeypatch.setattr(paramiko.SFTPClient, "listdir", nonsense)

    with pytest.raises(PushFailed, match="Garbage packet"):
        edge.push(publish(FIRST))

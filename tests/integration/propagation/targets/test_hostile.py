"""Servers whose notes are not ours, or that answer as they like: nothing outside the site is touched, nothing runs away."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import tracemalloc
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from entrepot.errors import InvalidValue, PushFailed
from entrepot.propagation import targets
from entrepot.propagation.targets import in_place
from tests.integration.propagation.targets.contract import FIRST, SITE, Publish, Stopped
from tests.integration.propagation.targets.loopback import Environ, LoopbackServer, asks, read_body
from tests.integration.propagation.targets.put_server import PutSite

STATE = f"/.entrepot/{SITE}"
DIGEST = hashlib.sha256(b"x").hexdigest()


@pytest.fixture
def site() -> PutSite:
    return PutSite()


@pytest.fixture
def server(site: PutSite) -> Iterator[LoopbackServer]:
    with LoopbackServer(site) as made:
        yield made


def push(url: str, tree: Any) -> Any:
    with targets.open_target(url, {}, timeout_seconds=5) as target:
        return target.push(tree)


@pytest.mark.parametrize("outside", ["../other/edge/precious", "/precious", "a/../../precious", ""])
def test_a_planted_manifest_removes_nothing_outside_the_site(
    site: PutSite, server: LoopbackServer, publish: Publish, outside: str
) -> None:
    lines = f'{{"site": "{SITE}", "revision": 1, "digest": "x"}}\n{DIGEST} 1 {json.dumps(outside)}\n'
    site.files[f"{STATE}/manifest"] = gzip.compress(lines.encode())

    push(server.url, publish(FIRST))

    assert [path for method, path in server.asked if method == "DELETE" and not path.startswith(f"{STATE}/")] == []


@pytest.mark.parametrize(
    "line",
    [
        b'["../other/edge/precious", "/precious", ""]\n',
        b'["a", 1, [2], null]\n',
        b"[" * 100_000 + b"\n",
        f"{DIGEST} 1 [1]\n".encode(),
        f"{DIGEST} 1 ".encode() + b"[" * 100_000 + b"\n",
        b"<html>\n",
    ],
)
def test_a_planted_journal_removes_nothing_outside_the_site(
    site: PutSite, server: LoopbackServer, publish: Publish, line: bytes
) -> None:
    site.files[f"{STATE}/journal-000001"] = line
    tree = publish(FIRST)

    push(server.url, tree)

    assert [path for method, path in server.asked if method == "DELETE" and not path.startswith(f"{STATE}/")] == []
    assert {path: data for path, data in site.files.items() if path.startswith(f"/{SITE}/")} == {
        f"/{SITE}/{path}": data for path, data in tree.data.items()
    }


@pytest.mark.parametrize("marker", [b"[" * 100_000, b"{}", b'{"site": 1, "revision": [], "digest": {}}', b"\xff", b"1"])
def test_a_marker_that_is_none_counts_as_none(site: PutSite, server: LoopbackServer, publish: Publish, marker: bytes) -> None:
    site.files[f"{STATE}/marker"] = marker

    assert push(server.url, publish(FIRST)).files == 4


def everything(data: bytes) -> Any:
    """A server that has one page for all paths, as those of applications in one page have."""

    def answer(environ: Environ, start: Any) -> Iterable[bytes]:
        read_body(environ)
        start("200 OK", [("Content-Length", str(len(data)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [data]

    return answer


@pytest.mark.parametrize("page", [b"<html>welcome</html>\n", b'["a"]\n'])
def test_a_server_that_has_a_page_for_every_path_is_given_up(
    publish: Publish, monkeypatch: pytest.MonkeyPatch, page: bytes
) -> None:
    monkeypatch.setattr(in_place, "MOST_STATE_BYTES", 200)
    with LoopbackServer(everything(page)) as server:
        with pytest.raises(PushFailed, match="journal"):
            push(server.url, publish(FIRST))

        assert len(server.asked) < 60


def test_a_manifest_that_unpacks_to_too_much_counts_as_none(
    site: PutSite, server: LoopbackServer, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_place, "MOST_STATE_BYTES", 1 << 20)
    site.files[f"{STATE}/manifest"] = gzip.compress(b"\n" * (64 << 20), compresslevel=1)
    tracemalloc.start()
    try:
        pushed = push(server.url, publish(FIRST))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert pushed.files == 4
    assert peak < 16 << 20


@pytest.mark.parametrize("method", ["OPTIONS", "GET", "PUT", "HEAD"])
def test_of_an_endless_answer_no_more_is_read_than_is_needed(
    server: LoopbackServer, publish: Publish, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setattr(in_place, "MOST_STATE_BYTES", 1 << 20)
    sent = 0

    def endless(environ: Environ, start: Any) -> Iterable[bytes]:
        nonlocal sent
        read_body(environ)
        start("200 OK", [])
        while sent < 256 << 20:
            sent += 1 << 16
            yield bytes(1 << 16)

    server._faults.append((asks(method), endless))
    if method in ("OPTIONS", "HEAD"):
        push(server.url, publish(FIRST))
    else:
        with pytest.raises(PushFailed):
            push(server.url, publish(FIRST))

    assert sent < 32 << 20


def test_what_a_server_says_is_cut_and_stays_on_one_line(server: LoopbackServer, publish: Publish) -> None:
    def elsewhere(environ: Environ, start: Any) -> Iterable[bytes]:
        read_body(environ)
        start("302 Found", [("Location", "https://elsewhere.example.org/\x85" + "x" * 20_000), ("Content-Length", "0")])
        return [b""]

    server._faults.append((asks("GET"), elsewhere))

    with pytest.raises(PushFailed, match=r"302 Found to GET") as failed:
        push(server.url, publish(FIRST))

    assert len(failed.value.message) < 3000
    assert failed.value.message.isprintable()


def test_no_repository_can_write_what_is_remembered_of_another(site: PutSite, server: LoopbackServer, publish: Publish) -> None:
    push(server.url, publish(FIRST))
    before = dict(site.files)

    with pytest.raises(PushFailed, match=r"\.entrepot"):
        push(server.url, publish({"edge/marker": "forged"}, site=".entrepot/zoo"))

    assert site.files == before


@pytest.mark.parametrize("link", [SITE.split("/")[0], SITE, f"{SITE}/releases", "release", "manifest", "folder"])
def test_a_folder_that_is_a_link_is_not_written_through(tmp_path: Path, publish: Publish, link: str) -> None:
    root, outside = tmp_path / "edge", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "precious").write_text("not ours")
    tree = publish(FIRST)
    push(str(root), tree)
    release = (root / SITE / "current").resolve()
    for path in sorted(root.rglob("*"), reverse=True):  # as if nothing had been pushed: whoever planted it knew the name
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    planted = {"release": release, "manifest": release.with_name(f"{release.name}.manifest"), "folder": release / "deep"}
    place = planted.get(link, root / link)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(outside / "precious" if link == "manifest" else outside)

    with suppress(PushFailed):
        push(str(root), tree)

    assert {path.name: path.read_text() for path in outside.iterdir()} == {"precious": "not ours"}


@pytest.mark.parametrize(
    "url",
    [
        "https://[bad",
        "https://edge.example.org:99999999/",
        "rsync+ssh://%2Fetc%2F/srv",
        "rsync+ssh://me%2Fyou@edge.example.org/srv",
        "rsync+ssh://me%3Ax@edge.example.org/srv",
        "rsync+ssh://a%20b@edge.example.org/srv",
        "rsync+ssh://edge.example.org%3B/srv",
        "sftp://-oProxyCommand=x/srv",
        "https://edge.example.org/\n",
        "https://edge.exa\nmple.org/",
        "\x00/srv",
        "/srv/a\0b",
        "/srv/\ud800",
        "sftp://edge.example.org/srv/\ud800",
        "https://edge.example.org/%00",
        "https://edge.example.org/" + "x" * 5000,
    ],
)
def test_an_address_that_means_something_else_to_somebody_is_refused(url: str) -> None:
    with pytest.raises(InvalidValue, match="url"):
        targets.check(url, {})


def test_the_root_may_be_a_link(tmp_path: Path, publish: Publish) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "edge").symlink_to(tmp_path / "disk")

    assert push(str(tmp_path / "edge"), publish(FIRST)).files == 4


def test_a_manifest_that_is_a_pipe_or_a_device_counts_as_none(tmp_path: Path, publish: Publish) -> None:
    (tmp_path / "edge").mkdir()
    url, tree = str(tmp_path / "edge"), publish(FIRST)
    push(url, tree)
    [manifest] = (tmp_path / "edge" / SITE / "releases").glob("*.manifest")
    for plant in (os.mkfifo, lambda path: path.symlink_to("/dev/zero")):
        manifest.unlink()
        plant(manifest)

        assert push(url, tree).files == 0


def test_a_pipe_in_place_of_a_file_is_replaced(tmp_path: Path, publish: Publish) -> None:
    (tmp_path / "edge").mkdir()
    url, tree = str(tmp_path / "edge"), publish({"empty": "", "other": "x"})
    tree.stop_at = 2
    with pytest.raises(Stopped):
        push(url, tree)
    [place] = (tmp_path / "edge" / SITE / "releases").glob("*/empty")
    place.unlink()
    os.mkfifo(place)
    tree.stop_at = 0

    push(url, tree)

    assert place.is_file()


@pytest.mark.parametrize("link", ["", "deep", "deep/er"])
def test_what_a_link_in_the_release_before_leads_to_is_not_published(tmp_path: Path, publish: Publish, link: str) -> None:
    root, outside = tmp_path / "edge", tmp_path / "outside"
    root.mkdir()
    push(str(root), publish(FIRST))
    place = (root / SITE / "current").resolve() / link
    place.rename(outside)
    place.symlink_to(outside)
    [secret] = outside.rglob("gone")
    secret.write_bytes(b"shh!")  # as many bytes as were published by that name
    tree = publish(FIRST | {"a": "second"}, revision=2)

    push(str(root), tree)

    assert (root / SITE / "current" / "deep/er/gone").read_bytes() == b"gone"
    assert secret.stat().st_nlink == 1

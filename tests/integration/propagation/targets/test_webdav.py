"""Web servers as targets: one that does WebDAV, and one that takes files by PUT."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from wsgidav.wsgidav_app import WsgiDAVApp

from entrepot.errors import InvalidValue, PushFailed
from entrepot.propagation import targets
from tests.integration.propagation.targets.certificates import issue_certificate
from tests.integration.propagation.targets.contract import FIRST, SECOND, SECRET, SITE, Edge, Publish, TargetContract
from tests.integration.propagation.targets.loopback import LoopbackServer, asks
from tests.integration.propagation.targets.put_server import PutSite

LOGIN = {"username": "zookeeper", "password": "open-sesame-open"}


def is_upload(method: str, path: str) -> bool:
    """Whether a request brings a file, or a note, of the site."""
    return method == "PUT" and ("/+incoming/" in path or f"/{SITE}/" in path)


class WebEdge(Edge):
    """A folder of a web server of the test's own."""

    server: LoopbackServer

    @contextmanager
    def down(self) -> Iterator[None]:
        with LoopbackServer(PutSite()) as gone:
            self.url = self.url.replace(self.server.address, gone.address)
        yield

    @contextmanager
    def full(self) -> Iterator[None]:
        self.server.refuse("507 Insufficient Storage", is_upload)
        yield
        self.server.mend()

    @contextmanager
    def corrupting(self) -> Iterator[None]:
        self.server.alter(lambda data: data[:-1] if data.startswith(b"a much longer") else data, is_upload)
        yield
        self.server.mend()


class DavFolder(WebEdge):
    """A folder on a WebDAV server, which is a folder on disk."""

    def __init__(self, server: LoopbackServer, root: Path) -> None:
        self.server, self.root = server, root
        self.url, self.options = f"{server.url}/dav/my%20sites", dict(LOGIN)
        self.options_refused = {**LOGIN, "password": SECRET}

    def read(self, site: str = SITE) -> dict[str, bytes]:
        folder = self.root / "my sites" / site
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def plant(self, name: str, data: bytes) -> None:
        path = self.root / "my sites" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def find(self, name: str) -> bytes | None:
        path = self.root / "my sites" / name
        return path.read_bytes() if path.exists() else None


class PutFolder(WebEdge):
    """A folder on a server that knows no WebDAV."""

    def __init__(self, server: LoopbackServer, site: PutSite) -> None:
        self.server, self.site = server, site
        self.url, self.options, self.options_refused = f"{server.url}/my%20sites", {"token": "open-sesame"}, {"token": SECRET}

    def read(self, site: str = SITE) -> dict[str, bytes]:
        prefix = f"/my sites/{site}/"
        return {path.removeprefix(prefix): data for path, data in self.site.files.items() if path.startswith(prefix)}

    def plant(self, name: str, data: bytes) -> None:
        self.site.files[f"/my sites/{name}"] = data

    def find(self, name: str) -> bytes | None:
        return self.site.files.get(f"/my sites/{name}")


def dav_application(root: Path) -> WsgiDAVApp:
    return WsgiDAVApp(
        {
            "provider_mapping": {"/dav": str(root)},
            "http_authenticator": {"domain_controller": None, "accept_digest": False, "default_to_digest": False},
            "simple_dc": {"user_mapping": {"*": {LOGIN["username"]: {"password": LOGIN["password"]}}}},
            "logging": {"enable": False},
            "verbose": 0,
        }
    )


@pytest.fixture
def dav(tmp_path: Path) -> Iterator[DavFolder]:
    logging.getLogger("wsgidav").setLevel(logging.CRITICAL)
    root = tmp_path / "dav"
    root.mkdir()
    with LoopbackServer(dav_application(root)) as server:
        yield DavFolder(server, root)


@pytest.fixture
def put() -> Iterator[PutFolder]:
    site = PutSite(authorization="Bearer open-sesame")
    with LoopbackServer(site) as server:
        yield PutFolder(server, site)


class TestWebdav(TargetContract):
    """A WebDAV server does what every target does."""

    @pytest.fixture
    def edge(self, dav: DavFolder) -> DavFolder:
        return dav


class TestPlainPut(TargetContract):
    """A server without WebDAV does what every target does, but for one thing."""

    @pytest.fixture
    def edge(self, put: PutFolder) -> PutFolder:
        return put

    def test_a_file_that_arrives_damaged_is_found_and_brought_again(self, edge: Edge, publish: Publish) -> None:
        """It has taken its place by then: there is no other name to look at it first."""
        tree = publish(FIRST | {"a": "a much longer text"})

        with edge.corrupting(), pytest.raises(PushFailed, match="'a' arrived damaged: with 17 bytes, not 18"):
            edge.push(tree)
        edge.push(tree)

        assert edge.read() == tree.data


def test_a_file_is_seen_at_its_place_only_when_it_is_whole(dav: DavFolder, publish: Publish) -> None:
    dav.push(publish({"a": "old"}))
    dav.server.break_off(is_upload)

    with pytest.raises(PushFailed, match=r"The connection broke off during PUT"):
        dav.push(publish({"a": "new" * 1_000_000}, revision=2))
    dav.server.mend()

    assert dav.read() == {"a": b"old"}


def test_index_files_are_replaced_after_additions_and_before_removals(dav: DavFolder, publish: Publish) -> None:
    dav.push(publish(FIRST))
    dav.server.asked.clear()
    dav.push(publish(SECOND, revision=2))
    removed = [path for method, path in dav.server.asked if method == "DELETE" and f"my sites/{SITE}/" in path]
    last_move = max(number for number, (method, _) in enumerate(dav.server.asked) if method == "MOVE")

    assert removed == [f"/dav/my sites/{SITE}/deep/er/gone", f"/dav/my sites/{SITE}/deep/er/"]
    assert dav.server.asked.index(("DELETE", removed[0])) > last_move


def test_a_folder_of_somebody_else_is_neither_replaced_nor_removed(dav: DavFolder, publish: Publish) -> None:
    dav.plant(f"{SITE}/a/precious", b"not ours")

    with pytest.raises(PushFailed, match="zoo/edge/a is a folder there, and not ours"):
        dav.push(publish(FIRST))
    dav.push(publish({"b": "same"}, revision=2))

    assert dav.read() == {"a/precious": b"not ours", "b": b"same"}


def test_what_a_stopped_push_left_behind_is_gone_after_the_next(dav: DavFolder, publish: Publish) -> None:
    tree = publish(FIRST)
    dav.push(tree)
    dav.plant(".entrepot/+incoming/left", b"half")

    dav.push(publish(SECOND, revision=2))

    assert [*(dav.root / "my sites/.entrepot/+incoming").iterdir()] == []


@pytest.mark.parametrize("kind", ["dav", "put"])
def test_a_silent_server_is_given_up_in_time(request: pytest.FixtureRequest, publish: Publish, kind: str) -> None:
    edge = request.getfixturevalue(kind)
    edge.server.hang(asks("PUT"))

    target = targets.open_target(edge.url, edge.options, timeout_seconds=0.3)
    with target, pytest.raises(PushFailed, match=r"did not answer PUT \S+ within 0\.3 seconds"):
        target.push(publish(FIRST))


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("403 Forbidden", "403 Forbidden to PUT .* Let this login read, write"),
        ("413 Content Too Large", "413 Content Too Large to PUT .* files of that size"),
        ("507 Insufficient Storage", "507 Insufficient Storage to PUT .* Make room"),
        ("500 Oh No", "500 Oh No to PUT .* server's log"),
    ],
)
def test_a_refusal_is_told_with_what_to_do(put: PutFolder, publish: Publish, status: str, words: str) -> None:
    put.server.refuse(status, asks("PUT"))

    with pytest.raises(PushFailed, match=words):
        put.push(publish(FIRST))


def test_a_redirect_is_not_followed(put: PutFolder, publish: Publish) -> None:
    put.server.refuse("308 Permanent Redirect", asks("GET"))

    with pytest.raises(PushFailed, match="308 Permanent Redirect to GET"):
        put.push(publish(FIRST))


def test_a_server_that_is_broken_when_asked_what_it_can_do_is_not_taken_for_a_plain_one(
    dav: DavFolder, publish: Publish
) -> None:
    dav.server.refuse("503 Service Unavailable", asks("OPTIONS"))

    with pytest.raises(PushFailed, match="503 Service Unavailable to OPTIONS"):
        dav.push(publish(FIRST))


def test_a_server_that_tells_no_size_is_read_back(put: PutFolder, publish: Publish) -> None:
    put.server.refuse("405 Method Not Allowed", asks("HEAD"))

    assert put.push(publish(FIRST)).files == 4
    assert ("GET", f"/my sites/{SITE}/b") in put.server.asked


def test_reading_back_finds_what_the_size_does_not_show(dav: DavFolder, publish: Publish) -> None:
    dav.options["verify"] = "get"
    dav.server.alter(lambda data: data.replace(b"same", b"sane"), is_upload)

    with pytest.raises(PushFailed, match="'b' arrived damaged: its bytes are others"):
        dav.push(publish(FIRST))

    assert "b" not in dav.read()


def test_damaged_bytes_in_the_store_are_never_sent_whole(put: PutFolder, publish: Publish) -> None:
    tree = publish({"a": "x" * (3 << 20)})
    blob = tree.blob(next(tree.files()).sha256)
    blob.chmod(0o644)
    blob.write_text("y" * (3 << 20))

    with pytest.raises(PushFailed, match="stored bytes of 'a' are damaged"):
        put.push(tree)

    assert put.read() == {}


@pytest.mark.parametrize("given", ["nothing", "the authority", "no verification"])
def test_a_certificate_is_trusted_only_if_its_authority_is(tmp_path: Path, publish: Publish, given: str) -> None:
    authority, certificate = issue_certificate(tmp_path)
    trust = {"nothing": {}, "the authority": {"ca_certificate": authority}, "no verification": {"verify_tls": False}}
    with LoopbackServer(PutSite(), certificate=certificate) as server:
        edge = PutFolder(server, server._application)
        edge.options = trust[given]
        if given == "nothing":
            with pytest.raises(PushFailed, match=r"certificate verify failed.*ca_certificate"):
                edge.push(publish(FIRST))
            return

        assert edge.push(publish(FIRST)).files == 4


@pytest.mark.parametrize(
    ("url", "options", "why"),
    [
        ("https:///folder", {}, "https://edge.example.org/folder"),
        ("https://host/a/../b", {}, "https://edge.example.org/folder"),
        ("https://host/", {"username": "a"}, "both or neither"),
        ("https://me@host/", {}, "both or neither"),
        ("https://host/", {"username": "a", "password": "b", "token": "c"}, "not both"),
        ("https://host/", {"token": "two\nlines"}, "letters, digits and signs"),
        ("https://host/", {"verify": "etag"}, "verify"),
        ("https://host/", {"verify_tls": "no"}, "verify_tls"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_sent(url: str, options: dict[str, str], why: str) -> None:
    with pytest.raises(InvalidValue, match=why):
        targets.check(url, options)


def test_the_user_may_stand_in_the_url(dav: DavFolder, publish: Publish) -> None:
    dav.url = dav.url.replace("http://", "http://zookeeper@")
    dav.options = {"password": LOGIN["password"]}

    assert dav.push(publish(FIRST)).files == 4

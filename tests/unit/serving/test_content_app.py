"""The content door, in a real HTTP server, over a fake engine that holds published files in a dictionary."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import httpx
import pytest
import uvicorn

from entrepot import clock
from entrepot.content.incoming import Here, Incoming
from entrepot.content.wholeness import Wholeness
from entrepot.errors import BytesUnavailable, DatabaseUnavailable
from entrepot.readers import Readers
from entrepot.repositories.reports import ListedItem, PublishedDirectory, PublishedFile
from entrepot.serving import content_app
from entrepot.serving.listing import MEMORY_BYTES
from entrepot.web.server import bound_socket

if TYPE_CHECKING:
    from entrepot.content.store import BlobStore
    from entrepot.engine import Engine

_MODIFIED = datetime(2026, 11, 2, 10, 20, 30, 500_000, tzinfo=UTC)
_DATE = "Mon, 02 Nov 2026 10:20:30 GMT"


class PublishedTree:
    """Stands for an engine: files by path, in a folder; counts open visits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[str, bytes] = {}
        self.database_is_away = False
        self.visits = 0
        self.schemes: list[str] = []
        self.settings = SimpleNamespace(data_dir=folder)
        self.database = SimpleNamespace(is_embedded=False)
        self.repositories = self
        self.fetching = self
        self.wholeness = Wholeness(cast("BlobStore", self))

    def add(self, path: str, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        (self.folder / digest).write_bytes(data)
        self.files[path] = data
        return digest

    @contextmanager
    def visit(self) -> Iterator[None]:
        self.visits += 1
        yield
        self.visits -= 1

    def check(self) -> None:
        if self.database_is_away:
            msg = "The database postgresql://secret-host/x does not answer"
            raise DatabaseUnavailable(msg)

    def path(self, sha256: str) -> Path:
        return self.folder / sha256

    def bring(self, found: PublishedFile) -> Incoming:
        """Look at what is here, and fetch nothing."""
        incoming = Incoming()
        data = self.path(str(found.sha256)).read_bytes() if self.path(str(found.sha256)).exists() else b""
        if hashlib.sha256(data).hexdigest() == found.sha256:
            self.wholeness.note(found.sha256, self.path(found.sha256).stat())
            incoming.arrive(Here(found.sha256, len(data)))
        else:
            incoming.fail(BytesUnavailable("lost"))
        return incoming

    def find_published_files(self, asked: list[tuple[str, str]]) -> dict[tuple[str, str], PublishedFile]:
        found = {(path, scheme): self.published(path, scheme=scheme) for path, scheme in asked}
        return {key: file for key, file in found.items() if isinstance(file, PublishedFile)}

    def published(self, path: str, *, scheme: str = "http") -> PublishedFile | PublishedDirectory | None:
        self.check()
        assert self.visits
        self.schemes.append(scheme)
        if path in self.files:
            data = self.files[path]
            digest = hashlib.sha256(data).hexdigest()
            return PublishedFile(path, digest, len(data), _MODIFIED, self.folder / digest, is_live=True, blob=1)
        prefix = f"{path}/" if path else ""
        inside = sorted({name[len(prefix) :].split("/", 1)[0] for name in self.files if name.startswith(prefix)})
        return PublishedDirectory(path, self._items(prefix, inside)) if inside or not path else None

    def _items(self, prefix: str, names: list[str]) -> Iterator[ListedItem]:
        for name in names:
            assert self.visits, "a listing is read outside visit()"
            data = self.files.get(prefix + name)
            if data is None:
                yield ListedItem(name, is_directory=True, size=None, modified=None)
            else:
                yield ListedItem(name, is_directory=False, size=len(data), modified=_MODIFIED)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PublishedTree, httpx.Client]]:
    """A tree, and a client of a real server in this process that serves it."""
    tree = PublishedTree(tmp_path_factory.mktemp("store"))
    listener = bound_socket("127.0.0.1", 0)
    with listener, httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}") as client:
        listener.listen()  # the first request waits in the queue until the server takes it
        engine = cast("Engine", tree)
        app = content_app(engine, Readers(engine))
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield tree, client
        client.close()
        server.should_exit = True
        thread.join()


@pytest.fixture
def tree(served: tuple[PublishedTree, httpx.Client]) -> PublishedTree:
    """The tree, with two files as each test finds it."""
    tree = served[0]
    tree.files.clear()
    tree.schemes.clear()
    tree.database_is_away = False
    tree.add("zoo/bear.iso", b"0123456789" * 10)
    tree.add("zoo/deep/er/lion.tar.gz", b"lion")
    return tree


@pytest.fixture
def client(served: tuple[PublishedTree, httpx.Client], tree: PublishedTree) -> httpx.Client:
    """The client of the server."""
    return served[1]


def test_a_date_that_lies_ahead_is_told_as_the_present_and_still_tells_contents_apart(
    tree: PublishedTree, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: _MODIFIED - timedelta(seconds=1))
    tree.add("zoo/file.iso", b"second of its second")

    answer = client.get("/content/zoo/file.iso")
    again = client.get("/content/zoo/file.iso", headers={"if-modified-since": answer.headers["last-modified"]})

    assert answer.headers["last-modified"] == "Mon, 02 Nov 2026 10:20:29 GMT"
    assert (again.status_code, again.content) == (200, b"second of its second")


@pytest.mark.parametrize("size", [0, 100, 64 * 1024, 64 * 1024 + 1, 1_000_000])
def test_a_file_of_any_size_is_sent_with_its_validators(tree: PublishedTree, client: httpx.Client, size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    digest = tree.add("zoo/file.iso", data[:size])

    answer = client.get("/content/zoo/file.iso")

    assert (answer.status_code, answer.content) == (200, data[:size])
    assert answer.headers["content-length"] == str(size)
    assert answer.headers["content-type"] == "application/x-iso9660-image"
    assert answer.headers["etag"] == f'"{digest}"'
    assert answer.headers["last-modified"] == _DATE
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_head_has_the_headers_of_get_and_no_body(client: httpx.Client) -> None:
    full, head = client.get("/content/zoo/bear.iso"), client.head("/content/zoo/bear.iso", headers={"range": "bytes=0-1"})

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == full.headers


def test_a_compressed_file_has_no_content_encoding(client: httpx.Client) -> None:
    answer = client.get("/content/zoo/deep/er/lion.tar.gz", headers={"accept-encoding": "gzip"})

    assert answer.headers["content-type"] == "application/gzip"
    assert "content-encoding" not in answer.headers
    assert answer.content == b"lion"


@pytest.mark.parametrize(
    ("asked", "part", "content_range"),
    [
        ("bytes=0-4", b"01234", "bytes 0-4/100"),
        ("bytes=95-", b"56789", "bytes 95-99/100"),
        ("bytes=-3", b"789", "bytes 97-99/100"),
        ("bytes=98-1000", b"89", "bytes 98-99/100"),
        ("bytes=0-1,500-600", b"01", "bytes 0-1/100"),
    ],
)
def test_one_range_is_sent_as_partial_content(client: httpx.Client, asked: str, part: bytes, content_range: str) -> None:
    answer = client.get("/content/zoo/bear.iso", headers={"range": asked})

    assert (answer.status_code, answer.content) == (206, part)
    assert answer.headers["content-range"] == content_range
    assert answer.headers["content-length"] == str(len(part))


def test_several_ranges_are_sent_in_parts(client: httpx.Client) -> None:
    answer = client.get("/content/zoo/bear.iso", headers={"range": "bytes=0-1,50-52"})

    boundary = answer.headers["content-type"].removeprefix("multipart/byteranges; boundary=").encode()
    parts = [part.strip(b"\r\n").split(b"\r\n\r\n") for part in answer.content.split(b"--" + boundary)[1:-1]]
    assert answer.status_code == 206
    assert len(answer.content) == int(answer.headers["content-length"])
    assert [body for _, body in parts] == [b"01", b"012"]
    assert b"Content-Range: bytes 50-52/100" in parts[1][0]


@pytest.mark.parametrize("asked", ["items=0-1", "bytes=x", "bytes=9-1"])
def test_a_range_that_is_none_is_answered_with_the_whole_file(client: httpx.Client, asked: str) -> None:
    answer = client.get("/content/zoo/bear.iso", headers={"range": asked})

    assert (answer.status_code, len(answer.content)) == (200, 100)


def test_a_range_behind_the_end_is_refused_with_the_size(client: httpx.Client) -> None:
    answer = client.get("/content/zoo/bear.iso", headers={"range": "bytes=100-"})

    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */100")


def test_a_range_is_honoured_only_if_the_content_is_still_the_same(tree: PublishedTree, client: httpx.Client) -> None:
    tag = client.get("/content/zoo/bear.iso").headers["etag"]

    def status(if_range: str) -> int:
        return client.get("/content/zoo/bear.iso", headers={"range": "bytes=0-1", "if-range": if_range}).status_code

    assert [status(tag), status(_DATE), status('"other"'), status("W/" + tag)] == [206, 206, 200, 200]


def test_a_client_that_has_the_content_is_told_so(client: httpx.Client) -> None:
    tag = client.get("/content/zoo/bear.iso").headers["etag"]

    conditions = ({"if-none-match": tag}, {"if-modified-since": _DATE})
    answers = [client.get("/content/zoo/bear.iso", headers=headers) for headers in conditions]

    assert [(answer.status_code, answer.content, answer.headers["etag"]) for answer in answers] == [(304, b"", tag)] * 2


def test_a_name_that_holds_its_digest_may_be_kept_for_a_year(tree: PublishedTree, client: httpx.Client) -> None:
    digest = hashlib.sha256(b"meta").hexdigest()
    tree.add(f"zoo/{digest}-primary.xml.gz", b"meta")

    answer = client.get(f"/content/zoo/{digest}-primary.xml.gz")

    assert answer.headers["cache-control"] == "max-age=31536000, immutable"


def test_a_mirrored_page_may_run_nothing(tree: PublishedTree, client: httpx.Client) -> None:
    tree.add("zoo/index.html", b"<script>alert(1)</script>")

    assert client.get("/content/zoo/index.html").headers["content-security-policy"] == "sandbox"


@pytest.mark.parametrize("path", ["/content", "/content/zoo", "/content/zoo/deep", "/content/zoo//deep"])
def test_a_folder_is_at_its_slash(client: httpx.Client, path: str) -> None:
    answer = client.get(path)

    assert (answer.status_code, answer.headers["location"]) == (301, path.rpartition("/")[2] + "/")


def test_a_listing_names_files_and_folders_with_relative_links(client: httpx.Client) -> None:
    answer = client.get("/content/zoo/")

    assert re.findall('href="([^"]*)"', answer.text) == ["../", "bear.iso", "deep/"]
    assert '<td><a href="bear.iso">bear.iso</a></td><td>2026-11-02 10:20</td><td>100</td>' in answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_root_lists_what_is_published_and_leads_nowhere_above(client: httpx.Client) -> None:
    assert re.findall('href="([^"]*)"', client.get("/content/").text) == ["zoo/"]


def test_the_root_is_empty_before_anything_is_published(tree: PublishedTree, client: httpx.Client) -> None:
    tree.files.clear()

    answer = client.get("/content/", headers={"accept": "application/json"})

    assert answer.json() == {"path": "", "items": []}


@pytest.mark.parametrize("name", ["<b>&\"'.iso", "100% #1?.iso", "a:b.iso", "ünï cödé.iso", "c++,v=1@2~3.rpm"])
def test_any_name_is_escaped_and_its_link_leads_to_it(tree: PublishedTree, client: httpx.Client, name: str) -> None:
    tree.add(f"odd/{name}", b"odd")

    page = client.get("/content/odd/")
    links = re.findall('href="([^"]*)"', page.text)

    assert "<b>" not in page.text
    assert client.get(f"/content/odd/{links[1]}").content == b"odd"


def test_a_listing_is_json_if_that_is_preferred(client: httpx.Client) -> None:
    answer = client.get("/content/zoo/", headers={"accept": "application/json"})

    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["vary"] == "Accept"
    assert answer.json() == {
        "path": "zoo",
        "items": [
            {"name": "bear.iso", "type": "file", "href": "bear.iso", "size": 100, "modified": "2026-11-02T10:20:30Z"},
            {"name": "deep", "type": "directory", "href": "deep/", "size": None, "modified": None},
        ],
    }
    assert client.get("/content/zoo/", headers={"accept": "text/html, application/json;q=0.9"}).text.startswith("<!DOCTYPE")


def test_a_listing_larger_than_memory_allows_is_whole_and_leaves_no_file(tree: PublishedTree, client: httpx.Client) -> None:
    for number in range(12_000):
        tree.files[f"big/file-{number:05}"] = b""
    before = sorted(tree.folder.iterdir())

    answer = client.get("/content/big/")

    assert len(answer.content) > MEMORY_BYTES
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.text.count("href=") == 12_001
    assert answer.text.endswith("</html>\n")
    assert sorted(tree.folder.iterdir()) == before


def test_an_unchanged_listing_is_not_sent_again(tree: PublishedTree, client: httpx.Client) -> None:
    tag = client.get("/content/zoo/").headers["etag"]

    assert client.get("/content/zoo/", headers={"if-none-match": tag}).status_code == 304
    tree.add("zoo/new.iso", b"new")
    assert client.get("/content/zoo/", headers={"if-none-match": tag}).status_code == 200


def test_head_of_a_listing_has_its_length_and_no_body(client: httpx.Client) -> None:
    full, head = client.get("/content/zoo/"), client.head("/content/zoo/")

    assert (head.content, head.headers["content-length"]) == (b"", full.headers["content-length"])


@pytest.mark.parametrize(
    "path",
    [
        "/content/nothing",
        "/content/zoo/bear.iso/",
        "/content/zoo/bear.iso/more",
        "/content/zoo/%2e%2e/%2e%2e/etc/passwd",
        "/content/zoo%2Fbear.iso",
        "/content/zoo/bear.iso%00",
        "/content/zoo/" + "a" * 5000,
        "/elsewhere",
    ],
)
def test_what_is_not_published_is_not_found(client: httpx.Client, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text.startswith("Nothing is published at ")
    assert len(answer.text) < 300


def test_an_error_is_json_if_that_is_preferred(client: httpx.Client) -> None:
    answer = client.get("/content/nothing", headers={"accept": "application/json"})

    assert answer.status_code == 404
    assert answer.json() == {"error": {"code": "PLP0009", "description": "Nothing is published at /content/nothing."}}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_content_can_only_be_read(client: httpx.Client, method: str) -> None:
    answer = client.request(method, "/content/zoo/bear.iso")

    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_the_scheme_that_a_proxy_tells_of_decides_what_is_seen(tree: PublishedTree, client: httpx.Client) -> None:
    client.get("/content/zoo/bear.iso", headers={"x-forwarded-proto": "https"})

    assert tree.schemes == ["https"]


@pytest.mark.parametrize("path", ["/content/zoo/bear.iso", "/content/zoo/", "/content/"])
def test_a_database_that_is_away_is_said_without_its_address(tree: PublishedTree, client: httpx.Client, path: str) -> None:
    tree.database_is_away = True

    answer = client.get(path)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "does not answer" in answer.text
    assert "secret-host" not in answer.text


@pytest.mark.parametrize("damage", [lambda file: file.unlink(), lambda file: file.write_bytes(b"short")])
def test_bytes_that_are_not_as_published_are_never_sent(tree: PublishedTree, client: httpx.Client, damage: object) -> None:
    digest = tree.add("zoo/hurt.iso", b"whole content")
    damage(tree.folder / digest)  # type: ignore[operator]  # one of the two above

    answer = client.get("/content/zoo/hurt.iso")

    assert answer.status_code == 500
    assert str(tree.folder) not in answer.text


def test_the_front_page_says_what_this_is_and_where_the_content_is(client: httpx.Client) -> None:
    answer = client.get("/")

    assert answer.text.startswith("entrepot ")
    assert "/content/" in answer.text

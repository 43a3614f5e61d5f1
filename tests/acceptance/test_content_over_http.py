"""What is published, fetched as clients do: by digest, in parts, as a mirror, and by another entrepot."""

from __future__ import annotations

import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

_FILES = {
    "plain.iso": b"0123456789" * 1000,
    "with space & <b>.iso": b"odd",
    "50%#?.iso": b"percent",
    "c++-1.0.rpm": b"plus",
    "empty.iso": b"",
}


@pytest.fixture
def zoo(run, served, feed, request: pytest.FixtureRequest) -> str:
    """The address of a published repository that holds `_FILES`."""
    feed.offer(_FILES)
    repository_id = f"http-{abs(hash(request.node.nodeid)) % 10**9}"
    distributor = ("--distributor", "iso_distributor", "--auto-publish")
    run("repo", "create", repository_id, "--importer", "iso_importer", "--feed", feed.url, *distributor)
    ran = run("repo", "sync", repository_id)
    assert ran.code == 0, ran.err
    return f"{served.url}/content/{repository_id}/"


class _Links(HTMLParser):
    """Collects the addresses of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if tag == "a" and name == "href"]


def test_a_listing_leads_to_every_file_and_nothing_else_below_it(zoo: str) -> None:
    links = [urljoin(zoo, link) for link in _Links(httpx.get(zoo).text).found]
    inside = [link for link in links if link.startswith(zoo)]

    contents = [httpx.get(link).content for link in inside]

    assert sorted(contents) == sorted([*_FILES.values(), httpx.get(zoo + "PULP_MANIFEST").content])


def test_the_root_lists_the_repository(served, zoo: str) -> None:
    items = httpx.get(f"{served.url}/content/", headers={"accept": "application/json"}).json()["items"]

    assert zoo in [urljoin(f"{served.url}/content/", item["href"]) for item in items]


def test_an_interrupted_transfer_is_resumed_where_it_stopped(zoo: str) -> None:
    first = httpx.get(zoo + "plain.iso", headers={"range": "bytes=0-3999"})
    rest = httpx.get(zoo + "plain.iso", headers={"range": "bytes=4000-", "if-range": first.headers["etag"]})

    assert (first.status_code, rest.status_code) == (206, 206)
    assert first.content + rest.content == _FILES["plain.iso"]


def test_a_mirror_that_comes_again_fetches_nothing(zoo: str) -> None:
    tags = {name: httpx.get(zoo + name).headers["etag"] for name in ("plain.iso", "PULP_MANIFEST", "")}

    assert [httpx.get(zoo + name, headers={"if-none-match": tag}).status_code for name, tag in tags.items()] == [304] * 3


@pytest.mark.skipif(shutil.which("wget") is None, reason="wget is not installed")
def test_wget_mirrors_it(zoo: str, tmp_path: Path) -> None:
    command = ["wget", "-q", "-r", "-np", "-nH", "--cut-dirs=2", "-R", "index.html*", "-P", str(tmp_path / "mirror"), zoo]
    subprocess.run(command, check=True)

    mirrored = {file.name: file.read_bytes() for file in (tmp_path / "mirror").iterdir()}

    assert {name: data for name, data in mirrored.items() if name != "PULP_MANIFEST"} == _FILES


def test_another_entrepot_mirrors_it(run, zoo: str, served) -> None:
    distributor = ("--distributor", "iso_distributor", "--auto-publish")
    mirror = zoo.rstrip("/").rpartition("/")[2] + "-mirror"
    run("repo", "create", mirror, "--importer", "iso_importer", "--feed", zoo, *distributor)

    ran = run("repo", "sync", mirror, "-o", "json")

    assert ran.document["result"]["added_count"] == len(_FILES)
    copy = f"{served.url}/content/{mirror}/"
    assert httpx.get(copy + "PULP_MANIFEST").headers["etag"] == httpx.get(zoo + "PULP_MANIFEST").headers["etag"]
    assert httpx.get(copy + "plain.iso").content == _FILES["plain.iso"]


def test_liveness_and_readiness(served) -> None:
    assert httpx.get(f"{served.url}/healthz").text == "ok\n"
    assert httpx.get(f"{served.url}/readyz").json()["status"] == "ready"

"""The real pip against what is published, with every download policy, and another entrepot that mirrors it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.builders.wheel import Package, build_sdist, build_wheel, html_page, package_files

ALPHA, BETA, BETA_NEW, BETA_YANKED = (
    "Alpha-1.0-py3-none-any.whl",
    "beta-1.5-py3-none-any.whl",
    "beta-1.8-py3-none-any.whl",
    "beta-1.9-py3-none-any.whl",
)


def packages(content: str) -> dict[str, Package]:
    """Return packages by their file names; those of each test have bytes that no other test has brought into the store."""
    built = [
        build_wheel("Alpha", "1.0", requires=["beta>=1,<2"], content=content),
        build_wheel("beta", "1.5", requires_python=">=3.8", content=content),
        build_wheel("beta", "1.8", requires_python=">=99", content=content),
        build_wheel("beta", "1.9", yanked="does not work", content=content),
        build_sdist("gamma", "1.0"),
    ]
    return {package.filename: package for package in built}


JSON = "application/vnd.pypi.simple.v1+json"
POLICIES = ("immediate", "on_demand", "background")


class Index:
    """A static index of `packages`, as HTML; remembers what was asked for."""

    def __init__(self, folder: Path, content: str) -> None:
        self.requested: list[str] = []
        self.packages = packages(content)
        self._folder = folder
        self.offer(*self.packages.values())
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self.requested, str(folder)))
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def offer(self, *packages: Package) -> None:
        """Offer these packages; what is not among them stays where it is, but its page does not name it."""
        for project in {package.project for package in packages}:
            page = html_page([package for package in packages if package.project == project])
            self._write(f"simple/{project}/index.html", page)
        for path, data in package_files(packages).items():
            self._write(path, data)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _write(self, path: str, data: bytes) -> None:
        file = self._folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, requested: list[str], folder: str, *arguments: Any) -> None:
        self._requested = requested
        super().__init__(*arguments, directory=folder)

    def do_GET(self) -> None:
        self._requested.append(self.path.rpartition("/")[2] or self.path)
        super().do_GET()

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def index(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Index]:
    made = Index(tmp_path / "index", f"# {request.node.name}")
    yield made
    made.close()


@pytest.fixture
def mirror(run, served):
    """Make a repository that mirrors an index, sync and publish it, and return the address of what is published."""

    def make(repository_id: str, feed: str, **config: str) -> str:
        options = [
            f"--importer-config={name}={value}" for name, value in ({"package_names": "alpha,beta,gamma"} | config).items()
        ]
        distributor = ("--distributor", "python_distributor", "--auto-publish")
        ran = run("repo", "create", repository_id, "--importer", "python_importer", "--feed", feed, *options, *distributor)
        assert ran.code == 0, ran.err
        ran = run("repo", "sync", repository_id)
        assert ran.code == 0, ran.out + ran.err
        return f"{served.url}/content/{repository_id}/"

    return make


def pip(*arguments: object) -> str:
    """Run pip, which sees no configuration and no other index than the one that is named, and return what it says."""
    if importlib.util.find_spec("pip") is None:
        assert not os.environ.get("CI"), "the gate runs the real pip"
        pytest.skip("pip is not installed here; the gate runs this")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    command = [sys.executable, "-m", "pip", "--isolated", "-v", "--disable-pip-version-check", "--no-cache-dir"]
    ran = subprocess.run(
        [*command, *map(str, arguments)],
        env=environment | {"PIP_CONFIG_FILE": os.devnull},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


@pytest.mark.timeout(120)
@pytest.mark.parametrize("policy", POLICIES)
def test_pip_downloads_what_fits_with_every_policy_and_another_entrepot_mirrors_it(
    mirror, index: Index, tmp_path: Path, policy: str
) -> None:
    url = mirror(f"pip-{policy}", index.url, download_policy=policy)
    before = [name for name in index.requested if name.endswith(".whl")]

    said = pip("download", "-d", tmp_path / "out", "--index-url", url + "simple/", "alpha")

    expected = {name: index.packages[name].data for name in (ALPHA, BETA)}  # the newer ones are yanked, or for another Python
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == expected
    assert f"{ALPHA}.metadata" in said
    assert {"immediate": len(before), "on_demand": len(before) + 4}.get(policy, 4) == 4
    second = mirror(f"pip-{policy}-again", url, download_policy=policy)
    pages = [httpx.get(address + "simple/beta/", headers={"accept": JSON}) for address in (url, second)]
    assert pages[0].content == pages[1].content
    assert httpx.get(f"{second}packages/beta/{BETA_YANKED}").content == index.packages[BETA_YANKED].data
    assert index.requested.count(BETA_YANKED) == 1


@pytest.mark.timeout(120)
def test_pip_installs_wheels_and_source_distributions(mirror, index: Index, tmp_path: Path) -> None:
    url = mirror("pip-install", index.url)
    target = tmp_path / "target"

    pip("install", "--target", target, "--index-url", url + "simple/", "alpha", "gamma")

    code = "import alpha, beta, gamma; print(alpha.VERSION, beta.VERSION, gamma.VERSION)".replace("alpha", "Alpha")
    ran = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(target)}, capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == ["1.0", "1.5", "1.0"]


@pytest.mark.timeout(120)
def test_a_yanked_version_is_had_by_who_asks_for_just_that_one(mirror, index: Index, tmp_path: Path) -> None:
    url = mirror("pip-yanked", index.url)

    said = pip("download", "-d", tmp_path / "out", "--index-url", url + "simple/", "beta==1.9")

    assert [path.name for path in (tmp_path / "out").iterdir()] == [BETA_YANKED]
    assert "does not work" in said


def test_a_folder_is_answered_as_the_client_accepts(mirror, index: Index) -> None:
    url = mirror("pip-accept", index.url)

    answers = {
        accept: httpx.get(url + "simple/beta/", headers={"accept": accept})
        for accept in (JSON, "text/html", "*/*", "application/vnd.pypi.simple.v1+html", "application/json")
    }

    shown = {accept: answer.headers["content-type"] for accept, answer in answers.items()}
    assert shown == {
        JSON: JSON,
        "text/html": "text/html",
        "*/*": "text/html",
        "application/vnd.pypi.simple.v1+html": "application/vnd.pypi.simple.v1+html",
        "application/json": "application/json",
    }
    assert {answer.headers["vary"] for answer in answers.values()} == {"Accept"}
    tag = answers[JSON].headers["etag"]
    assert httpx.get(url + "simple/beta/", headers={"accept": JSON, "if-none-match": tag}).status_code == 304
    assert httpx.get(url + "simple/beta").headers["location"] == "beta/"
    assert answers["application/json"].json()["items"][0]["name"] == "index.html"


def test_what_is_yanked_in_the_feed_is_yanked_here_after_the_next_sync(mirror, run, index: Index) -> None:
    url = mirror("pip-resync", index.url)
    before = list(index.requested)
    index.offer(*(package._replace(yanked=True) for package in index.packages.values() if package.project == "beta"))

    ran = run("repo", "sync", "pip-resync", "-o", "json")

    result = ran.document["result"]
    assert (result["added_count"], result["updated_count"], result["removed_count"]) == (0, 3, 0)
    page = httpx.get(url + "simple/beta/", headers={"accept": JSON}).json()
    assert [file["yanked"] for file in page["files"]] == [True, True, True]
    asked = index.requested[len(before) :]
    assert [name for name in asked if name.endswith((".whl", ".metadata"))] == []


def test_versions_that_are_too_old_leave_with_all_their_files(mirror, run, index: Index) -> None:
    url = mirror("pip-retained", index.url, retain_old_count="1", package_names="beta")
    newest = [build_wheel("beta", "2.0", tag=tag) for tag in ("py3-none-any", "cp311-cp311-linux_x86_64")]
    index.offer(*(package for package in index.packages.values() if package.project == "beta"), *newest)

    ran = run("repo", "sync", "pip-retained")

    assert ran.code == 0, ran.err
    files = httpx.get(url + "simple/beta/", headers={"accept": JSON}).json()["files"]
    assert sorted(file["filename"] for file in files) == sorted([BETA_YANKED, *(package.filename for package in newest)])


def test_an_uploaded_wheel_is_served_with_its_metadata(run, served, tmp_path: Path) -> None:
    wheel = build_wheel("delta", "1.0", requires=["alpha"])
    file = tmp_path / "delta.bin"
    file.write_bytes(wheel.data)
    distributor = ("--distributor", "python_distributor")
    run("repo", "create", "pip-upload", "--importer", "python_importer", *distributor)

    ran = run(
        "repo", "content", "upload", "pip-upload", file, "--type", "python_package", "--key", f"filename={wheel.filename}"
    )

    assert ran.code == 0, ran.err
    assert run("repo", "publish", "pip-upload").code == 0
    url = f"{served.url}/content/pip-upload/"
    (shown,) = httpx.get(url + "simple/delta/", headers={"accept": JSON}).json()["files"]
    assert shown["hashes"] == {"sha256": wheel.sha256}
    assert httpx.get(url + "simple/delta/" + shown["url"]).content == wheel.data
    assert httpx.get(url + "simple/delta/" + shown["url"] + ".metadata").content == wheel.metadata

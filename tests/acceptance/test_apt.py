"""The real apt-get against what is published: signed by our key, with every download policy, and through a second entrepot."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pysequoia
import pytest
from tests.acceptance.conftest import Feed, Run, Served, serving
from tests.builders.deb import DebFeed, build_deb

from entrepot.plugin.openpgp import SigningKey
from entrepot_deb.release import parse_release

POLICIES = ("immediate", "on_demand", "background")


class Apt:
    """An apt that sees nothing of this machine: a root, one source, and a system of its own to install into."""

    def __init__(self, root: Path, source: str, program: str) -> None:
        self._program = program
        self.system = root / "system"
        self._work = root / "work"
        for folder in ("apt.conf.d", "preferences.d", "sources.list.d", "trusted.gpg.d"):
            (root / "etc/apt" / folder).mkdir(parents=True)
        for folder in ("lib/apt/lists/partial", "cache/apt/archives/partial", "log/apt"):
            (root / "var" / folder).mkdir(parents=True)
        for folder in ("info", "updates", "triggers"):
            (self.system / "var/lib/dpkg" / folder).mkdir(parents=True)
        for file in ("status", "available"):
            (self.system / "var/lib/dpkg" / file).touch()
        self._work.mkdir()
        (root / "etc/apt/sources.list").write_text(f"deb {source}\n")
        options = {
            "Dir": root,
            "Dir::State::status": self.system / "var/lib/dpkg/status",
            "DPkg::Options::": f"--root={self.system}",
            "APT::Architecture": "amd64",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Acquire::Retries": "0",
        }
        self._config = root / "config"  # read before all else, so that nothing of this machine's own is
        self._config.write_text("".join(f'{name} "{value}";\n' for name, value in options.items()))

    def try_to(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run apt-get, whatever comes of it."""
        environment = {"APT_CONFIG": str(self._config), "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive", "no_proxy": "*"}
        command = [self._program, "-q", "-y", *arguments]
        return subprocess.run(
            command, env=os.environ | environment, cwd=self._work, capture_output=True, text=True, timeout=60, check=False
        )

    def get(self, *arguments: str) -> str:
        """Run apt-get, which succeeds without a warning."""
        ran = self.try_to(*arguments)
        said = ran.stdout + ran.stderr
        assert ran.returncode == 0, said
        assert not any(line.startswith(("W:", "E:")) for line in said.splitlines()), said
        return said

    def downloaded(self) -> dict[str, bytes]:
        """Return what `apt-get download` left, by name."""
        return {path.name: path.read_bytes() for path in self._work.iterdir()}


@pytest.fixture(scope="module")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with our private key and the public keys of ours and of somebody else."""
    folder = tmp_path_factory.mktemp("keys")
    (folder / "key.asc").write_text(str(pysequoia.Tsk.generate("Zoo <zoo@example.test>")))
    (folder / "ours.asc").write_text(SigningKey.from_file(folder / "key.asc").public_armored)
    (folder / "others.asc").write_text(str(pysequoia.Tsk.generate("Other <other@example.test>").extract_certificate()))
    return folder


@pytest.fixture(scope="module")
def signing_engine(tmp_path_factory: pytest.TempPathFactory, key_folder: Path) -> Iterator[Served]:
    """An engine that signs all Debian repositories with our key."""
    plugins = json.dumps({"deb_distributor": {"signing_key": str(key_folder / "key.asc")}})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ENTREPOT_PLUGINS", plugins)
        with serving(tmp_path_factory.mktemp("apt") / "data", ENTREPOT_PLUGINS=plugins) as served:
            yield served


@pytest.fixture
def served(signing_engine: Served, key_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Served:
    monkeypatch.setenv("ENTREPOT_DATA_DIR", str(signing_engine.data_dir))
    monkeypatch.setenv("ENTREPOT_PLUGINS", json.dumps({"deb_distributor": {"signing_key": str(key_folder / "key.asc")}}))
    return signing_engine


@pytest.fixture
def archive(feed: Feed, request: pytest.FixtureRequest) -> DebFeed:
    """A feed with packages that no other test has brought into the store."""
    archive = DebFeed(feed.folder)
    mark = {"/usr/share/test": request.node.name.encode()}
    archive.put(build_deb("zoo", "1.0", files={"/usr/bin/zoo": b"one\n", **mark}, Depends="keeper (>= 2:1)"))
    archive.put(
        build_deb("keeper", "2:1.0+b1", "amd64", files={"/usr/bin/keeper": request.node.name.encode()}), component="contrib"
    )
    archive.write()
    return archive


@pytest.fixture
def mirror(run: Run, served: Served) -> Callable[..., str]:
    """Make a repository that mirrors a feed, sync and publish it, and return the address of what is published."""

    def make(repository_id: str, feed: str, **config: str) -> str:
        options = [f"--importer-config={name}={value}" for name, value in config.items()]
        distributor = ("--distributor", "deb_distributor", "--auto-publish")
        ran = run("repo", "create", repository_id, "--importer", "deb_importer", "--feed", feed, *options, *distributor)
        assert ran.code == 0, ran.err
        ran = run("repo", "sync", repository_id)
        assert ran.code == 0, ran.out + ran.err
        return f"{served.url}/content/{repository_id}/"

    return make


@pytest.fixture
def apt(tmp_path: Path, key_folder: Path, client_program: Callable[[str], str]) -> Callable[..., Apt]:
    """Make an apt that reads from `url` and trusts one key."""
    program = client_program("apt-get")

    def make(url: str, suite: str = "stable main contrib", *, key: str = "ours") -> Apt:
        return Apt(
            tmp_path / f"apt-{hashlib.sha256(url.encode()).hexdigest()[:8]}",
            f"[signed-by={key_folder}/{key}.asc] {url} {suite}",
            program,
        )

    return make


@pytest.mark.timeout(120)
def test_apt_installs_and_upgrades_what_is_published(mirror, apt, run, feed: Feed, archive: DebFeed) -> None:
    url = mirror("apt-install", feed.url)
    client = apt(url)
    client.get("update")
    client.get("install", "zoo")
    assert (client.system / "usr/bin/zoo").read_text() == "one\n"
    assert (client.system / "usr/bin/keeper").exists()
    before = httpx.get(f"{url}dists/stable/Release").content

    archive.put(build_deb("zoo", "1.1", files={"/usr/bin/zoo": b"two\n"}, Depends="keeper (>= 2:1)"))
    archive.write()
    assert run("repo", "sync", "apt-install").code == 0
    client.get("update")
    client.get("upgrade")

    assert (client.system / "usr/bin/zoo").read_text() == "two\n"
    old = [file for file in parse_release(before, "Release").files.values() if "main/binary-amd64" in file.path]
    assert len(old) == 2
    for file in old:  # a client that has read the old release still gets what it lists
        assert hashlib.sha256(httpx.get(f"{url}dists/stable/{file.by_hash}").content).hexdigest() == file.digest


@pytest.mark.timeout(120)
def test_apt_refuses_what_the_key_that_it_trusts_did_not_sign(mirror, apt, feed: Feed, archive: DebFeed) -> None:
    url = mirror("apt-wrong-key", feed.url)

    ran = apt(url, key="others").try_to("update")

    assert ran.returncode != 0
    assert "is not signed" in ran.stderr


@pytest.mark.timeout(120)
@pytest.mark.parametrize("policy", POLICIES)
def test_apt_downloads_with_every_policy_and_another_entrepot_mirrors_it(
    mirror, apt, key_folder: Path, feed: Feed, archive: DebFeed, *, policy: str
) -> None:
    url = mirror(f"apt-{policy}", feed.url, download_policy=policy)
    expected = {path.name: path.read_bytes() for path in archive.folder.rglob("*.deb")}
    fetched = [path for path in feed.requested if path.endswith(".deb")]
    ours = (key_folder / "ours.asc").read_text()

    second = mirror(f"apt-{policy}-again", url, download_policy=policy, gpg_keys=ours)
    for address in (second, url):
        client = apt(address)
        client.get("update")
        client.get("download", "zoo", "keeper")
        got = {name.partition("_")[0]: data for name, data in client.downloaded().items()}
        assert got == {name.partition("_")[0]: data for name, data in expected.items()}

    assert len([path for path in feed.requested if path.endswith(".deb")]) == 2
    assert policy != "on_demand" or not fetched
    pages = [httpx.get(f"{address}dists/stable/main/binary-amd64/Packages.gz").content for address in (url, second)]
    assert pages[0] == pages[1]


@pytest.mark.timeout(120)
def test_a_mirror_refuses_a_feed_that_another_key_signed(mirror, run, key_folder: Path, feed: Feed, archive: DebFeed) -> None:
    url = mirror("apt-ours", feed.url)
    key = f"--importer-config=gpg_keys={(key_folder / 'others.asc').read_text()}"
    run("repo", "create", "apt-theirs", "--importer", "deb_importer", "--feed", url, key)

    ran = run("repo", "sync", "apt-theirs")

    assert ran.code != 0
    assert "dists/stable/InRelease is not trusted: the signature could not be verified" in ran.out + ran.err


@pytest.mark.timeout(120)
@pytest.mark.parametrize("damage", ["other", "shorter", "longer"])
def test_a_package_that_is_not_what_the_index_says_fails_the_sync_and_changes_nothing(
    run, served: Served, feed: Feed, archive: DebFeed, *, damage: str
) -> None:
    path = next(archive.folder.rglob("zoo*.deb"))
    data = path.read_bytes()
    path.write_bytes({"other": data[:-1] + b"!", "shorter": data[:-9], "longer": data + b"!"}[damage])
    run("repo", "create", f"apt-{damage}", "--importer", "deb_importer", "--feed", feed.url)

    ran = run("repo", "sync", f"apt-{damage}")

    assert ran.code != 0
    assert "zoo_1.0_all.deb" in ran.out + ran.err
    assert run("repo", "show", f"apt-{damage}", "-o", "json").document["content_unit_counts"] == {}


@pytest.mark.timeout(120)
def test_only_the_newest_versions_stay_if_that_is_asked_for(mirror, feed: Feed) -> None:
    archive = DebFeed(feed.folder)
    for version in ("1.10", "1.9~rc1", "1.9", "1:0.1"):
        archive.put(build_deb("old", version))
    archive.write()

    url = mirror("apt-retained", feed.url, retain_old_count="1")

    text = httpx.get(f"{url}dists/stable/main/binary-all/Packages").text
    assert [line for line in text.splitlines() if line.startswith("Version:")] == ["Version: 1.10", "Version: 1:0.1"]


def test_what_is_published_says_of_packages_what_apt_ftparchive_says(
    mirror, client_program, feed: Feed, archive: DebFeed
) -> None:
    url = mirror("apt-ftparchive", feed.url)
    program = client_program("apt-ftparchive")
    command = [program, "-omd5=false", "--sha1=false", "--sha512=false", "packages", "."]
    theirs = subprocess.run(command, cwd=archive.folder, capture_output=True, check=True, text=True).stdout

    ours = "".join(httpx.get(f"{url}dists/stable/{part}/Packages").text for part in ("main/binary-all", "contrib/binary-amd64"))

    assert _by_name(ours) == _by_name(theirs)
    assert len(_by_name(ours)) == 2


def _by_name(text: str) -> dict[str, set[str]]:
    """Return the lines of each paragraph, but for where the file lies and its MD5."""
    own = ("Filename:", "MD5")
    paragraphs = [
        {line for line in each.splitlines() if not line.startswith(own)} for each in text.split("\n\n") if each.strip()
    ]
    return {next(line for line in lines if line.startswith("Package:")): lines for lines in paragraphs}


@pytest.mark.timeout(120)
def test_apt_reads_a_flat_release(mirror, apt, feed: Feed) -> None:
    archive = DebFeed(feed.folder)
    archive.put(build_deb("flat", "1.0"), "./", path="./flat.deb")
    archive.write()
    client = apt(mirror("apt-flat", feed.url, releases="./"), "./")

    client.get("update")
    client.get("install", "flat")

    assert (client.system / "usr/share/flat/version").read_text() == "1.0\n"


@pytest.mark.timeout(120)
def test_apt_installs_an_uploaded_package(run, served: Served, apt, tmp_path: Path) -> None:
    deb = build_deb("uploaded", "3.0")
    (tmp_path / deb.filename).write_bytes(deb.data)
    run("repo", "create", "apt-upload", "--importer", "deb_importer", "--distributor", "deb_distributor")

    ran = run("repo", "content", "upload", "apt-upload", tmp_path / deb.filename, "--type", "deb", "--key", "name=uploaded")

    assert ran.code == 0, ran.err
    assert run("repo", "publish", "apt-upload").code == 0
    client = apt(f"{served.url}/content/apt-upload/", "default all")
    client.get("update")
    client.get("install", "uploaded")
    assert (client.system / "usr/share/uploaded/version").read_text() == "3.0\n"


@pytest.mark.timeout(120)
def test_apt_reads_what_was_copied_and_no_more_what_was_removed(mirror, apt, run, feed: Feed, archive: DebFeed) -> None:
    url = mirror("apt-source", feed.url)
    run("repo", "create", "apt-copy", "--importer", "deb_importer", "--distributor", "deb_distributor")
    assert run("repo", "content", "copy", "apt-copy", "--from", "apt-source", "--type", "deb_release").code == 0
    assert run("repo", "content", "remove", "apt-copy", "--type", "deb", "--match", "name=keeper").code == 0
    assert run("repo", "publish", "apt-copy").code == 0
    client = apt(url.replace("apt-source", "apt-copy"))
    client.get("update")

    client.get("download", "zoo")
    refused = client.try_to("download", "keeper")

    assert list(client.downloaded()) == ["zoo_1.0_all.deb"]
    assert "keeper as it has no candidate" in refused.stderr

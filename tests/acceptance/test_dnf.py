"""The real dnf against what is published, with every download policy; createrepo_c on our tree, and a mirror of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import createrepo_c
import httpx
import pysequoia
import pytest
from tests.acceptance.conftest import Feed, Run, Served, serving
from tests.builders.rpm import RpmPackage, write_feed

POLICIES = ("immediate", "on_demand", "background")
UPDATEINFO = b"""<updates><update from="zoo@example.test" status="final" type="security" version="1"><id>ZOO-2026:1</id>
<title>A walrus</title><issued date="2026-01-01 00:00:00"/><severity>Important</severity><description>Tusks.</description>
<references/><pkglist><collection short="zoo"><name>Zoo</name><package name="walrus" version="5.21" release="1" epoch="0"
arch="noarch" src="walrus-5.21-1.src.rpm"><filename>walrus-5.21-1.noarch.rpm</filename></package></collection></pkglist>
</update></updates>"""
COMPS = b"""<comps><group><id>sea</id><name>Sea animals</name><description>They swim</description><default>true</default>
<uservisible>true</uservisible><packagelist><packagereq type="mandatory">walrus</packagereq></packagelist></group></comps>"""
MODULES = b"""---
document: modulemd
version: 2
data:
  name: duck
  stream: '0'
  version: 20260101
  context: deadbeef
  arch: noarch
  summary: Duck
  description: A module of one duck
  license: {module: [MIT]}
  profiles: {default: {rpms: [duck]}}
  artifacts: {rpms: ['duck-0:0.7-1.noarch']}
...
---
document: modulemd-defaults
version: 1
data: {module: duck, stream: '0', profiles: {'0': [default]}}
...
"""
METADATA = {"updateinfo": UPDATEINFO, "group": COMPS, "modules": MODULES}


class Dnf:
    """A dnf with folders of its own, for one repository."""

    def __init__(self, program: str, folder: Path, url: str, **options: str) -> None:
        folder.mkdir(parents=True)
        self.root = folder / "root"
        lines = [
            *("[main]", "gpgcheck=0", "plugins=1", "pluginpath=/usr/lib/python3/dist-packages/dnf-plugins"),
            *("reposdir=/nonexistent", "pluginconfpath=/nonexistent", "metadata_timer_sync=0", "keepcache=0"),
            *(f"{name}={folder / name}" for name in ("cachedir", "persistdir", "logdir")),
            *("module_platform_id=platform:f28", "install_weak_deps=0"),
            *("[r]", "name=r", f"baseurl={url}", "metadata_expire=0"),
            *(f"{name}={value}" for name, value in options.items()),
        ]
        (folder / "dnf.conf").write_text("\n".join(lines) + "\n")
        # Of the plugins only `download`: `local` would keep every package that it sees, and offer it later.
        self._command = [program, "-y", "--disableplugin=*", "--enableplugin=download", "-c", str(folder / "dnf.conf")]
        self._command += [f"--installroot={self.root}", "--releasever=9"]

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self._command, *map(str, arguments)], capture_output=True, text=True, check=False)

    def said(self, *arguments: object) -> str:
        """Return what a command prints that must end well."""
        ended = self.run("-q", *arguments)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout


def zoo(mark: str) -> list[RpmPackage]:
    """Packages whose bytes no other test has brought into the store."""
    walrus = {"name": "walrus", "summary": mark, "requires": ["shark >= 0.1"]}
    return [
        RpmPackage(**walrus, version="0.71", files={"/usr/share/walrus": b"small"}),
        RpmPackage(**walrus, version="5.21", files={"/usr/share/walrus": b"large"}, changelogs=[(1_600_000_000, "Z", "- New")]),
        RpmPackage(name="shark", version="0.1", summary=mark, files={"/usr/share/shark": b"fin"}),
        RpmPackage(name="duck", version="0.7", summary=mark, modularity="duck:0:20260101:deadbeef"),
    ]


@pytest.fixture(scope="module")
def signing_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "key.asc"
    path.write_text(str(pysequoia.Tsk.generate("Zoo <zoo@example.test>")))
    return path


@pytest.fixture(scope="module")
def plugin_settings(signing_key: Path) -> str:
    return json.dumps({"yum_distributor": {"signing_key": str(signing_key)}})


@pytest.fixture(scope="module")
def yum_engine(tmp_path_factory: pytest.TempPathFactory, plugin_settings: str) -> Iterator[Served]:
    """An engine with a key to sign with."""
    with serving(tmp_path_factory.mktemp("yum") / "data", ENTREPOT_PLUGINS=plugin_settings) as served:
        yield served


@pytest.fixture
def mirror(run: Run, yum_engine: Served, plugin_settings: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Make a repository that mirrors a feed, sync and publish it, and return the address of what is published."""

    def make(repository_id: str, url: str, policy: str, *, engine: Served = yum_engine, **config: Any) -> str:
        monkeypatch.setenv("ENTREPOT_DATA_DIR", str(engine.data_dir))
        monkeypatch.setenv("ENTREPOT_PLUGINS", plugin_settings)
        options = [f"--distributor-config={name}={value}" for name, value in config.items()]
        ran = run(
            *("repo", "create", repository_id, "--importer", "yum_importer", "--feed", url),
            *(f"--importer-config=download_policy={policy}", "--distributor", "yum_distributor", "--auto-publish", *options),
        )
        assert ran.code == 0, ran.err
        ran = run("repo", "sync", repository_id)
        assert ran.code == 0, ran.out + ran.err
        return f"{engine.url}/content/{repository_id}/"

    return make


@pytest.fixture
def dnf_of(client_program: Callable[[str], str], tmp_path: Path) -> Callable[..., Dnf]:
    """Make a dnf for a repository."""
    return lambda url, name="dnf", **options: Dnf(client_program("dnf"), tmp_path / name, url, **options)


@pytest.mark.parametrize("policy", POLICIES)
def test_dnf_installs_and_updates_with_every_policy(
    policy: str, feed: Feed, mirror: Callable[..., str], dnf_of: Callable[..., Dnf], client_program: Callable[[str], str]
) -> None:
    write_feed(feed.folder, zoo(policy), metadata=METADATA)
    dnf = dnf_of(mirror(policy, feed.url, policy))

    dnf.said("install", "walrus-0.71")
    assert dnf.said("updateinfo", "list").split() == ["ZOO-2026:1", "Important/Sec.", "walrus-5.21-1.noarch"]
    dnf.said("update")

    query = ["--root", str(dnf.root), "-qa", "--qf", "%{name}-%{version} "]
    installed = subprocess.run([client_program("rpm"), *query], capture_output=True, text=True, check=True).stdout
    assert sorted(installed.split()) == ["shark-0.1", "walrus-5.21"]
    assert (dnf.root / "usr/share/walrus").read_bytes() == b"large"
    asked = [name for name in feed.requested if name.endswith(".rpm")]
    assert len(asked) == len(set(asked)) == (3 if policy == "on_demand" else 4)


def test_dnf_finds_what_the_metadata_say(feed: Feed, mirror: Callable[..., str], dnf_of: Callable[..., Dnf]) -> None:
    write_feed(feed.folder, zoo("metadata"), metadata=METADATA)
    dnf = dnf_of(mirror("metadata", feed.url, "on_demand"))

    found = dnf.said("repoquery", "--qf", "%{name}-%{version}")
    assert sorted(found.split()) == ["duck-0.7", "shark-0.1", "walrus-0.71", "walrus-5.21"]
    assert dnf.said("repoquery", "-l", "shark").split() == ["/usr/share/shark"]
    assert "- New" in dnf.said("repoquery", "--changelogs", "walrus-5.21")
    assert "Sea animals" in dnf.said("group", "list")
    assert "duck 0 [d]" in dnf.said("module", "list").replace("  ", " ")


def test_dnf_downloads_the_bytes_of_the_feed(
    feed: Feed, mirror: Callable[..., str], dnf_of: Callable[..., Dnf], tmp_path: Path
) -> None:
    write_feed(feed.folder, zoo("bytes"))
    dnf = dnf_of(mirror("bytes", feed.url, "on_demand"))

    dnf.said("download", "duck", "--destdir", tmp_path / "got")

    name = "duck-0.7-1.noarch.rpm"
    assert (tmp_path / "got" / name).read_bytes() == (feed.folder / name).read_bytes()


def test_dnf_trusts_the_signature_of_our_key_and_of_no_other(
    feed: Feed, mirror: Callable[..., str], dnf_of: Callable[..., Dnf], tmp_path: Path
) -> None:
    write_feed(feed.folder, zoo("signed"))
    url = mirror("signed", feed.url, "on_demand", gpg_sign_metadata="true")
    other = tmp_path / "other.asc"
    other.write_text(str(pysequoia.Tsk.generate("Other <other@example.test>").extract_certificate()))

    right = dnf_of(url, "right", repo_gpgcheck="1", gpgkey=f"{url}repodata/repomd.xml.key").run("makecache")
    wrong = dnf_of(url, "wrong", repo_gpgcheck="1", gpgkey=other.as_uri()).run("makecache")

    assert right.returncode == 0, right.stderr
    assert wrong.returncode != 0
    assert "repomd.xml GPG signature verification error" in wrong.stderr + wrong.stdout


def test_createrepo_c_says_the_same_of_the_packages_that_we_publish(
    feed: Feed, mirror: Callable[..., str], client_program: Callable[[str], str], tmp_path: Path
) -> None:
    write_feed(feed.folder, zoo("again"))
    url = mirror("again", feed.url, "immediate")
    tree = tmp_path / "tree"
    ours = fetched(url, tree, tmp_path / "said")

    subprocess.run([client_program("createrepo_c"), "-q", "--general-compress-type=gz", tree], check=True)

    theirs = {str(package.location_href): package for package in packages_of(tree)}
    assert len(ours) == len(theirs) == 4
    for href, package in ours.items():
        theirs[href].time_file = package.time_file
        assert createrepo_c.xml_dump(theirs[href]) == createrepo_c.xml_dump(package)


@pytest.mark.parametrize("policy", POLICIES)
def test_another_entrepot_mirrors_it_and_publishes_the_same(
    policy: str, feed: Feed, mirror: Callable[..., str], served_engine: Served
) -> None:
    write_feed(feed.folder, zoo(f"mirrored {policy}"), metadata=METADATA)
    url = mirror(f"mirrored-{policy}", feed.url, "on_demand")

    mirrored = mirror(f"mirrored-{policy}", url, policy, engine=served_engine)

    assert fetched_repomd(mirrored) == fetched_repomd(url)
    assert set(fetched_repomd(url)) == {"primary", "filelists", "other", "updateinfo", "group", "modules"}
    package = httpx.get(f"{mirrored}Packages/s/shark-0.1-1.noarch.rpm")
    assert package.content == (feed.folder / "shark-0.1-1.noarch.rpm").read_bytes()


def fetched_repomd(url: str) -> dict[str, str]:
    """The checksum of each file that `repomd.xml` names."""
    found: dict[str, str] = {}
    text = httpx.get(f"{url}repodata/repomd.xml").raise_for_status().text
    for record in text.split("<data ")[1:]:
        found[record.split('"')[1]] = record.split("</checksum>")[0].rpartition(">")[2]
    return found


def fetched(url: str, folder: Path, said: Path) -> dict[str, Any]:
    """Fetch packages into `folder` and what is said of them into `said`; return that, by the place of each package."""

    def fetch(path: str, below: Path) -> str:
        target = below / path
        target.parent.mkdir(parents=True, exist_ok=True)
        answer = httpx.get(url + path).raise_for_status()
        target.write_bytes(answer.content)
        return answer.text

    for record in fetch("repodata/repomd.xml", said).split('<location href="')[1:]:
        fetch(record.split('"')[0], said)
    found = {str(package.location_href): package for package in packages_of(said)}
    for path in found:
        fetch(path, folder)
    return found


def packages_of(folder: Path) -> list[Any]:
    return list(createrepo_c.RepositoryReader.from_path(str(folder)).iter_packages())

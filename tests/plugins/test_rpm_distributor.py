"""What the yum_distributor publishes of each unit type, read again by createrepo_c and by the importer."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import sqlite3
import subprocess
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import createrepo_c
import pysequoia
import pytest
from tests.builders.rpm import RpmPackage, write_feed

from entrepot.plugin import PluginError, RefusedConfiguration, Unit, segments
from entrepot.plugin.openpgp import Keyring, verify_detached
from entrepot.plugin.segments import members
from entrepot_rpm import segmented
from entrepot_rpm.distributor import YumDistributor
from entrepot_rpm.importer import YumImporter
from entrepot_rpm.repodata import read_repomd
from entrepot_rpm.units import Distribution, Drpm, Erratum, Modulemd, Package, Rpm, YumMetadataFile

REPOMD = "repodata/repomd.xml"
PACKAGES = (
    RpmPackage(name="walrus", version="5.21", requires=["shark >= 0.1"], files={"/usr/share/walrus": b"tusk"}),
    RpmPackage(name="walrus", version="0.71", changelogs=[(1_600_000_000, "Zoo <zoo@example.test> - 0.71", "- first")]),
    RpmPackage(name="shark", epoch=1, version="0.1", arch="x86_64"),
    RpmPackage(name="Bear", version="4.1", arch="src"),
)
UPDATEINFO = b"""<?xml version="1.0" encoding="UTF-8"?>
<updates>
  <update from="zoo@example.test" status="stable" type="security" version="1"><id>RHEA-2:1</id><title>Sea &amp; land</title>
    <issued date="2012-01-27 16:08:06"/><release>1</release><severity>Low</severity><description>A
long one</description><reboot_suggested>True</reboot_suggested>
    <references><reference href="https://example.test/1" id="1" title="Bug" type="bugzilla"/></references>
    <pkglist><collection short="z"><name>zoo</name><module name="m" stream="1" version="2" context="c" arch="noarch"/>
      <package name="walrus" version="5.21" release="1" epoch="0" arch="noarch" src="walrus-5.21-1.src.rpm">
        <filename>walrus-5.21-1.noarch.rpm</filename><sum type="md5">00112233445566778899aabbccddeeff</sum>
        <reboot_suggested>True</reboot_suggested></package>
    </collection></pkglist></update>
  <update from="zoo@example.test" status="stable" type="bugfix" version="1"><id>RHEA-1:1</id><title>Other</title>
    <issued date="2012-01-26"/><updated date="2012-01-28"/><description/><references/><pkglist/></update>
</updates>
"""
COMPS = b"""<?xml version="1.0" encoding="UTF-8"?>
<comps><group><id>sea</id><name>Sea</name><name xml:lang="de">Meer</name><description>Fish</description>
    <default>true</default><uservisible>true</uservisible><display_order>3</display_order><packagelist>
      <packagereq type="mandatory">walrus</packagereq><packagereq type="conditional" requires="shark">Bear</packagereq>
      <packagereq type="optional" basearchonly="true">shark</packagereq></packagelist></group>
  <category><id>all</id><name>All</name><description/><grouplist><groupid>sea</groupid></grouplist></category>
  <environment><id>zoo</id><name>Zoo</name><description>All</description><grouplist><groupid>sea</groupid></grouplist>
    <optionlist><groupid default="true">sea</groupid></optionlist></environment>
  <langpacks><match name="walrus" install="walrus-%s"/></langpacks></comps>
"""
MODULES = b"""---
document: modulemd
version: 2
data:
  name: walrus
  stream: 5
  version: 1
  context: deadbeef
  arch: noarch
  summary: Walrus
  description: Walrus
  license: {module: [MIT]}
  artifacts: {rpms: ['walrus-0:5.21-1.noarch', 'walrus-0:5.21-1.src', 'walrus-extras-0:5.21-1.noarch']}
...
---
document: modulemd
version: 2
data:
  name: whale
  stream: 1
  version: 1
  context: deadbeef
  arch: noarch
  summary: Whale
  description: Whale
  license: {module: [MIT]}
  artifacts: {rpms: ['whale-0:1-1.noarch', 'Bear-0:4.1-1.src']}
...
---
document: modulemd-defaults
version: 1
data: {module: walrus, stream: '5', profiles: {'5': [default]}}
...
"""
METADATA = {"updateinfo": UPDATEINFO, "group": COMPS, "modules": MODULES, "productid": b"-----BEGIN CERTIFICATE-----\n"}
Publish = Callable[..., Any]


@pytest.fixture
def zoo(tmp_path: Path, imported: Callable[..., Any]) -> list[Unit]:
    """The units of a feed that has something of everything."""
    return units_of(write_feed(tmp_path / "zoo", PACKAGES, metadata=METADATA), imported)


def units_of(folder: Path, imported: Callable[..., Any], **config: Any) -> list[Unit]:
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    units, refused = imported(YumImporter, files, config)
    assert refused == {}
    return list(units)


def bytes_of(units: Iterable[Unit], folder: Path) -> dict[str, bytes]:
    """The files of packages, as a repository that has downloaded them holds them."""
    return {unit.filename: (folder / unit.filename).read_bytes() for unit in units if isinstance(unit, Package)}


def written(publication: Any, folder: Path) -> Path:
    """Write what was published, as far as the distributor made it or it is held."""
    for path, content in publication.files.items():
        data = content if isinstance(content, bytes) else None
        if isinstance(content, YumMetadataFile):
            data = publication.read_file(content, content.filename)
        if data is not None:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
    return folder


def text_of(publication: Any, kind: str) -> bytes:
    record = read_repomd(publication.files[REPOMD])[kind]
    data: bytes = publication.files[record.href]
    return gzip.decompress(data) if record.href.endswith(".gz") else data


def test_packages_stand_below_their_first_letter_and_createrepo_c_would_write_the_same(
    zoo: list[Unit], published: Publish, tmp_path: Path
) -> None:
    publication = published(YumDistributor, zoo)

    folder = written(publication, tmp_path / "tree")
    again = tmp_path / "again"
    again.mkdir()
    with createrepo_c.RepositoryWriter(str(again), compression=createrepo_c.NO_COMPRESSION) as writer:
        packages = list(createrepo_c.RepositoryReader.from_path(str(folder)).iter_packages())
        writer.set_num_of_pkgs(len(packages))
        for package in packages:
            writer.add_pkg(package)
    assert sorted(path for path in publication.files if path.startswith("Packages/")) == [
        "Packages/b/Bear-4.1-1.src.rpm",
        "Packages/s/shark-0.1-1.x86_64.rpm",
        "Packages/w/walrus-0.71-1.noarch.rpm",
        "Packages/w/walrus-5.21-1.noarch.rpm",
    ]
    for kind in ("primary", "filelists", "other"):
        (theirs,) = again.glob(f"repodata/*-{kind}.xml")
        assert text_of(publication, kind) == theirs.read_bytes()


def test_dnf_reads_files_of_many_members_whose_text_has_no_checksum(
    zoo: list[Unit],
    published: Publish,
    tmp_path: Path,
    client_program: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(segments, "MEAN_NAMES", 1)
    monkeypatch.setattr(segmented, "LONGEST_CHECKED_TEXT", 0)
    publication = published(YumDistributor, zoo, skip="modulemd,modulemd_defaults")
    folder = written(publication, tmp_path / "tree")
    (primary,) = folder.glob("repodata/*-primary.xml.gz")
    assert len(members(primary.read_bytes()) or ()) == 5  # head, three names, tail
    (tmp_path / "logdir").mkdir()  # dnf makes it in the root only
    options = [f"--setopt={name}={tmp_path / name}" for name in ("cachedir", "persistdir", "logdir")]
    options += ["--setopt=reposdir=/nonexistent", "--setopt=plugins=0", f"--installroot={tmp_path / 'root'}", "--releasever=9"]
    command = [client_program("dnf"), "-q", *options, f"--repofrompath=r,{folder.as_uri()}", "--repo=r", "repoquery"]

    def said(*query: str) -> list[str]:
        return subprocess.run([*command, *query], capture_output=True, text=True, check=True).stdout.splitlines()

    assert sorted(said()) == ["Bear-0:4.1-1.src", "shark-1:0.1-1.x86_64", "walrus-0:0.71-1.noarch", "walrus-0:5.21-1.noarch"]
    assert said("-l", "walrus-5.21") == ["/usr/share/walrus"]
    assert "- first" in said("--changelogs", "walrus-0.71")


def test_what_repomd_says_of_each_file_is_true(zoo: list[Unit], published: Publish, tmp_path: Path) -> None:
    folder = written(published(YumDistributor, zoo), tmp_path / "tree")

    repomd = createrepo_c.Repomd(str(folder / REPOMD))

    assert [record.type for record in repomd.records] == [
        *("primary", "filelists", "other", "updateinfo", "group", "modules"),
        "productid",
    ]
    assert repomd.revision == str(int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()))
    for record in repomd.records:
        data = (folder / record.location_href).read_bytes()
        assert (record.checksum, record.size) == (hashlib.sha256(data).hexdigest(), len(data))
        assert record.checksum in record.location_href
        if record.location_href.endswith(".gz"):
            text = gzip.decompress(data)
            assert (record.checksum_open, record.size_open) == (hashlib.sha256(text).hexdigest(), len(text))


def test_an_importer_reads_back_what_was_published(
    zoo: list[Unit], published: Publish, tmp_path: Path, imported: Callable[..., Any]
) -> None:
    publication = published(YumDistributor, zoo)

    again = units_of(written(publication, tmp_path / "tree"), imported)

    def facts(units: Iterable[Unit]) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for unit in units:
            fields = unit.model_dump(mode="json", exclude={"relativepath", "is_modular"})
            document = hashlib.sha256(unit.document or b"").hexdigest()
            found.setdefault(unit.type_id, set()).add(repr((fields, document)))
        return found

    left_out = [unit for unit in zoo if isinstance(unit, Modulemd) and unit.name == "whale"]
    assert facts(again) == facts(unit for unit in zoo if unit not in left_out)
    assert len(left_out) == 1  # none of its packages are here; sources do not count


@pytest.mark.parametrize("change", ["none", "package", "erratum", "module package", "all"])
def test_publishing_on_top_of_what_was_gives_what_publishing_anew_gives(
    zoo: list[Unit], published: Publish, change: str
) -> None:
    leaves: dict[str, Callable[[Unit], bool]] = {
        "none": lambda _: False,
        "package": lambda unit: isinstance(unit, Rpm) and unit.name == "shark",
        "erratum": lambda unit: isinstance(unit, Erratum) and unit.id == "RHEA-2:1",
        "module package": lambda unit: isinstance(unit, Rpm) and unit.version == "5.21",
        "all": lambda _: True,
    }
    now = [unit for unit in zoo if not leaves[change](unit)]
    before, anew = published(YumDistributor, zoo), published(YumDistributor, now)

    after = published(YumDistributor, now, before)

    assert after.files.keys() == anew.files.keys()
    assert {path: data for path, data in after.files.items() if path != REPOMD} == {
        path: data for path, data in anew.files.items() if path != REPOMD
    }
    modules = text_of(after, "modules") if change != "all" else b""
    assert (b"stream: 5" in modules) == (change not in ("module package", "all"))


def test_metadata_that_was_replaced_is_taken_out_unless_it_is_to_stay(zoo: list[Unit], published: Publish) -> None:
    before = published(YumDistributor, zoo)
    now = [unit for unit in zoo if not isinstance(unit, Erratum)]

    gone = {path for path in before.files if path not in published(YumDistributor, now, before).files}
    kept = published(YumDistributor, now, before, remove_old_repodata=False)

    assert [path.partition("-")[2] for path in gone] == ["updateinfo.xml.gz"]
    assert gone <= kept.files.keys()
    assert b"updateinfo" not in kept.files[REPOMD]


def test_types_that_are_skipped_are_neither_published_nor_told(zoo: list[Unit], published: Publish) -> None:
    publication = published(YumDistributor, zoo, skip="rpm,erratum,modulemd,modulemd_defaults,yum_repo_metadata_file")

    assert [path for path in publication.files if path.startswith("Packages/")] == ["Packages/b/Bear-4.1-1.src.rpm"]
    assert list(read_repomd(publication.files[REPOMD])) == ["primary", "filelists", "other", "group"]


@pytest.mark.parametrize("kind", ["sha1", "sha512"])
def test_packages_are_told_by_another_checksum_when_that_is_asked_for(
    zoo: list[Unit], published: Publish, tmp_path: Path, kind: str
) -> None:
    stored = bytes_of(zoo, tmp_path / "zoo")

    publication = published(YumDistributor, zoo, stored=stored, checksum_type=kind)

    folder = written(publication, tmp_path / "tree")
    packages = list(createrepo_c.RepositoryReader.from_path(str(folder)).iter_packages())
    assert {Path(each.location_href).name: (each.checksum_type, each.pkgId) for each in packages} == {
        name: (kind, hashlib.new(kind, data).hexdigest()) for name, data in stored.items()
    }
    assert {record.checksum_type for record in read_repomd(publication.files[REPOMD]).values()} == {kind, "sha256"}
    assert f'<sum type="{kind}">' in text_of(publication, "updateinfo").decode()


def test_a_checksum_that_needs_bytes_which_are_not_here_is_refused_in_clear_words(zoo: list[Unit], published: Publish) -> None:
    with pytest.raises(PluginError, match=r"checksum_type is sha512, but .*\.rpm came with a sha256 only.*downloaded"):
        published(YumDistributor, zoo, checksum_type="sha512")


def test_advisories_tell_packages_by_the_checksum_that_is_asked_for(zoo: list[Unit], published: Publish) -> None:
    walrus = next(unit for unit in zoo if isinstance(unit, Rpm) and unit.version == "5.21")

    as_it_came = text_of(published(YumDistributor, zoo), "updateinfo").decode()
    publication = published(YumDistributor, zoo, updateinfo_checksum_type="sha256")

    assert '<sum type="md5">00112233445566778899aabbccddeeff</sum>' in as_it_came
    assert f'<sum type="sha256">{walrus.checksum}</sum>' in text_of(publication, "updateinfo").decode()


def test_createrepo_c_reads_the_advisories(zoo: list[Unit], published: Publish, tmp_path: Path) -> None:
    path = tmp_path / "updateinfo.xml"
    path.write_bytes(text_of(published(YumDistributor, zoo), "updateinfo"))

    first, second = createrepo_c.UpdateInfo(str(path)).updates

    assert (first.id, second.id) == ("RHEA-1:1", "RHEA-2:1")
    assert (second.title, second.severity, second.reboot_suggested) == ("Sea & land", "Low", True)
    (collection,) = second.collections
    assert (collection.module.stream, collection.packages[0].filename) == ("1", "walrus-5.21-1.noarch.rpm")


def test_deltas_are_published_and_listed(published: Publish) -> None:
    drpm = Drpm(
        new_package="walrus",
        arch="noarch",
        epoch="0",
        version="5.21",
        release="1",
        oldepoch="0",
        oldversion="0.71",
        oldrelease="1",
        filename="deltas/walrus-0.71-1_5.21-1.noarch.drpm",
        sequence="walrus-0.71-1-abc",
        size=7,
        checksumtype="sha256",
        checksum="ab" * 32,
    )

    publication = published(YumDistributor, [drpm])

    assert publication.files["drpms/walrus-0.71-1_5.21-1.noarch.drpm"] is drpm
    text = text_of(publication, "prestodelta").decode()
    assert "<filename>drpms/walrus-0.71-1_5.21-1.noarch.drpm</filename>" in text
    assert '<newpackage name="walrus" epoch="0" version="5.21" release="1" arch="noarch">' in text
    assert "prestodelta" not in read_repomd(published(YumDistributor, [], publication).files[REPOMD])


def test_an_installable_tree_is_published_without_the_checksum_of_the_repomd_of_its_feed(published: Publish) -> None:
    treeinfo = b"[checksums]\nimages/boot.iso = sha256:ab\nrepodata/repomd.xml = sha256:cd\n\n[general]\nfamily = Zoo\n"
    tree = Distribution(id="zoo", family="Zoo", version="9", arch="x86_64")
    tree.keep_stored(1, {".treeinfo": 1, "images/boot.iso": None, "repodata/repomd.xml": 2})

    publication = published(YumDistributor, [tree], stored={".treeinfo": treeinfo})

    assert publication.files["images/boot.iso"] is tree
    assert publication.files[".treeinfo"] == treeinfo.replace(b"repodata/repomd.xml = sha256:cd\n", b"")
    assert publication.files[REPOMD] is not tree
    assert "images/boot.iso" not in published(YumDistributor, [], publication).files


def test_the_databases_of_yum_3_hold_the_packages(zoo: list[Unit], published: Publish, tmp_path: Path) -> None:
    before = published(YumDistributor, zoo, generate_sqlite=True)

    after = published(YumDistributor, zoo, before, generate_sqlite=True)

    records = read_repomd(after.files[REPOMD])
    path = tmp_path / "primary.sqlite"
    path.write_bytes(bz2.decompress(after.files[records["primary_db"].href]))
    with sqlite3.connect(path) as database:
        names = [name for (name,) in database.execute("SELECT name FROM packages ORDER BY pkgKey")]
        ((checksum,),) = database.execute("SELECT checksum FROM db_info")
    database.close()
    assert names == ["Bear", "shark", "walrus", "walrus"]
    assert (checksum, records["primary_db"].database_version) == (records["primary"].checksum, 10)
    assert records["primary_db"].open_size == path.stat().st_size
    assert {"filelists_db", "other_db"} <= records.keys()


def test_repomd_is_signed_and_the_signature_stays_while_nothing_changes(
    zoo: list[Unit], published: Publish, tmp_path: Path
) -> None:
    key = tmp_path / "key.asc"
    key.write_text(str(pysequoia.Tsk.generate("Zoo <zoo@example.test>")))
    server = {"signing_key": str(key)}

    before = published(YumDistributor, zoo, server=server, gpg_sign_metadata=True)

    keyring = Keyring.load(before.files["repodata/repomd.xml.key"])
    assert verify_detached(before.files[REPOMD], before.files[f"{REPOMD}.asc"], keyring) == keyring.fingerprints[0]
    before.revision = 0  # so that the date is the same once more
    again = published(YumDistributor, zoo, before, server=server, gpg_sign_metadata=True)
    assert again.files == before.files
    assert f"{REPOMD}.asc" not in published(YumDistributor, zoo, before).files


def test_a_command_of_the_server_signs_with_the_key_that_is_named(zoo: list[Unit], published: Publish, tmp_path: Path) -> None:
    command = tmp_path / "sign"
    command.write_text('#!/bin/sh\nprintf "%s %s" "$GPG_KEY_ID" "$(basename "$1")" > "$1.asc"\n')
    command.chmod(0o755)

    publication = published(
        YumDistributor, zoo, server={"gpg_cmd": str(command)}, gpg_sign_metadata=True, gpg_key_id="ABCD1234"
    )

    assert publication.files[f"{REPOMD}.asc"] == b"ABCD1234 repomd.xml"


def test_both_spellings_of_the_schemes_mean_the_same() -> None:
    assert YumDistributor.configure({"http": "false", "https": True}) == YumDistributor.configure({"serve_http": False})


@pytest.mark.parametrize(
    ("config", "field", "why"),
    [
        ({"http": False, "https": False}, "config", "cannot both be false"),
        ({"repoview": True}, "repoview", "needs generate_sqlite"),
        ({"gpg_sign_metadata": True}, "gpg_sign_metadata", "needs a key"),
        ({"gpg_cmd": "/bin/true"}, "gpg_cmd", "server's settings"),
        ({"skip": ["rmp"]}, "skip", "'rmp', which is no unit type"),
        ({"checksum_type": "crc32"}, "checksum_type", "must be one of"),
        ({"relativ_url": "zoo"}, "relativ_url", "did you mean relative_url"),
    ],
)
def test_a_wrong_key_is_refused_by_its_name(config: dict[str, Any], field: str, why: str) -> None:
    with pytest.raises(RefusedConfiguration, match=f"{field}: .*{why}"):
        YumDistributor.configure(config)


def test_pulps_keys_are_all_taken() -> None:
    places = dict.fromkeys(("gpgkey", "auth_ca", "auth_cert", "https_ca", "http_publish_dir", "https_publish_dir"), "/srv")
    flags = ("http", "https", "protected", "skip_pkg_tags", "generate_sqlite", "repoview", "remove_old_repodata")
    checksums = {"checksum_type": "sha256", "updateinfo_checksum_type": "sha256"}
    others: dict[str, Any] = {"relative_url": "zoo", "skip": [], "gpg_key_id": "AB", "remove_old_repodata_threshold": 1_209_600}

    config = YumDistributor.configure(
        places | dict.fromkeys(flags, True) | checksums | others | {"force_full": False, "gpg_sign_metadata": False}
    )

    assert config.relative_url == "zoo"

"""The yum_importer against feeds in memory."""

from __future__ import annotations

import gzip
import hashlib
import re

import createrepo_c
import pysequoia
import pytest
from tests.builders.yum_feed import EVERYTHING, FISH, REPOMD, SOURCE, TREEINFO, WALRUS, WHALE, feed_files, part, with_part

from entrepot.plugin import FetchAnswered, PluginError, RefusedConfiguration
from entrepot.plugin.openpgp import SigningKey
from entrepot_rpm.importer import YumImporter
from entrepot_rpm.snippets import unpack
from entrepot_rpm.units import (
    Distribution,
    Drpm,
    Erratum,
    Modulemd,
    ModulemdDefaults,
    ModulemdObsoletes,
    PackageCategory,
    PackageEnvironment,
    PackageGroup,
    PackageLangpacks,
    Rpm,
    Srpm,
    YumMetadataFile,
)


@pytest.fixture(scope="module")
def zoo(tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("zoo")
    return feed_files(folder, [WALRUS, WHALE, FISH, SOURCE], {".treeinfo": TREEINFO}, metadata=EVERYTHING)


def of_type(units, unit_type):
    return [unit for unit in units if isinstance(unit, unit_type)]


def one(units, unit_type):
    (unit,) = of_type(units, unit_type)
    return unit


def test_each_package_becomes_a_unit_with_its_file_and_its_metadata_as_a_document(imported, zoo):
    units, refused = imported(YumImporter, zoo)

    walrus = next(unit for unit in of_type(units, Rpm) if unit.name == "walrus")
    data = zoo["walrus-5.21-1.noarch.rpm"]
    assert refused == {}
    assert sorted(unit.filename for unit in units if isinstance(unit, Rpm | Srpm)) == [
        "fish-1.0-1.noarch.rpm",
        "walrus-5.21-1.noarch.rpm",
        "whale-2.0-1.noarch.rpm",
        "whale-2.0-1.src.rpm",
    ]
    assert (walrus.epoch, walrus.version, walrus.release, walrus.arch) == ("1", "5.21", "1", "noarch")
    assert (walrus.checksumtype, walrus.checksum) == ("sha256", hashlib.sha256(data).hexdigest())
    assert (walrus.summary, walrus.license, walrus.size) == ("A package of a test", "Apache-2.0", len(data))
    assert walrus.is_modular
    (file,) = walrus.remote_files
    assert (file.url, file.path, file.size) == ("walrus-5.21-1.noarch.rpm", "walrus-5.21-1.noarch.rpm", len(data))
    primary, filelists, other = unpack(walrus.document)
    assert b'<location href="Packages/w/walrus-5.21-1.noarch.rpm"/>' in primary
    assert b"<file>/usr/bin/walrus</file>" in filelists
    assert b"- It swims" in other


def test_all_other_kinds_of_metadata_become_units(imported, zoo):
    units, _ = imported(YumImporter, zoo)

    erratum, group, module = one(units, Erratum), one(units, PackageGroup), one(units, Modulemd)
    assert (erratum.id, erratum.severity, erratum.reboot_suggested) == ("ZOO-2026:1", "Important", True)
    assert (erratum.issued, erratum.updated) == ("2026-01-01 00:00:00", "2026-01-02 00:00:00")
    assert erratum.references[0]["href"] == "https://example.test/1"
    assert erratum.pkglist[0]["packages"][0]["sum"] == ["sha256", "00ff"]
    assert (group.id, group.repo_id, group.translated_name, group.display_order) == ("sea", "zoo", {"de": "Meer"}, 7)
    assert group.package_names == {"walrus", "whale", "fish"}
    assert one(units, PackageCategory).packagegroupids == ["sea"]
    assert one(units, PackageEnvironment).options == [{"group": "land", "default": True}]
    assert one(units, PackageLangpacks).matches == [{"name": "walrus", "install": "walrus-lang-%s"}]
    assert (module.stream, module.version, module.artifacts) == ("1.10", 20260101, ["walrus-1:5.21-1.noarch"])
    assert module.dependencies == [{"platform": ["f40"], "water": ["salt"]}]
    assert module.document.startswith(b"---\ndocument: modulemd\n")
    assert one(units, ModulemdDefaults).profiles == {"1.10": ["default"]}
    assert one(units, ModulemdObsoletes).modified == "2026-01-01T00:00Z"
    drpm = one(units, Drpm)
    assert (drpm.new_package, drpm.remote_files[0].url) == ("whale", "drpms/whale-1.0-1_2.0-1.noarch.drpm")
    product = one(units, YumMetadataFile)
    assert (product.data_type, gzip.decompress(product.held_files[0].fetched.path.read_bytes())) == (
        "productid",
        EVERYTHING["productid"],
    )


def test_a_treeinfo_becomes_a_distribution_whose_files_are_declared_without_the_feeds_metadata(imported, zoo):
    units, _ = imported(YumImporter, zoo)

    tree = one(units, Distribution)
    assert (tree.family, tree.version, tree.arch, tree.timestamp) == ("Zoo", "9", "x86_64", 1700000000.5)
    assert {file.path: dict(file.digests) for file in tree.remote_files} == {
        "images/boot.iso": {"sha256": "cd" * 32},
        "images/vmlinuz": {},
    }
    assert [held.path for held in tree.held_files] == [".treeinfo"]


def test_text_that_cannot_be_kept_as_it_is_is_written_anew_with_the_same_result(imported, zoo):
    expected, _ = imported(YumImporter, zoo)
    path = part(zoo, "filelists")
    changed = gzip.decompress(zoo[path]).replace(b"<package ", b"<!-- a comment --><package ")

    units, refused = imported(YumImporter, with_part(zoo, "filelists", changed))

    assert refused == {}
    assert [as_one_writes_it(unit) for unit in of_type(units, Rpm)] == [
        as_one_writes_it(unit) for unit in of_type(expected, Rpm)
    ]


def test_packages_in_another_order_in_filelists_are_found(imported, tmp_path):
    files = feed_files(tmp_path / "feed", [WHALE, FISH])
    text = gzip.decompress(files[part(files, "filelists")]).decode()
    head, first, second = text.split("<package ")
    second, end = second.split("</package>")
    swapped = f"{head}<package {second}</package>\n<package {first}{end}"

    units, _ = imported(YumImporter, with_part(files, "filelists", swapped.encode()))

    fish = next(unit for unit in units if unit.name == "fish")
    assert b"/opt/fish" in unpack(fish.document)[1]


def test_a_feed_without_filelists_and_other_is_read(imported, tmp_path):
    files = feed_files(tmp_path / "feed", [WHALE])
    text = files[REPOMD].decode()
    for kind in ("filelists", "other"):
        start = text.index(f'<data type="{kind}">')
        text = text[:start] + text[text.index("</data>", start) + len("</data>") :]

    units, _ = imported(YumImporter, files | {REPOMD: text.encode()})

    assert b'name="whale"' in unpack(one(units, Rpm).document)[2]


@pytest.mark.parametrize(
    "compression",
    [createrepo_c.XZ_COMPRESSION, createrepo_c.ZSTD_COMPRESSION, createrepo_c.BZ2_COMPRESSION, createrepo_c.NO_COMPRESSION],
)
def test_every_usual_compression_is_read(imported, tmp_path, compression):
    files = feed_files(tmp_path / "feed", [WHALE], compression=compression)

    units, _ = imported(YumImporter, files)

    assert one(units, Rpm).name == "whale"


def test_a_feed_that_did_not_change_yields_nothing(imported, feed_of, zoo):
    ctx = feed_of(zoo, config=YumImporter.configure())
    list(YumImporter().sync(ctx))

    again = feed_of(zoo, config=ctx.config, token=ctx.token)

    assert list(YumImporter().sync(again)) == []
    assert part(zoo, "primary") not in again.fetched


def test_skipped_types_are_not_even_fetched(imported, feed_of, zoo):
    config = YumImporter.configure({"skip": ["erratum", "distribution", "drpm"], "type_skip_list": None})
    ctx = feed_of(zoo, config=config)

    list(YumImporter().sync(ctx))

    assert not {part(zoo, "updateinfo"), part(zoo, "prestodelta"), ".treeinfo"} & set(ctx.fetched)
    assert part(zoo, "primary") in ctx.fetched


@pytest.mark.parametrize("name", ["mirrorlist", "metalink"])
def test_a_feed_may_be_a_list_of_mirrors(feed_of, tmp_path, name):
    files = feed_files(tmp_path / "feed", [WHALE])
    digest = hashlib.sha256(files[REPOMD]).hexdigest()
    at_mirror = {f"http://good.test/os/{path}": data for path, data in files.items()}
    lists = {
        "mirrorlist": b"# mirrors\nhttp://gone.test/os/\nhttp://good.test/os/\n",
        "metalink": f"""<?xml version="1.0"?>
            <metalink version="3.0" xmlns="http://www.metalinker.org/"><files><file name="repomd.xml">
            <verification><hash type="md5">00</hash><hash type="sha256">{digest}</hash></verification><resources>
            <url protocol="http" preference="99">http://stale.test/os/{REPOMD}</url>
            <url protocol="http" preference="98">http://good.test/os/{REPOMD}</url>
            </resources></file></files></metalink>""".encode(),
    }
    feed = f"http://mirrors.test/{name}?repo=os"
    ctx = feed_of(
        {feed: lists[name], f"http://stale.test/os/{REPOMD}": b"<repomd/>", **at_mirror}, config=YumImporter.configure()
    )
    ctx.feed = feed

    units = list(YumImporter().sync(ctx))

    assert one(units, Rpm).remote_files[0].url == "http://good.test/os/whale-2.0-1.noarch.rpm"


def test_a_query_token_goes_with_every_address_of_the_feeds_server_and_to_no_other(feed_of, tmp_path):
    made = feed_files(tmp_path / "feed", [WHALE, FISH])
    elsewhere = text_of(made, "primary").replace('<location href="fish', '<location xml:base="http://other.test/" href="fish')
    made = with_part(made, "primary", elsewhere.encode())
    files = {f"http://feed.test/zoo/{path}?let=me": data for path, data in made.items()}
    ctx = feed_of(files, config=YumImporter.configure({"query_auth_token": "let=me"}))

    units = list(YumImporter().sync(ctx))

    assert [unit.remote_files[0].url for unit in units] == [
        "http://feed.test/zoo/whale-2.0-1.noarch.rpm?let=me",
        "http://other.test/fish-1.0-1.noarch.rpm",
    ]


def test_sha1_is_read_and_md5_is_refused(imported, tmp_path):
    files = feed_files(tmp_path / "feed", [WHALE])
    path = part(files, "primary")
    text = gzip.decompress(files[path]).decode()
    sha256 = one(imported(YumImporter, files)[0], Rpm).checksum
    sha1 = hashlib.sha1(files["whale-2.0-1.noarch.rpm"], usedforsecurity=False).hexdigest()
    old = {kind: gzip.decompress(files[part(files, kind)]).decode().replace(sha256, sha1) for kind in ("filelists", "other")}
    old["primary"] = text.replace(sha256, sha1).replace('type="sha256"', 'type="sha"')
    for kind, changed in old.items():
        files = with_part(files, kind, changed.encode())

    units, _ = imported(YumImporter, files)
    _, refused = imported(YumImporter, with_part(files, "primary", old["primary"].replace('type="sha"', 'type="md5"').encode()))

    assert (one(units, Rpm).checksumtype, dict(one(units, Rpm).remote_files[0].digests)) == ("sha1", {"sha1": sha1})
    assert "md5" in next(iter(refused.values()))


def test_metadata_must_be_signed_by_a_key_of_the_configuration(imported, tmp_path, signing_keys):
    ours, theirs = signing_keys
    files = feed_files(tmp_path / "feed", [WHALE])
    signed = files | {f"{REPOMD}.asc": ours.sign_detached(files[REPOMD])}

    units, _ = imported(YumImporter, signed, {"gpg_keys": [ours.public_armored]})

    assert one(units, Rpm).name == "whale"
    for feed in (files, files | {f"{REPOMD}.asc": theirs.sign_detached(files[REPOMD])}):
        with pytest.raises(PluginError):
            imported(YumImporter, feed, {"gpg_keys": [ours.public_armored]})


def test_an_advisory_that_is_held_from_elsewhere_is_united_with_the_offered_one(imported, zoo):
    offered = one(imported(YumImporter, zoo)[0], Erratum)
    listed = {**offered.pkglist[0]["packages"][0], "name": "seal", "filename": "seal.rpm"}
    other = {"name": "Flora", "short": "P", "module": None, "packages": []}
    held = offered.model_copy(
        update={
            "title": "Older",
            "updated": "2026-01-01 12:00:00",
            "pkglist": [{**offered.pkglist[0], "packages": [listed]}, other],
        }
    )

    united = one(imported(YumImporter, zoo, held=[held])[0], Erratum)
    again = one(imported(YumImporter, zoo, held=[united])[0], Erratum)

    assert united.title == "Walrus"
    assert [package["name"] for package in united.pkglist[0]["packages"]] == ["walrus", "seal"]
    assert united.pkglist[1] == other
    assert again.uid == united.uid


def test_an_advisory_that_the_feed_lists_twice_comes_once_with_the_packages_of_both(imported, zoo):
    text = gzip.decompress(zoo[part(zoo, "updateinfo")]).decode()
    start, end = text.index("<update "), text.index("</updates>")
    other = text[start:end].replace('name="walrus"', 'name="seal"')

    units, refused = imported(YumImporter, with_part(zoo, "updateinfo", f"{text[:end]}{other}</updates>".encode()))

    assert refused == {}
    assert [package["name"] for package in one(units, Erratum).pkglist[0]["packages"]] == ["walrus", "seal"]


def test_rules_about_signatures_let_in_only_what_is_signed_by_an_allowed_key(imported, tmp_path):
    # A packet of OpenPGP: tag 2, version 4; its subpackets say when it was made (2), and by which key (16).
    signature = bytes.fromhex("881a0400010800060502655f0000000a091011223344556677880000")
    signed = feed_files(tmp_path / "a", [WHALE], sign=lambda _: signature)
    unsigned = feed_files(tmp_path / "b", [WHALE])

    def sync(files, **config: object):
        return [unit.signing_key for unit in imported(YumImporter, files, config)[0]]

    assert sync(signed, allowed_keys="55667788", require_signature=True) == ["55667788"]
    assert sync(signed, allowed_keys=["00000000"]) == []
    assert sync(unsigned, require_signature=True) == []
    assert sync(unsigned, allowed_keys=["00000000"]) == [None]


def test_a_feed_that_changes_while_it_is_read_is_read_again(feed_of, tmp_path):
    old, new = feed_files(tmp_path / "old", [WHALE]), feed_files(tmp_path / "new", [FISH], revision="2")
    ctx = feed_of(old, config=YumImporter.configure())
    fetch = ctx.fetch

    def changing(url, **more: object):
        if url == part(old, "primary"):
            ctx.files = new
        return fetch(url, **more)

    ctx.fetch = changing

    assert one(list(YumImporter().sync(ctx)), Rpm).name == "fish"


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"checksum_type": "md5"}, "checksum_type"),
        ({"allowed_keys": ["12345"]}, "allowed_keys"),
        ({"require_signature": True, "download_policy": "on_demand"}, "require_signature"),
        ({"additional_repos": {"a": "b"}}, "additional_repos"),
        ({"gpg_keys": "no key"}, "gpg_keys"),
    ],
)
def test_configurations_that_cannot_work_are_refused(config, field):
    with pytest.raises(RefusedConfiguration) as refusal:
        YumImporter.configure(config)

    assert field in refusal.value.data["problems"]


def test_server_errors_are_not_taken_for_a_changed_feed(feed_of, tmp_path):
    files = feed_files(tmp_path / "feed", [WHALE])
    ctx = feed_of(files, config=YumImporter.configure())
    fetch = ctx.fetch

    def failing(url, **more: object):
        if url == part(files, "other"):
            raise FetchAnswered("the server answered 503", status=503)
        return fetch(url, **more)

    ctx.fetch = failing

    with pytest.raises(FetchAnswered):
        list(YumImporter().sync(ctx))


def text_of(files: dict[str, bytes], kind: str) -> str:
    return gzip.decompress(files[part(files, kind)]).decode()


def as_one_writes_it(unit):
    """Return a unit and its texts, whichever way an empty element was written."""
    return unit, [re.sub(rb"<([\w:]+)></\1>", rb"<\1/>", text) for text in unpack(unit.document)]


@pytest.fixture(scope="module")
def signing_keys() -> tuple[SigningKey, SigningKey]:
    ours, theirs = (
        SigningKey.load(str(pysequoia.Tsk.generate(f"{name} <{name}@example.test>"))) for name in ("ours", "theirs")
    )
    return ours, theirs

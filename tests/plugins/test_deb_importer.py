"""The deb_importer against feeds in memory, made of real packages."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pysequoia
import pytest
from tests.builders.deb import PACKERS, DebFeed, build_deb

from entrepot.plugin import PluginError, RefusedConfiguration, SizeDiffers
from entrepot.plugin.openpgp import SigningKey
from entrepot_deb.importer import DebImporter
from entrepot_deb.units import Deb, DebComponent, DebRelease

ZOO = build_deb("zoo", "2:1.0-1", "amd64", Depends="keeper (>= 1)", Section="animals")
KEEPER = build_deb("keeper", "1.2")
ARM = build_deb("zoo", "2:1.0-1", "arm64")


@pytest.fixture(scope="session")
def key() -> SigningKey:
    return SigningKey.load(str(pysequoia.Tsk.generate("Zoo <zoo@example.test>")))


@pytest.fixture(scope="session")
def other_key() -> SigningKey:
    return SigningKey.load(str(pysequoia.Tsk.generate("Other <other@example.test>")))


@pytest.fixture
def feed(tmp_path: Path) -> DebFeed:
    """A feed with three packages in one release."""
    feed = DebFeed(tmp_path / "feed")
    for deb in (ZOO, KEEPER, ARM):
        feed.put(deb)
    return feed


def files_of(feed: DebFeed) -> dict[str, bytes]:
    root = feed.write()
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def debs(units) -> list[Deb]:
    return [unit for unit in units if isinstance(unit, Deb)]


def test_each_package_becomes_a_unit_with_its_file_declared_and_its_paragraph_kept(imported, feed) -> None:
    units, refused = imported(DebImporter, files_of(feed))

    zoo = next(deb for deb in debs(units) if deb.architecture == "amd64")
    assert refused == {}
    assert (zoo.name, zoo.version, zoo.checksumtype, zoo.checksum) == ("zoo", "2:1.0-1", "sha256", ZOO.sha256)
    assert (zoo.size, zoo.section, zoo.depends) == (len(ZOO.data), "animals", "keeper (>= 1)")
    assert zoo.description == "zoo, an animal"
    assert zoo.remote_files == (
        ("pool/main/zoo_1.0-1_amd64.deb", "zoo_1.0-1_amd64.deb", len(ZOO.data), {"sha256": ZOO.sha256}),
    )
    assert zoo.document == ZOO.stanza("gone", Filename=None).encode()


def test_components_and_releases_list_what_they_have(imported, feed) -> None:
    feed.put(build_deb("extra"), component="contrib/games")
    units, _ = imported(DebImporter, files_of(feed))

    ids = {unit.name: {each.uid for each in debs(units) if each.name == unit.name} for unit in debs(units)}
    components = {unit.name: unit for unit in units if isinstance(unit, DebComponent)}
    assert set(components["main"].packages) == ids["zoo"] | ids["keeper"]
    assert set(components["contrib/games"].packages) == ids["extra"]
    assert [unit for unit in units if isinstance(unit, DebRelease)] == [
        DebRelease(
            distribution="stable",
            repoid="zoo",
            codename="stable",
            suite="stable",
            origin="Zoo",
            label="Zoo",
            architectures=("amd64", "arm64"),
            components=("contrib/games", "main"),
        )
    ]


def test_a_package_for_every_machine_is_one_unit(imported, feed) -> None:
    units, _ = imported(DebImporter, files_of(feed))

    assert sorted(deb.name for deb in debs(units)) == ["keeper", "zoo", "zoo"]


@pytest.mark.parametrize("packing", list(PACKERS))
def test_an_index_is_read_in_whichever_packing_is_there(imported, feed, packing: str) -> None:
    feed.packings = (packing,)

    assert len(debs(imported(DebImporter, files_of(feed))[0])) == 3


def test_what_is_listed_and_not_there_is_passed_over_for_another_packing(feed_of, feed) -> None:
    files = {
        path: data for path, data in files_of(feed).items() if not path.endswith((".zst", ".xz")) and "by-hash" not in path
    }
    conduit = feed_of(files, config=DebImporter.configure({}))

    assert len(debs(DebImporter().sync(conduit))) == 3
    assert conduit.fetched[1:] == [f"dists/stable/main/binary-{name}/Packages.gz" for name in ("amd64", "arm64")]


def test_indexes_are_asked_for_by_their_digests_where_the_feed_has_them(feed_of, feed) -> None:
    conduit = feed_of(files_of(feed), config=DebImporter.configure({}))

    list(DebImporter().sync(conduit))

    assert [path.rpartition("/")[0] for path in conduit.fetched[1:]] == [
        f"dists/stable/main/binary-{name}/by-hash/SHA256" for name in ("amd64", "arm64")
    ]


def test_only_wanted_architectures_and_components_are_read(imported, feed) -> None:
    feed.put(build_deb("extra"), component="contrib")

    units, _ = imported(DebImporter, files_of(feed), {"architectures": "arm64", "components": "main"})

    assert sorted((deb.name, deb.architecture) for deb in debs(units)) == [("keeper", "all"), ("zoo", "arm64")]


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"components": "man"}, "'stable' has no component man; it has main"),
        ({"architectures": "amd46"}, "'stable' has none of the architectures amd46; it has amd64, arm64"),
        ({"releases": "unstable"}, "no release 'unstable': there is neither dists/unstable/InRelease nor"),
        ({"releases": "flat/", "gpg_keys": "KEY"}, "'flat/' has no Release file, and a signature is required"),
    ],
)
def test_what_the_feed_does_not_have_is_named(imported, feed, key, config, why: str) -> None:
    config = {name: key.public_armored if value == "KEY" else value for name, value in config.items()}

    with pytest.raises(PluginError, match=why):
        imported(DebImporter, files_of(feed), config)


def test_several_releases_share_their_packages(imported, feed) -> None:
    feed.put(ZOO, release="testing")

    units, _ = imported(DebImporter, files_of(feed), {"releases": "stable, testing"})

    lists = {unit.distribution: len(unit.packages) for unit in units if isinstance(unit, DebComponent)}
    assert (len(debs(units)), lists) == (3, {"stable": 3, "testing": 1})


def test_a_component_may_be_called_by_more_than_its_folder(imported, feed) -> None:
    """Source: security.debian.org of old had `Components: updates/main` in dists/stable/updates."""
    feed.put(ZOO, release="stable/updates")
    files = files_of(feed)
    release = files["dists/stable/updates/Release"].replace(b"Components: main", b"Components: updates/main")
    files["dists/stable/updates/Release"] = release

    for chosen in ({}, {"components": "updates/main"}, {"components": "main"}):
        units, _ = imported(DebImporter, files, {"releases": "stable/updates", **chosen})
        assert [(unit.distribution, unit.name) for unit in units if isinstance(unit, DebComponent)] == [
            ("stable/updates", "main")
        ]


@pytest.mark.parametrize(("release", "folder"), [("./", ""), ("/", ""), ("sub/", "sub/")])
def test_a_flat_release_lies_where_its_name_says(imported, tmp_path: Path, release: str, folder: str) -> None:
    feed = DebFeed(tmp_path / "feed")
    feed.put(ZOO, folder or "./", path=f"{folder}zoo.deb")
    feed.put(ARM, folder or "./", path=f"{folder}arm.deb")
    files = files_of(feed)

    units, refused = imported(DebImporter, files, {"releases": release})

    assert refused == {}
    assert [deb.remote_files[0].url for deb in debs(units)] == [f"{folder}zoo.deb", f"{folder}arm.deb"]
    component = next(unit for unit in units if isinstance(unit, DebComponent))
    assert (component.distribution, component.architectures, len(component.packages)) == (folder or "./", ("amd64", "arm64"), 2)


def test_a_flat_release_needs_no_release_file(feed_of, tmp_path: Path) -> None:
    feed = DebFeed(tmp_path / "feed")
    feed.put(ZOO, "./", path="./zoo.deb")
    files = {path: data for path, data in files_of(feed).items() if path in ("Packages.gz", "zoo.deb")}
    conduit = feed_of(files, config=DebImporter.configure({"releases": ["./"]}))

    assert [deb.name for deb in debs(DebImporter().sync(conduit))] == ["zoo"]
    assert list(DebImporter().sync(conduit)) == []


def test_a_release_that_was_only_dated_anew_is_no_change(feed_of, feed) -> None:
    conduit = feed_of(files_of(feed), config=DebImporter.configure({}))
    assert list(DebImporter().sync(conduit))
    feed.release_fields["Date"] = "Sun, 02 Aug 2026 10:00:00 UTC"
    conduit.files = files_of(feed)

    assert list(DebImporter().sync(conduit)) == []

    conduit.config = DebImporter.configure({"repair_sync": True})
    assert len(debs(DebImporter().sync(conduit))) == 3


@pytest.mark.parametrize("missing", [(), ("dists/stable/InRelease",)])
def test_a_signed_release_is_trusted_by_its_key(imported, feed, key, missing) -> None:
    feed.key = key
    files = {path: data for path, data in files_of(feed).items() if path not in missing}

    assert (
        len(debs(imported(DebImporter, files, {"gpg_keys": key.public_armored, "allowed_keys": key.fingerprint[-8:]})[0])) == 3
    )


@pytest.mark.parametrize(
    ("until", "why"),
    [
        ("Wed, 31 Dec 2025 23:59:59 UTC", "has expired: it was valid until Wed, 31 Dec 2025"),
        ("Wed, 31 Dec 2025 20:00:00 -0500", None),
        ("Thu, 01 Jan 2026 00:00:01 UTC", None),
        ("tomorrow", "valid until 'tomorrow', which is no date"),
    ],
)
def test_a_release_is_taken_until_it_expires(imported, feed, until: str, why: str | None) -> None:
    feed.release_fields["Valid-Until"] = until

    if why is None:
        assert imported(DebImporter, files_of(feed))[0]
    else:
        with pytest.raises(PluginError, match=re.escape(why)):
            imported(DebImporter, files_of(feed))
    assert imported(DebImporter, files_of(feed), {"check_valid_until": False})[0]


@pytest.mark.parametrize("missing", [(), ("dists/stable/InRelease",)])
def test_a_release_that_another_key_signed_is_refused(imported, feed, key, other_key, missing) -> None:
    feed.key = other_key
    files = {path: data for path, data in files_of(feed).items() if path not in missing}

    with pytest.raises(PluginError, match=r"dists/stable/(In)?Release is not trusted: the signature could not be verified"):
        imported(DebImporter, files, {"gpg_keys": [key.public_armored]})


@pytest.mark.parametrize(
    ("path", "change", "why"),
    [
        ("InRelease", lambda data: data.replace(b"Origin: Zoo", b"Origin: Foo"), "could not be verified"),
        ("InRelease", lambda data: b"Origin: Foo\n" + data, "not one OpenPGP clear-signed text"),
        ("InRelease", lambda _: b"<html>sign in first</html>", "not one OpenPGP clear-signed text"),
        ("Release.gpg", lambda _: b"<html>sign in first</html>", "is no OpenPGP signature"),
        ("Release.gpg", None, "is not signed: there is neither InRelease nor Release.gpg"),
        ("Release", lambda data: data + b" ", "could not be verified"),
    ],
)
def test_only_the_signed_text_is_trusted(imported, feed, key, *, path: str, change, why: str) -> None:
    feed.key = key
    files = files_of(feed)
    if path != "InRelease":
        del files["dists/stable/InRelease"]
    files[f"dists/stable/{path}"] = change(files[f"dists/stable/{path}"]) if change else b""
    if change is None:
        del files[f"dists/stable/{path}"]

    with pytest.raises(PluginError, match=why):
        imported(DebImporter, files, {"gpg_keys": key.public_armored})


def test_a_signature_is_not_looked_at_without_keys(imported, feed, key) -> None:
    feed.key = key

    assert len(debs(imported(DebImporter, files_of(feed))[0])) == 3


def test_a_keyserver_is_not_asked_by_a_short_id_for_anybody_can_make_a_key_of_it(imported, feed, key) -> None:
    config = {"require_signature": True, "keyserver": "hkp://keys.test", "allowed_keys": [key.fingerprint[-8:]]}

    with pytest.raises(PluginError, match=r"is too short to ask a keyserver by: anybody can make a key with it"):
        imported(DebImporter, files_of(feed), config)


def test_a_keyserver_is_asked_for_allowed_keys_that_are_not_given(imported, feed, key) -> None:
    feed.key = key
    config = {"require_signature": True, "keyserver": "hkp://keys.test", "allowed_keys": [key.fingerprint]}
    address = f"http://keys.test:11371/pks/lookup?op=get&options=mr&search=0x{key.fingerprint}"

    units, _ = imported(DebImporter, {**files_of(feed), address: key.public_armored.encode()}, config)

    assert len(debs(units)) == 3
    with pytest.raises(
        PluginError, match=r"could not be had from the keyserver hkp://keys.test: .*Give it as text in gpg_keys"
    ):
        imported(DebImporter, files_of(feed), config)


@pytest.mark.parametrize(
    ("config", "field", "why"),
    [
        ({"require_signature": True}, "config", "needs gpg_keys"),
        ({"allowed_keys": "abc"}, "config", "at least 8 hex digits"),
        ({"releases": "../stable"}, "releases", "leaves its folder"),
        ({"releases": "a b"}, "releases", "has letters that no release's name has"),
        ({"releases": "/etc"}, "releases", "absolute"),
        ({"architectures": 5}, "architectures", "must be a list"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(config, field: str, why: str) -> None:
    with pytest.raises(RefusedConfiguration) as caught:
        DebImporter.configure(config)

    assert why in caught.value.data["problems"][field]


def test_packages_that_left_the_feed_stay_listed_unless_missing_ones_are_removed(imported, feed) -> None:
    before, _ = imported(DebImporter, files_of(feed))
    del feed.stanzas["stable"]["main"]["arm64"]
    removed = next(unit for unit in debs(before) if unit.name == "keeper")
    held = [unit for unit in before if unit is not removed]
    feed.stanzas["stable"]["main"]["all"] = [build_deb("new").stanza("pool/new.deb")]

    def listed(**config: bool) -> set[str]:
        units, _ = imported(DebImporter, files_of(feed), config, held=held)
        uids = {unit.uid: f"{unit.name}-{unit.architecture}" for unit in debs([*before, *units])}
        return {uids[uid] for unit in units if isinstance(unit, DebComponent) for uid in unit.packages}

    assert listed() == {"zoo-amd64", "zoo-arm64", "new-all"}
    assert listed(remove_missing=True) == {"zoo-amd64", "new-all"}


def test_the_mixed_state_of_a_feed_that_is_written_anew_is_fetched_again(feed_of, feed) -> None:
    feed.by_hash = False
    conduit = feed_of(files_of(feed), config=DebImporter.configure({}))
    conduit.files["dists/stable/Release"], newer = _older(feed), conduit.files["dists/stable/Release"]
    fetch: Callable[..., object] = conduit.fetch

    def fetch_as_it_changes(url: str, **promised: Any):
        try:
            return fetch(url, **promised)
        except SizeDiffers:
            conduit.files["dists/stable/Release"] = newer
            raise

    conduit.fetch = fetch_as_it_changes

    assert len(debs(DebImporter().sync(conduit))) == 3


def test_a_feed_whose_release_never_fits_its_indexes_is_refused(feed_of, feed) -> None:
    feed.by_hash = False
    conduit = feed_of({**files_of(feed), "dists/stable/Release": _older(feed)}, config=DebImporter.configure({}))

    with pytest.raises(SizeDiffers):
        list(DebImporter().sync(conduit))


def _older(feed: DebFeed) -> bytes:
    """Return the Release file that the feed had with a package less."""
    before = DebFeed(feed.folder.parent / "before")
    before.by_hash = feed.by_hash
    before.put(ZOO)
    before.put(ARM)
    return files_of(before)["dists/stable/Release"]

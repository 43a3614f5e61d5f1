"""The deb_distributor against publications in memory."""

from __future__ import annotations

import gzip
import hashlib
import random
from pathlib import Path

import pysequoia
import pytest

from entrepot.plugin import PluginError, RefusedConfiguration, Unit
from entrepot.plugin.openpgp import Keyring, SigningKey, verify_clear_signed, verify_detached
from entrepot_deb import distributor, package_index
from entrepot_deb.distributor import DebDistributor
from entrepot_deb.importer import DebImporter
from entrepot_deb.release import parse_release
from entrepot_deb.units import Deb, DebComponent, DebRelease


def deb(name: str, version: str = "1", architecture: str = "amd64", content: str = "") -> Deb:
    checksum = hashlib.sha256(f"{name} {version} {architecture} {content}".encode()).hexdigest()
    unit = Deb(
        name=name,
        version=version,
        architecture=architecture,
        checksumtype="sha256",
        checksum=checksum,
        size=1,
        filename=f"{name}_{version.rpartition(':')[2]}_{architecture}.deb",
    )
    fields = f"Package: {name}\nVersion: {version}\nArchitecture: {architecture}\nSize: 1\nSHA256: {checksum}\n"
    return unit.with_document(fields.encode())


def component(*debs: Deb, name: str = "main", distribution: str = "stable") -> DebComponent:
    return DebComponent(
        name=name,
        distribution=distribution,
        repoid="zoo",
        architectures=tuple(sorted({each.architecture for each in debs} - {"all"})),
        packages=tuple(sorted(each.uid for each in debs)),
    )


def repository(*debs: Deb, distribution: str = "stable") -> list[Unit]:
    return [
        *debs,
        component(*debs, distribution=distribution),
        DebRelease(distribution=distribution, repoid="zoo", origin="Zoo"),
    ]


def text(publication, path: str) -> str:
    return publication.files[path].decode()


def listed(publication, path: str) -> list[str]:
    return [line.removeprefix("Filename: ") for line in text(publication, path).splitlines() if line.startswith("Filename: ")]


def layout(publication) -> dict[str, object]:
    """Return the files of a publication but for its Release files, whose dates differ."""
    return {path: data for path, data in publication.files.items() if not path.endswith("Release")}


ZOO, KEEPER, ARM, LIB = (
    deb("zoo", "2:1.0-1"),
    deb("keeper", architecture="all"),
    deb("zoo", "2:1.0-1", "arm64"),
    deb("libzoo", "3"),
)


def test_packages_lie_in_a_pool_and_each_index_names_those_that_its_machine_runs(published) -> None:
    publication = published(DebDistributor, repository(ZOO, KEEPER, ARM, LIB))

    folder = "dists/stable/main/binary-"
    assert listed(publication, f"{folder}amd64/Packages") == [
        "pool/k/keeper/keeper_1_all.deb",
        "pool/libz/libzoo/libzoo_3_amd64.deb",
        "pool/z/zoo/zoo_1.0-1_amd64.deb",
    ]
    assert listed(publication, f"{folder}arm64/Packages") == [
        "pool/k/keeper/keeper_1_all.deb",
        "pool/z/zoo/zoo_1.0-1_arm64.deb",
    ]
    assert listed(publication, f"{folder}all/Packages") == ["pool/k/keeper/keeper_1_all.deb"]
    assert publication.files["pool/z/zoo/zoo_1.0-1_amd64.deb"] == ZOO


def test_the_release_lists_each_index_as_it_is_and_under_its_digest(published) -> None:
    publication = published(DebDistributor, repository(ZOO, KEEPER))

    release = parse_release(publication.files["dists/stable/Release"], "Release")
    assert len(release.files) == 4
    for file in release.files.values():
        data = publication.files[f"dists/stable/{file.path}"]
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file.size, file.digest)
        assert publication.files[f"dists/stable/{file.by_hash}"] == data
    packed = publication.files["dists/stable/main/binary-amd64/Packages.gz"]
    assert gzip.decompress(packed) == publication.files["dists/stable/main/binary-amd64/Packages"]


def test_the_release_says_what_it_is(published) -> None:
    lines = text(published(DebDistributor, repository(ZOO, KEEPER, ARM)), "dists/stable/Release").splitlines()

    assert lines[: lines.index("SHA256:")] == [
        "Origin: Zoo",
        "Suite: stable",
        "Codename: stable",
        "Date: Thu, 01 Jan 2026 00:00:00 UTC",
        "Acquire-By-Hash: yes",
        "No-Support-for-Architecture-all: Packages",
        "Architectures: all amd64 arm64",
        "Components: main",
    ]


def test_a_flat_release_is_published_flat(published) -> None:
    publication = published(DebDistributor, repository(ZOO, KEEPER, distribution="./"))

    assert listed(publication, "Packages") == ["pool/k/keeper/keeper_1_all.deb", "pool/z/zoo/zoo_1.0-1_amd64.deb"]
    assert "Components:" not in text(publication, "Release")
    assert {path.rpartition("/")[0] for path in publication.files if not path.startswith("pool")} == {"", "by-hash/SHA256"}


def test_a_component_may_have_folders_and_a_package_may_be_in_two(published) -> None:
    units = [ZOO, component(ZOO), component(ZOO, name="contrib/games"), DebRelease(distribution="stable", repoid="zoo")]

    publication = published(DebDistributor, units)

    assert listed(publication, "dists/stable/contrib/games/binary-amd64/Packages") == ["pool/z/zoo/zoo_1.0-1_amd64.deb"]
    assert "Components: contrib/games main\n" in text(publication, "dists/stable/Release")


def test_rebuilds_of_one_version_lie_beside_each_other(published) -> None:
    one, other = deb("zoo", "1:2", content="a"), deb("zoo", "2:2", content="b")

    publication = published(DebDistributor, repository(one, other))

    paths = listed(publication, "dists/stable/main/binary-amd64/Packages")
    assert paths == [f"pool/z/zoo/{each.checksum[:16]}/zoo_2_amd64.deb" for each in (one, other)]
    alone = published(DebDistributor, repository(one), publication)
    assert [path for path in alone.files if path.startswith("pool")] == ["pool/z/zoo/zoo_2_amd64.deb"]


def test_what_a_component_lists_and_the_repository_does_not_hold_is_left_out(published) -> None:
    publication = published(DebDistributor, [ZOO, component(ZOO, KEEPER), DebRelease(distribution="stable", repoid="zoo")])

    assert listed(publication, "dists/stable/main/binary-amd64/Packages") == ["pool/z/zoo/zoo_1.0-1_amd64.deb"]


@pytest.mark.parametrize("units", [[], [DebRelease(distribution="stable", repoid="zoo", components=("main",))]])
def test_what_is_empty_is_published_empty(published, units: list[Unit]) -> None:
    publication = published(DebDistributor, units)

    assert all(not listed(publication, path) for path in publication.files if path.endswith("/Packages"))
    assert (f"dists/{'stable' if units else 'default'}/Release") in publication.files


def test_the_default_release_lists_all_packages_wherever_they_are(published) -> None:
    units = [*repository(ZOO), KEEPER, LIB]

    publication = published(DebDistributor, units, publish_default_release=True)

    assert len(listed(publication, "dists/default/all/binary-amd64/Packages")) == 3
    assert len(listed(publication, "dists/stable/main/binary-amd64/Packages")) == 1
    assert "Architectures: all amd64\n" in text(publication, "dists/default/Release")
    with_more = published(DebDistributor, [*units, ARM], publication, publish_default_release=True)
    assert layout(with_more) == layout(published(DebDistributor, [*units, ARM], publish_default_release=True))


def test_only_what_changed_is_touched_the_next_time(published, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"p{number}" for number in range(3000)]
    debs = [deb(name) for name in names]
    first = published(DebDistributor, repository(*debs))
    packed: list[bytes] = []
    pack = package_index.pack
    monkeypatch.setattr(package_index, "pack", lambda text, **more: packed.append(text) or pack(text, **more))
    after = [*debs[:1500], deb("p1500", "2"), *debs[1501:]]

    second = published(DebDistributor, repository(*after), first)

    assert [call for call in second.calls if "pool" in call[1]] == [
        ("remove", "pool/p/p1500/p1500_1_amd64.deb"),
        ("add", "pool/p/p1500/p1500_2_amd64.deb"),
    ]
    assert len(packed) <= 2
    assert layout(second) == layout(published(DebDistributor, repository(*after)))


def test_a_publication_without_change_is_the_same_bytes(published) -> None:
    first = published(DebDistributor, repository(ZOO, KEEPER))
    second = published(DebDistributor, repository(ZOO, KEEPER))

    assert first.files == second.files


@pytest.mark.parametrize("seed", range(12))
def test_whatever_changes_the_result_is_as_if_all_were_published_anew(published, monkeypatch, seed: int) -> None:
    """Names that begin a segment come and go, too: every third one does here."""
    monkeypatch.setattr(package_index, "begins_segment", lambda name: name[-1:] in b"0369")
    chance = random.Random(seed)
    pool = [
        deb(f"p{number}", str(version), architecture)
        for number in range(25)
        for version in (1, 2)
        for architecture in ("amd64", "all", "arm64")
    ]
    publication = None
    for _ in range(5):
        units: list[Unit] = list(held := chance.sample(pool, chance.choice((0, 1, 5, 40, 80))))
        for distribution in chance.sample(["stable", "testing", "./"], 2):
            units += [
                component(*chance.sample(held, len(held) // 2), name=name, distribution=distribution)
                for name in chance.sample(["main", "contrib", "non/free"], chance.randint(1, 3) if distribution != "./" else 1)
            ]
            units.append(DebRelease(distribution=distribution, repoid="zoo", architectures=("amd64",)))

        publication = published(DebDistributor, units, publication)

        anew = published(DebDistributor, units)
        assert layout(publication) == layout(anew)
        for path in (path for path in anew.files if path.endswith("Release")):
            assert publication.files[path].split(b"SHA256:")[1] == anew.files[path].split(b"SHA256:")[1]


def test_many_changes_at_once_are_written_anew(published, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributor, "_MANY", 1)
    first = published(DebDistributor, repository(ZOO, KEEPER, LIB))

    second = published(DebDistributor, repository(deb("other"), ZOO), first)

    assert layout(second) == layout(published(DebDistributor, repository(deb("other"), ZOO)))


def test_what_is_published_is_imported_as_the_same_packages(published, imported) -> None:
    units = repository(ZOO, KEEPER, ARM, LIB)
    publication = published(DebDistributor, units)

    again, refused = imported(DebImporter, {path: data for path, data in publication.files.items() if isinstance(data, bytes)})

    assert refused == {}
    assert {unit.uid for unit in again if isinstance(unit, Deb)} == {unit.uid for unit in units if isinstance(unit, Deb)}
    assert {unit.document for unit in again if isinstance(unit, Deb)} == {each.document for each in (ZOO, KEEPER, ARM, LIB)}
    (component,) = (unit for unit in again if isinstance(unit, DebComponent))
    assert component == units[-2]


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key.asc"
    path.write_text(str(pysequoia.Tsk.generate("Zoo <zoo@example.test>")))
    return path


def test_releases_are_signed_by_the_key_of_the_server(published, key_file: Path) -> None:
    publication = published(DebDistributor, repository(ZOO), server={"signing_key": str(key_file)})

    keyring = Keyring.load(SigningKey.from_file(key_file).public_armored)
    release = publication.files["dists/stable/Release"]
    assert verify_clear_signed(publication.files["dists/stable/InRelease"], keyring).splitlines() == release.splitlines()
    assert verify_detached(release, publication.files["dists/stable/Release.gpg"], keyring)


def test_a_release_that_did_not_change_is_not_signed_again_but_by_another_key(published, key_file: Path) -> None:
    server = {"signing_key": str(key_file)}
    first = published(DebDistributor, repository(ZOO), server=server)
    first.revision -= 1  # the next one has the same date then

    same = published(DebDistributor, repository(ZOO), first, server=server)
    key_file.write_text(str(pysequoia.Tsk.generate("New <new@example.test>")))
    other = published(DebDistributor, repository(ZOO), first, server=server)

    assert same.files == first.files
    assert other.files["dists/stable/InRelease"] != first.files["dists/stable/InRelease"]


def test_a_command_of_the_server_may_sign(published, tmp_path: Path) -> None:
    script = tmp_path / "sign"
    script.write_text('#!/bin/sh\necho "$GPG_KEY_ID $GPG_REPOSITORY_NAME $GPG_DIST" > "$1.gpg"\n')
    script.chmod(0o755)

    publication = published(DebDistributor, repository(ZOO), server={"gpg_cmd": str(script)}, gpg_key_id="ABCD1234")

    assert publication.files["dists/stable/Release.gpg"] == b"ABCD1234 zoo stable\n"
    assert "dists/stable/InRelease" not in publication.files


def test_a_key_that_is_not_the_one_asked_for_is_refused(published, key_file: Path) -> None:
    with pytest.raises(PluginError, match=r"the signing key of the server is [0-9a-f]{40}, and not ABCD1234"):
        published(DebDistributor, repository(ZOO), server={"signing_key": str(key_file)}, gpg_key_id="ABCD1234")


@pytest.mark.parametrize(
    ("config", "field", "why"),
    [
        ({"gpg_cmd": "/bin/sh"}, "gpg_cmd", "server"),
        ({"signing_key": "/etc/shadow"}, "signing_key", "server"),
        ({"http": False, "https": "false"}, "config", "http and https are both false"),
        ({"relative_ulr": "x"}, "relative_ulr", "did you mean relative_url?"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(config, field: str, why: str) -> None:
    with pytest.raises(RefusedConfiguration) as caught:
        DebDistributor.configure(config)

    assert why in caught.value.data["problems"][field]

"""Uploads to, and copies between, repositories of Debian packages, in memory."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from tests.builders.deb import build_deb
from tests.plugins.conftest import CopyInMemory, HeldInMemory

from entrepot.plugin import FetchedFile, PluginError, Unit
from entrepot_deb.importer import DebImporter
from entrepot_deb.units import Deb, DebComponent, DebRelease


def deb(name: str, version: str = "1", architecture: str = "amd64", **fields: str) -> Deb:
    checksum = hashlib.sha256(f"{name} {version} {architecture}".encode()).hexdigest()
    unit = Deb(
        name=name,
        version=version,
        architecture=architecture,
        checksumtype="sha256",
        checksum=checksum,
        size=1,
        filename=f"{name}_{version}_{architecture}.deb",
        **fields,
    )
    return unit.with_document(f"Package: {name}\n".encode())


def component(name: str, *debs: Deb, distribution: str = "stable", repoid: str = "wild") -> DebComponent:
    return DebComponent(
        name=name,
        distribution=distribution,
        repoid=repoid,
        architectures=tuple(sorted({each.architecture for each in debs} - {"all"})),
        packages=tuple(sorted(each.uid for each in debs)),
    )


def release(*components: str, distribution: str = "stable", repoid: str = "wild", **fields: object) -> DebRelease:
    return DebRelease(distribution=distribution, repoid=repoid, components=components, **fields)


ZOO, KEEPER, FOOD = deb("zoo", depends="keeper"), deb("keeper", architecture="all"), deb("food")
SOURCE = [
    ZOO,
    KEEPER,
    FOOD,
    component("main", ZOO, KEEPER),
    component("contrib", FOOD),
    release("contrib", "main", label="Wild"),
]


def copied(units: list[Unit], held: list[Unit] = [], **config: object) -> list[Unit]:  # noqa: B006 - nobody changes it
    conduit = CopyInMemory(SOURCE, held, DebImporter.configure(config))
    return list(DebImporter().copy(conduit, units))


def named(units: list[Unit]) -> dict[str, list[str]]:
    """Return the names of packages that each component lists."""
    names = {unit.uid: unit.name for unit in [*SOURCE, *units] if isinstance(unit, Deb)}
    return {
        f"{unit.distribution}/{unit.name}": sorted(names[uid] for uid in unit.packages)
        for unit in units
        if isinstance(unit, DebComponent)
    }


def test_a_copy_of_all_has_the_same_shape_in_its_own_name() -> None:
    units = copied(SOURCE)

    assert named(units) == {"stable/main": ["keeper", "zoo"], "stable/contrib": ["food"]}
    assert units[-1] == release("contrib", "main", repoid="zoo", label="Wild", architectures=("amd64",))
    assert {unit.repoid for unit in units if not isinstance(unit, Deb)} == {"zoo"}


def test_a_package_alone_goes_to_the_default_component() -> None:
    units = copied([FOOD])

    assert named(units) == {"default/all": ["food"]}
    assert units[0] is FOOD
    assert units[-1] == release("all", distribution="default", repoid="zoo", architectures=("amd64",))


def test_a_package_that_the_destination_lists_already_stays_where_it_is() -> None:
    units = copied([FOOD], held=[component("own", FOOD, repoid="zoo")])

    assert units == [FOOD]


def test_a_release_brings_its_components_and_packages_unless_told_otherwise() -> None:
    assert named(copied([SOURCE[-1]])) == {"stable/contrib": ["food"], "stable/main": ["keeper", "zoo"]}
    assert copied([SOURCE[-1]], copy_children=False) == [release(repoid="zoo", label="Wild")]


def test_a_component_without_its_children_lists_what_the_destination_has() -> None:
    units = copied([SOURCE[3]], held=[KEEPER], copy_children=False)

    assert named(units) == {"stable/main": ["keeper"]}


def test_packages_come_to_those_that_a_component_of_the_destination_lists() -> None:
    units = copied(
        [SOURCE[4]], held=[ZOO, component("contrib", ZOO, repoid="zoo"), release("contrib", repoid="zoo", label="Own")]
    )

    assert named(units) == {"stable/contrib": ["food", "zoo"]}


def test_packages_bring_what_they_depend_on_when_that_is_asked_for() -> None:
    units = copied([ZOO], recursive=True)

    assert [unit.name for unit in units if isinstance(unit, Deb)] == ["zoo", "keeper"]
    assert named(units) == {"default/all": ["keeper", "zoo"]}


@pytest.mark.parametrize(
    ("metadata", "place"),
    [
        ({}, "default/all"),
        ({"distribution": "stable"}, "stable/main"),
        ({"release": "stable", "component": "own/part"}, "stable/own/part"),
    ],
)
def test_an_uploaded_package_is_listed_where_the_client_says(tmp_path: Path, metadata, place: str) -> None:
    units = uploaded(tmp_path, build_deb("cat", "1:2.0-1", "arm64").data, metadata=metadata)

    cat, listing, described = units
    assert isinstance(cat, Deb)
    assert (cat.name, cat.version, cat.size) == ("cat", "1:2.0-1", cat.held_files[0].fetched.size)
    assert cat.held_files[0].path == "cat_2.0-1_arm64.deb"
    assert cat.document is not None
    assert cat.document.endswith(f"Size: {cat.size}\nSHA256: {cat.checksum}\n".encode())
    assert f"{listing.distribution}/{listing.name}" == place
    assert (listing.packages, listing.architectures) == ((cat.uid,), ("arm64",))
    assert (described.distribution, described.components) == (listing.distribution, (listing.name,))


def test_an_upload_joins_what_is_there(tmp_path: Path) -> None:
    held = [
        component("main", ZOO, repoid="zoo"),
        release("contrib", "main", repoid="zoo", label="Own", architectures=("i386",)),
    ]

    cat, listing, described = uploaded(tmp_path, build_deb("cat").data, held, metadata={"distribution": "stable"})

    assert set(listing.packages) == {ZOO.uid, cat.uid}
    assert described == release("contrib", "main", repoid="zoo", label="Own", architectures=("i386",))


@pytest.mark.parametrize(
    ("data", "key", "metadata", "why"),
    [
        (b"junk", {}, {}, "the upload is no Debian package"),
        (build_deb("cat").data, {"name": "dog"}, {}, "name is 'cat', not 'dog'"),
        (build_deb("cat").data, {"version": "1.0", "checksum": "ab"}, {}, "checksum is '[0-9a-f]{64}', not 'ab'"),
        (build_deb("cat").data, {}, {"component": 5}, "have a component that is no text"),
        (build_deb("cat").data, {}, {"component": "../x"}, "the package cannot be put there: name: "),
        (build_deb("../cat").data, {}, {}, "the control file of the upload is not what it should be: name: "),
        (build_deb("cat", control_text=b"Package: cat\n\nVersion: 1\n").data, {}, {}, "more than one paragraph"),
        (build_deb("cat", control_text=b"nonsense").data, {}, {}, "is no field"),
    ],
)
def test_an_upload_that_is_not_what_it_should_be_is_refused(tmp_path: Path, data: bytes, key, metadata, why: str) -> None:
    with pytest.raises(PluginError, match=why):
        uploaded(tmp_path, data, key=key, metadata=metadata)


def test_components_are_not_uploaded() -> None:
    with pytest.raises(PluginError, match="they come with the packages they list"):
        DebImporter().upload(HeldInMemory(), DebComponent, FetchedFile(Path(), "", 0), {}, {})


def uploaded(folder: Path, data: bytes, held: list[Unit] = [], *, key=None, metadata=None) -> list[Unit]:  # noqa: B006 - as above
    path = folder / "upload"
    path.write_bytes(data)
    upload = FetchedFile(path, hashlib.sha256(data).hexdigest(), len(data))
    conduit = HeldInMemory(DebImporter.configure({}), held)
    return list(DebImporter().upload(conduit, Deb, upload, key or {}, metadata or {}))

"""What the yum_importer brings along when units are copied, with conduits in memory."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from tests.builders.rpm import RpmPackage
from tests.builders.yum_feed import EVERYTHING, FISH, WALRUS, WHALE, feed_files
from tests.plugins.conftest import CopyInMemory

from entrepot_rpm.dependencies import Relation, _alternatives, _satisfies
from entrepot_rpm.importer import YumImporter
from entrepot_rpm.units import Erratum, Modulemd, PackageCategory, PackageGroup, Rpm, YumMetadataFile

OLD_WHALE = RpmPackage(name="whale", version="0.9")
SEAL = RpmPackage(name="seal", requires=["(walrus or penguin)"])


@pytest.fixture(scope="module")
def feed(tmp_path_factory) -> dict[str, bytes]:
    packages = [WALRUS, WHALE, OLD_WHALE, FISH, SEAL]
    return feed_files(tmp_path_factory.mktemp("zoo"), packages, metadata=EVERYTHING)


@pytest.fixture
def source(imported, feed):
    """The units of the source, as if they were read from the store."""
    units, _ = imported(YumImporter, feed)
    for row, unit in enumerate(units, 1):
        unit.keep_stored(row, {})
    return units


def copied(source, chosen: Iterable[object], held=(), **config: object):
    """Return what comes along, packages as name-version; `chosen` are units of the source."""
    importer = YumImporter()
    settings = importer.configure(config)
    ctx = CopyInMemory(source, held, settings)
    ctx.repository_id = "aquarium"
    as_they_are = importer.copies_as_they_are(settings)
    chosen = list(chosen)
    shown = [unit for unit in chosen if not isinstance(unit, as_they_are)]
    return [unit for unit in chosen if isinstance(unit, as_they_are)] + list(importer.copy(ctx, shown))


def of_type(units, unit_type, **fields: object):
    return [
        unit
        for unit in units
        if isinstance(unit, unit_type) and all(getattr(unit, key) == value for key, value in fields.items())
    ]


def names(units) -> list[str]:
    return sorted(f"{unit.name}-{unit.version}" for unit in units if isinstance(unit, Rpm))


def test_packages_come_alone_unless_their_requirements_are_asked_for(source):
    walrus = of_type(source, Rpm, name="walrus")

    assert names(copied(source, walrus)) == ["walrus-5.21"]
    assert names(copied(source, walrus, recursive=True)) == ["fish-1.0", "walrus-5.21", "whale-2.0"]


def test_requirements_of_requirements_come_and_a_package_comes_once(source):
    seal = of_type(source, Rpm, name="seal")

    assert names(copied(source, seal, recursive=True)) == ["fish-1.0", "seal-1.0", "walrus-5.21", "whale-2.0"]


def test_conservative_copies_leave_out_what_the_repository_has(source):
    walrus = of_type(source, Rpm, name="walrus")
    held = of_type(source, Rpm, name="whale", version="2.0")

    assert names(copied(source, walrus, held, recursive_conservative=True)) == ["fish-1.0", "walrus-5.21"]


def test_an_advisory_and_a_module_bring_the_very_packages_that_they_list(source):
    for unit_type in (Erratum, Modulemd):
        chosen = of_type(source, unit_type)

        assert names(copied(source, chosen)) == ["walrus-5.21"]
        assert names(copied(source, chosen, copy_children=False)) == []


def test_a_group_and_a_category_come_as_units_of_the_repository_with_the_newest_packages(source):
    for unit_type in (PackageGroup, PackageCategory):
        came = copied(source, of_type(source, unit_type))

        assert [group.repo_id for group in of_type(came, PackageGroup)] == ["aquarium"]
        assert names(came) == ["fish-1.0", "walrus-5.21", "whale-2.0"]


def test_metadata_of_an_unknown_kind_becomes_the_repositorys_own(source):
    (came,) = copied(source, of_type(source, YumMetadataFile))

    assert (came.data_type, came.repo_id) == ("productid", "aquarium")


def test_an_advisory_is_united_with_the_one_that_the_repository_holds(source):
    (erratum,) = of_type(source, Erratum)
    package = {**erratum.pkglist[0]["packages"][0], "name": "seal"}
    held = erratum.model_copy(update={"pkglist": [{**erratum.pkglist[0], "packages": [package]}]})

    came = of_type(copied(source, [erratum], [held]), Erratum)[0]

    assert {package["name"] for package in came.pkglist[0]["packages"]} == {"seal", "walrus"}


def test_packages_that_the_rules_about_signatures_do_not_let_in_are_left_out(source):
    chosen = of_type(source, Rpm)
    signed = chosen[0].model_copy(update={"signing_key": "55667788"})

    assert names(copied(source, [signed, *chosen[1:]], require_signature=True)) == names([signed])


@pytest.mark.parametrize(
    ("provided", "required", "is_enough"),
    [
        (Relation("a"), Relation("a", "GE", "0", "9"), True),
        (Relation("a", "EQ", "0", "1.0", "1"), Relation("a", "EQ", "0", "1.0"), True),
        (Relation("a", "EQ", "0", "1.0", "1"), Relation("a", "GT", "0", "1.0", "1"), False),
        (Relation("a", "EQ", "1", "1.0"), Relation("a", "GE", "0", "2.0"), True),
        (Relation("a", "EQ", "0", "1.0"), Relation("a", "LT", "0", "1.0"), False),
        (Relation("a", "LE", "0", "1.0"), Relation("a", "GE", "0", "1.0"), True),
        (Relation("a", "LT", "0", "1.0"), Relation("a", "GE", "0", "1.0"), False),
        (Relation("a", "EQ", "0", "1.0~rc1"), Relation("a", "GE", "0", "1.0"), False),
    ],
)
def test_versions_are_compared_as_rpm_does(provided, required, is_enough):
    assert _satisfies(provided, required) is is_enough


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("(a >= 1:2-3 and b)", [[Relation("a", "GE", "1", "2", "3")], [Relation("b")]]),
        ("(a or b)", [[Relation("a"), Relation("b")]]),
        ("(a if b)", [[Relation("a")]]),
        ("(perl(X::Y) with perl(Z))", [[Relation("perl(X::Y)")], [Relation("perl(Z)")]]),
    ],
)
def test_rich_dependencies_are_read_until_a_condition(text, asked):
    assert list(_alternatives((text, None, None, None, None, False))) == asked

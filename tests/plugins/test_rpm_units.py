"""The builder of packages, the order of versions, and documents."""

from __future__ import annotations

import subprocess
from itertools import pairwise

import pytest
from tests.builders.repodata import generate
from tests.builders.rpm import write_rpm
from tests.builders.yum_feed import SOURCE, WALRUS

from entrepot_rpm.headers import signing_key
from entrepot_rpm.importer import YumImporter
from entrepot_rpm.snippets import pack, pack_many, unpack
from entrepot_rpm.versions import version_order


def test_rpm_finds_the_digests_of_built_packages_right(client_program, tmp_path):
    paths = [write_rpm(tmp_path, package) for package in (WALRUS, SOURCE)]

    checked = subprocess.run([client_program("rpm"), "-K", *paths], capture_output=True, text=True, check=True)

    assert checked.stdout.count("digests OK") == 2
    assert signing_key(paths[0]) is None


@pytest.mark.parametrize(
    "versions",
    [
        ["1.0~rc1", "1.0", "1.0^git1", "1.0.1"],
        ["1.a", "1.1", "1.1a", "1.1.1"],
        ["2", "10", "10.0001", "10.2", "10.10"],
        ["a", "b", "1"],
        ["1~~a", "1~a", "1", "1^", "1^a", "1.0"],
    ],
)
def test_versions_sort_as_rpm_sorts_them(versions):
    orders = [version_order(version) for version in versions]

    assert all(older < newer for older, newer in pairwise(orders))


def test_separators_and_leading_zeros_do_not_count():
    assert version_order("1.02_3") == version_order("1-2..3")


def test_documents_are_packed_alone_and_many_at_once_alike():
    snippets = (b"<a/>", b"", b"<c>%s</c>" % (b"x" * 1000))

    assert unpack(pack(*snippets)) == snippets
    assert [unpack(document) for document in pack_many([snippets, snippets])] == [snippets, snippets]


def test_generated_metadata_is_what_the_importer_reads(imported, tmp_path):
    folder = generate(tmp_path / "feed", 30, changed=1)
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    units, refused = imported(YumImporter, files)

    assert refused == {}
    assert [unit.version for unit in units] == ["2.0"] + ["1.0"] * 29
    assert unpack(units[5].document)[1].count(b"<file>") == 40

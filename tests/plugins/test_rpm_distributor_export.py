"""What the export_distributor publishes: the tree, parts of it by date, archives of it, and the list of it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from typing import Any

import pytest

from entrepot.plugin import PluginError, RefusedConfiguration
from entrepot_rpm.distributor import YumDistributor
from entrepot_rpm.export import ExportDistributor
from entrepot_rpm.repodata import read_repomd
from entrepot_rpm.snippets import pack
from entrepot_rpm.units import Erratum, Rpm

REPOMD = "repodata/repomd.xml"
DAY = 86_400
Publish = Callable[..., Any]


def package(name: str, data: bytes, time: int = 0) -> Rpm:
    checksum = hashlib.sha256(data).hexdigest()
    head = f'<package pkgid="{checksum}" name="{name}" arch="noarch">\n</package>\n'.encode()
    return Rpm(
        name=name,
        epoch="0",
        version="1",
        release="1",
        arch="noarch",
        checksumtype="sha256",
        checksum=checksum,
        size=len(data),
        time=time,
        filename=f"{name}.rpm",
        relativepath=f"{name}.rpm",
    ).with_document(pack(head, head, head))


FILES = {"lion.rpm": b"roar" * 400_000, "bear.rpm": b"growl" * 80_000, "old.rpm": b"moan"}
OLD = package("old", FILES["old.rpm"], time=10 * DAY)
UNITS = [
    package("lion", FILES["lion.rpm"], time=30 * DAY),
    package("bear", FILES["bear.rpm"], time=20 * DAY),
    OLD,
    Erratum(id="ZOO-1", title="Old", issued="1970-01-05 00:00:00"),
    Erratum(id="ZOO-2", title="New", issued="1970-01-05", updated="1970-01-25 12:00:00 UTC"),
    Erratum(id="ZOO-3", title="Of no day", issued="some day"),
]


def listed(publication: Any, path: str) -> dict[str, tuple[str, int]]:
    rows = csv.reader(publication.files[path].decode().splitlines())
    return {name: (sha256, int(size)) for name, sha256, size in rows}


def test_without_more_the_tree_is_that_of_the_yum_distributor(published: Publish) -> None:
    assert published(ExportDistributor, UNITS).files == published(YumDistributor, UNITS).files


@pytest.mark.parametrize(
    ("dates", "names"),
    [
        ({"start_date": "1970-01-15"}, ["bear.rpm", "lion.rpm"]),
        ({"end_date": "1970-01-21T00:00:00Z"}, ["bear.rpm", "old.rpm"]),
        ({"start_date": "1970-01-15", "end_date": "1970-01-25T00:00:00+01:00"}, ["bear.rpm"]),
    ],
)
def test_only_what_is_of_the_time_that_is_asked_for_is_published(
    published: Publish, dates: dict[str, str], names: list[str]
) -> None:
    publication = published(ExportDistributor, UNITS, incremental_export_repomd=True, **dates)

    packages = [path.rpartition("/")[2] for path in sorted(publication.files) if path.startswith("Packages/")]
    assert packages == names
    assert "updateinfo" in read_repomd(publication.files[REPOMD])


def test_of_some_time_each_unit_is_described_beside_its_file_unless_repodata_is_asked_for(published: Publish) -> None:
    publication = published(ExportDistributor, UNITS, start_date="1970-01-15")

    assert sorted(publication.files) == [
        *("Packages/b/bear.rpm", "Packages/b/bear.rpm.json", "Packages/l/lion.rpm", "Packages/l/lion.rpm.json"),
        *("errata/ZOO-2.json", "errata/ZOO-3.json"),
    ]
    document = json.loads(publication.files["Packages/b/bear.rpm.json"])
    assert document["unit_key"]["name"] == "bear"
    assert document["unit_metadata"]["filename"] == "bear.rpm"


def test_the_manifest_lists_every_file_and_packages_need_not_be_here_for_it(published: Publish) -> None:
    publication = published(ExportDistributor, UNITS, manifest=True)

    found = listed(publication, "PULP_MANIFEST")

    assert found.keys() == publication.files.keys() - {"PULP_MANIFEST"}
    assert found["Packages/b/bear.rpm"] == (hashlib.sha256(FILES["bear.rpm"]).hexdigest(), 400_000)
    repomd = publication.files[REPOMD]
    assert found[REPOMD] == (hashlib.sha256(repomd).hexdigest(), len(repomd))


def test_the_tree_is_packed_into_archives_of_the_size_that_is_asked_for(published: Publish) -> None:
    publication = published(
        ExportDistributor, UNITS, stored=FILES, image_format="tar", iso_size=1, iso_prefix="zoo", manifest=True
    )

    images = listed(publication, "images/PULP_MANIFEST")
    assert list(images) == ["zoo-2026-01-01T00.00-01.tar", "zoo-2026-01-01T00.00-02.tar", "zoo-2026-01-01T00.00-03.tar"]
    packed: dict[str, bytes] = {}
    sizes = []
    for name, (sha256, size) in images.items():
        data = publication.files[f"images/{name}"]
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (sha256, size)
        sizes.append(size)
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for entry in archive:
                stream = archive.extractfile(entry)
                assert stream is not None
                packed[entry.name] = stream.read()
    assert packed["Packages/l/lion.rpm"] == FILES["lion.rpm"]  # larger than an image: alone in one that is
    assert [size <= 2**20 for size in sizes] == [True, False, True]
    made = {path: data for path, data in publication.files.items() if path.startswith("repodata/")}
    assert {path: packed[path] for path in made} == made
    assert packed.keys() == made.keys() | {"Packages/b/bear.rpm", "Packages/l/lion.rpm", "Packages/o/old.rpm"}
    assert "images/zoo-2026-01-01T00.00-01.tar" in listed(publication, "PULP_MANIFEST")


def test_an_archive_of_what_has_not_been_downloaded_is_refused(published: Publish) -> None:
    with pytest.raises(PluginError, match="has not been downloaded"):
        published(ExportDistributor, UNITS, image_format="tar")


@pytest.mark.parametrize("config", [{"manifest": True, "image_format": "tar"}, {"start_date": "1970-01-01", "manifest": True}])
def test_exporting_on_top_of_what_was_leaves_nothing_of_it(published: Publish, config: dict[str, Any]) -> None:
    before = published(ExportDistributor, UNITS, stored=FILES, **config)
    before.revision = 0  # so that the date, which archives are named by, is the same once more
    now = [unit for unit in UNITS if unit is not OLD and unit.name_value != "ZOO-3"]

    after = published(ExportDistributor, now, before, stored=FILES, **config)

    assert after.files == published(ExportDistributor, now, stored=FILES, **config).files


@pytest.mark.parametrize(
    ("config", "field", "why"),
    [
        ({"export_dir": "/srv/export"}, "export_dir", "served below relative_url"),
        ({"start_date": "yesterday"}, "start_date", "no date of ISO 8601"),
        ({"start_date": "2026-02-01", "end_date": "2026-01-01"}, "end_date", "before start_date"),
        ({"iso_size": 0}, "iso_size", "1 or more"),
        ({"iso_prefix": "a/b"}, "iso_prefix", "pattern"),
    ],
)
def test_a_wrong_key_of_an_export_is_refused_by_its_name(config: dict[str, Any], field: str, why: str) -> None:
    with pytest.raises(RefusedConfiguration, match=f"{field}: .*{why}"):
        ExportDistributor.configure(config)

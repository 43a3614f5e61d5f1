"""Uploads to a yum repository, with a conduit in memory."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from tests.builders.rpm import build_rpm
from tests.builders.yum_feed import COMPS, MODULES, SOURCE, UPDATEINFO, WALRUS
from tests.plugins.conftest import HeldInMemory

from entrepot.plugin import FetchedFile, PluginError
from entrepot_rpm.importer import YumImporter
from entrepot_rpm.snippets import unpack
from entrepot_rpm.units import (
    Drpm,
    Erratum,
    Modulemd,
    ModulemdDefaults,
    PackageCategory,
    PackageGroup,
    Rpm,
    Srpm,
    YumMetadataFile,
)


@pytest.fixture
def uploaded(tmp_path: Path):
    def upload(unit_type, data: bytes = b"", key=None, metadata=None, held=(), **config: Any):
        path = tmp_path / "upload"
        path.write_bytes(data)
        file = FetchedFile(path, hashlib.sha256(data).hexdigest(), len(data))
        ctx = HeldInMemory(YumImporter.configure(config), held)
        return list(YumImporter().upload(ctx, unit_type, file, key or {}, metadata or {}))

    return upload


@pytest.mark.parametrize(("package", "unit_type"), [(WALRUS, Rpm), (SOURCE, Srpm)])
def test_a_package_is_what_its_header_says(uploaded, package, unit_type):
    data = build_rpm(package)

    (unit,) = uploaded(unit_type, data)

    assert isinstance(unit, unit_type)
    assert (unit.name, unit.version, unit.checksum) == (package.name, package.version, hashlib.sha256(data).hexdigest())
    assert [held.path for held in unit.held_files] == [package.filename]
    assert f'<location href="Packages/w/{package.filename}"/>'.encode() in unpack(unit.document)[0]


def test_a_package_may_be_told_by_another_checksum(uploaded):
    data = build_rpm(WALRUS)

    (unit,) = uploaded(Rpm, data, checksum_type="sha1")

    sha1 = hashlib.sha1(data, usedforsecurity=False).hexdigest()
    assert (unit.checksumtype, unit.checksum) == ("sha1", sha1)
    assert f'<checksum type="sha1" pkgid="YES">{sha1}</checksum>'.encode() in unpack(unit.document)[0]


@pytest.mark.parametrize(
    ("data", "key", "config", "words"),
    [
        (b"", {}, {}, "empty"),
        (b"no package", {}, {}, "no rpm package"),
        (build_rpm(WALRUS)[:200], {}, {}, "rpm package"),
        (build_rpm(WALRUS), {"name": "seal"}, {}, "unit key"),
        (build_rpm(WALRUS), {}, {"require_signature": True}, "not signed"),
        (build_rpm(WALRUS), {"checksumtype": "md5"}, {}, "too weak"),
    ],
)
def test_what_is_no_package_or_may_not_come_in_is_refused(uploaded, data, key, config, words):
    with pytest.raises(PluginError, match=words):
        uploaded(Rpm, data, key, **config)


def test_a_name_that_leaves_the_repository_is_refused(uploaded):
    with pytest.raises(PluginError, match="leaves its folder"):
        uploaded(Rpm, build_rpm(WALRUS), metadata={"filename": "../walrus.rpm"})


def test_an_advisory_comes_from_fields_or_from_a_file_and_is_united_with_the_held_one(uploaded):
    fields = {"title": "Seals", "from": "a@example.test", "updated": "2026-02-01", "pkglist": []}

    (from_file,) = uploaded(Erratum, UPDATEINFO)
    (from_fields,) = uploaded(Erratum, key={"id": "ZOO-2026:1"}, metadata=fields, held=[from_file])

    assert (from_file.id, from_file.title) == ("ZOO-2026:1", "Walrus")
    assert (from_fields.title, from_fields.errata_from) == ("Seals", "a@example.test")
    assert from_fields.pkglist == from_file.pkglist


def test_groups_come_from_fields_or_from_a_comps_file_and_belong_to_the_repository(uploaded):
    (group,) = uploaded(PackageGroup, key={"id": "sea", "repo_id": "zoo"}, metadata={"mandatory_package_names": ["walrus"]})
    units = uploaded(PackageGroup, COMPS)

    assert (group.repo_id, group.package_names) == ("zoo", {"walrus"})
    assert [unit.id for unit in units if isinstance(unit, PackageCategory)] == ["all"]
    with pytest.raises(PluginError, match="comes into 'zoo'"):
        uploaded(PackageGroup, key={"id": "sea", "repo_id": "other"})


def test_modules_come_from_fields_or_from_yaml(uploaded):
    key = {"name": "sea", "stream": "1.10", "version": 3, "context": "ab", "arch": "noarch"}
    metadata = {"summary": "The sea", "artifacts": ["walrus-1:5.21-1.noarch"], "profiles": {"default": ["walrus"]}}

    (module,) = uploaded(Modulemd, key=key, metadata=metadata)
    units = uploaded(Modulemd, MODULES)

    assert (module.stream, module.version, module.artifacts) == ("1.10", 3, ["walrus-1:5.21-1.noarch"])
    assert b"document: modulemd\n" in module.document
    assert [type(unit).type_id for unit in units] == ["modulemd", "modulemd_defaults", "modulemd_obsoletes"]
    (defaults,) = uploaded(ModulemdDefaults, key={"name": "sea", "repo_id": "zoo"}, metadata={"stream": "1.10"})
    assert (defaults.name, defaults.stream, defaults.repo_id) == ("sea", "1.10", "zoo")


def test_metadata_of_an_unknown_kind_is_the_file_itself(uploaded):
    (unit,) = uploaded(
        YumMetadataFile, b"certificate", {"data_type": "productid", "repo_id": "zoo"}, {"filename": "productid.pem"}
    )

    assert (unit.data_type, unit.size, [held.path for held in unit.held_files]) == ("productid", 11, ["productid.pem"])


def test_deltas_cannot_be_uploaded(uploaded):
    with pytest.raises(PluginError, match="by a sync only"):
        uploaded(Drpm, b"x")

"""Yum repositories in an engine: synced, thinned out, copied, and uploaded to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import createrepo_c
import pytest

from entrepot.criteria import UnitCriteria
from entrepot.engine import Engine
from entrepot.plugin.segments import members
from entrepot.repositories import PublishedFile, Repository
from entrepot.settings import Settings
from tests.builders.repodata import generate
from tests.builders.rpm import RpmPackage, build_rpm
from tests.builders.yum_feed import EVERYTHING, FISH, TREEINFO, WALRUS, WHALE, feed_files
from tests.integration.repositories.conftest import Feed, run

OLDER = [RpmPackage(name="whale", version=version) for version in ("1.9", "1.10", "1.10~rc1")]


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    with Engine(settings=settings.model_copy(update={"fetch_retries": 0})) as made:
        made.initialise()
        yield made


def yum(engine: Engine, repository_id: str, **config: object) -> Repository:
    return engine.repositories.create(repository_id, importer_type_id="yum_importer", importer_config=config)


def counts(repository: Repository) -> dict[str, int]:
    return repository.report().content_unit_counts


def packages(repository: Repository) -> list[str]:
    found = repository.search_units(UnitCriteria(type_ids=["rpm"]))
    return sorted(f"{unit.data['name']}-{unit.data['version']}" for unit in found)


@pytest.mark.parametrize("policy", ["immediate", "on_demand"])
def test_a_whole_feed_is_held_and_what_left_it_is_removed(engine: Engine, feed: Feed, tmp_path: Path, policy: str) -> None:
    tree = {".treeinfo": TREEINFO.split(b"[checksums]")[0], "drpms/whale-1.0-1_2.0-1.noarch.drpm": b"delta"}
    metadata = {kind: data for kind, data in EVERYTHING.items() if kind != "prestodelta"}
    feed.files = feed_files(tmp_path / "one", [WALRUS, WHALE, FISH], tree, metadata=metadata)
    zoo = yum(engine, "zoo", feed=feed.url, download_policy=policy, remove_missing=True)

    first = run(engine, zoo.sync())
    held = counts(zoo)
    again = run(engine, zoo.sync())
    feed.files = feed_files(tmp_path / "two", [WALRUS, RpmPackage(name="whale", version="2.0", summary="Built again")])
    second = run(engine, zoo.sync())

    assert (first.state, first.error) == ("finished", None)
    assert held == {
        **dict.fromkeys(("erratum", "modulemd", "modulemd_defaults", "modulemd_obsoletes", "distribution"), 1),
        **dict.fromkeys(("package_group", "package_category", "package_environment", "package_langpacks"), 1),
        "yum_repo_metadata_file": 1,
        "rpm": 3,
    }
    assert again.result["added_count"] == again.result["removed_count"] == 0
    assert (second.result["updated_count"], counts(zoo)) == (1, {"rpm": 2})


def test_only_the_newest_versions_are_kept_in_the_order_of_rpm(engine: Engine, feed: Feed, tmp_path: Path) -> None:
    feed.files = feed_files(tmp_path / "feed", [*OLDER, WHALE, FISH])
    zoo = yum(engine, "zoo", feed=feed.url, retain_old_count=1)

    run(engine, zoo.sync())

    assert packages(zoo) == ["fish-1.0", "whale-1.10", "whale-2.0"]
    assert not any("rc1" in path for path in feed.requests), "what is not kept is not downloaded"


def test_a_feed_that_is_no_repository_changes_nothing(engine: Engine, feed: Feed, tmp_path: Path) -> None:
    feed.files = feed_files(tmp_path / "feed", [WHALE])
    zoo = yum(engine, "zoo", feed=feed.url, remove_missing=True)
    run(engine, zoo.sync())
    feed.files = {"repodata/repomd.xml": b"<html>Maintenance</html>"}

    report = run(engine, zoo.sync())

    assert report.state == "error"
    assert "lists no primary" in str(report.error)
    assert "Traceback" not in str(report.error)
    assert packages(zoo) == ["whale-2.0"]


def test_a_copy_brings_groups_as_its_own_and_what_packages_require(engine: Engine, feed: Feed, tmp_path: Path) -> None:
    feed.files = feed_files(tmp_path / "feed", [WALRUS, WHALE, *OLDER, FISH], metadata={"group": EVERYTHING["group"]})
    zoo, sea, pool = yum(engine, "zoo", feed=feed.url), yum(engine, "sea"), yum(engine, "pool")
    run(engine, zoo.sync())

    group = run(engine, sea.copy_from("zoo", UnitCriteria.parse({"type_ids": ["package_group"]})))
    walrus = UnitCriteria.parse({"type_ids": ["rpm"], "filters": {"unit": {"name": "walrus"}}})
    required = run(engine, pool.copy_from("zoo", walrus, {"recursive": True}))

    assert (group.state, required.state) == ("finished", "finished"), (group.error, required.error)
    assert [unit.data["repo_id"] for unit in sea.search_units(UnitCriteria(type_ids=["package_group"]))] == ["sea"]
    assert packages(sea) == packages(pool) == ["fish-1.0", "walrus-5.21", "whale-2.0"]


def test_an_uploaded_package_takes_the_place_of_an_earlier_build(engine: Engine) -> None:
    zoo = yum(engine, "zoo")

    for summary in ("Built", "Built again"):
        upload = engine.content.create_upload()
        engine.content.write_upload(upload.upload_id, 0, build_rpm(RpmPackage(name="walrus", summary=summary)))
        report = run(engine, zoo.import_upload(upload.upload_id, "rpm", {}))
        assert report.error is None

    (unit,) = zoo.search_units(UnitCriteria(type_ids=["rpm"]))
    assert (unit.data["summary"], unit.data["filename"]) == ("Built again", "walrus-1.0-1.noarch.rpm")


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_of_ten_thousand_packages_one_that_changed_costs_one_segment(engine: Engine, feed: Feed, tmp_path: Path) -> None:
    zoo = yum(engine, "zoo", feed=feed.url, download_policy="on_demand", remove_missing=True)
    zoo.add_distributor("yum_distributor", {"relative_url": "zoo"}, distributor_id="web")
    published = []
    for changed in (0, 1):
        root = generate(tmp_path / f"feed-{changed}", 10_000, level=1, changed=changed)
        feed.files = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.*")}
        assert run(engine, zoo.sync()).error is None
        assert run(engine, zoo.publish("web")).error is None
        published.append(files_of_repodata(engine, "zoo"))

    before, after = ({kind: members(path.read_bytes()) or [] for kind, path in files.items()} for files in published)
    found = createrepo_c.PackageIterator(
        **{f"{kind}_path": str(linked(tmp_path, path)) for kind, path in published[1].items()}, newpkgcb=None, warningcb=None
    )

    assert counts(zoo) == {"rpm": 10_000}
    assert sum(1 for _ in found) == 10_000
    for kind, parts in after.items():
        new = [part for part in parts if part not in before[kind]]
        assert len(parts) > 10
        assert 1 <= len(new) <= 3, kind  # where the package was, where it is now; and they may have met


def files_of_repodata(engine: Engine, base_path: str) -> dict[str, Path]:
    """Return where the bytes of the published primary, filelists and other lie."""
    repomd = createrepo_c.Repomd(str(stored(engine, f"{base_path}/repodata/repomd.xml")))
    kinds = ("primary", "filelists", "other")
    return {record.type: stored(engine, f"{base_path}/{record.location_href}") for record in repomd if record.type in kinds}


def stored(engine: Engine, path: str) -> Path:
    found = engine.repositories.published(path)
    assert isinstance(found, PublishedFile)
    assert found.file is not None
    return found.file


def linked(folder: Path, blob: Path) -> Path:
    """Return the blob under a name that says how it is packed, which createrepo_c goes by."""
    link = folder / f"{blob.name}.xml.gz"
    link.symlink_to(blob)
    return link

"""Paths that two units want: trees of two releases, as a feed leaves them that goes on; packages of odd file names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from entrepot.plugin import PluginError
from entrepot_rpm.distributor import YumDistributor
from entrepot_rpm.snippets import pack
from entrepot_rpm.units import Distribution, Rpm

Publish = Callable[..., Any]
TREEINFO = b"[general]\nfamily = Zoo\n"


def tree(version: str, timestamp: float | None, files: Mapping[str, int | None]) -> Distribution:
    """Return a tree as the repository holds it: path -> blob."""
    made = Distribution(id=f"zoo-{version}", family="Zoo", version=version, arch="x86_64", timestamp=timestamp, files=[])
    made.keep_stored(1, {".treeinfo": 1, **files})
    return made


NINE = tree("9.3", 1.0, {"images/boot.iso": 3, "images/old.img": 4})
TEN = tree("9.4", 2.0, {"images/boot.iso": 5})
UNDATED = tree("9.5", None, {"images/boot.iso": 6})
LATER = tree("9.10", None, {"images/boot.iso": 7})


def places(publication: Any) -> dict[str, object]:
    """Return which tree each path is of."""
    return {path: unit.version for path, unit in publication.files.items() if isinstance(unit, Distribution)}


def publish(published: Publish, *trees: Distribution, previous: Any = None) -> Any:
    return published(YumDistributor, trees, previous, stored={".treeinfo": TREEINFO})


def test_of_trees_that_have_the_same_paths_the_newest_is_published_and_each_path_is_put_once(published: Publish) -> None:
    publication = publish(published, TEN, NINE, UNDATED)

    assert places(publication) == {".treeinfo": "9.4", "images/boot.iso": "9.4", "images/old.img": "9.3"}
    assert publication.calls.count(("add", "images/boot.iso")) == 1


def test_of_trees_that_do_not_differ_in_age_the_one_of_the_highest_version_is_published(published: Publish) -> None:
    assert places(publish(published, LATER, UNDATED))["images/boot.iso"] == "9.10"


def test_a_tree_that_comes_or_goes_leaves_what_publishing_anew_would_make(published: Publish) -> None:
    steps = [(NINE,), (NINE, TEN), (TEN, NINE, UNDATED), (NINE, UNDATED), (UNDATED,), (LATER, UNDATED), (TEN,), ()]
    publication = None

    for held in steps:
        publication = publish(published, *held, previous=publication)

        assert places(publication) == places(publish(published, *held))
        assert len(publication.calls) == len(set(publication.calls)), "nothing is put twice"


def package(name: str, filename: str) -> Rpm:
    unit = Rpm(
        name=name,
        epoch="0",
        version="1",
        release="1",
        arch="noarch",
        checksumtype="sha256",
        checksum=name.encode().hex().ljust(64, "0"),
        filename=filename,
        relativepath=filename,
    )
    return unit.with_document(pack(f"<package><name>{name}</name></package>\n".encode(), b"", b""))


def test_two_packages_that_want_one_path_are_refused_whatever_they_are_called(published: Publish) -> None:
    fish, whale = package("fish", "latest.rpm"), package("whale", "latest.rpm")
    before = published(YumDistributor, [fish])

    with pytest.raises(PluginError, match=r"two packages want to be published as Packages/l/latest\.rpm"):
        published(YumDistributor, [fish, whale], before)
    assert published(YumDistributor, [whale], before).files["Packages/l/latest.rpm"] is whale

"""What else a yum repository has: deltas, installable trees, and files of the feed that are published as they are."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from entrepot_rpm.repodata import FOLDER, Record
from entrepot_rpm.units import Distribution, Drpm, YumMetadataFile
from entrepot_rpm.versions import Order, version_order
from entrepot_rpm.xml_text import add, document

if TYPE_CHECKING:
    from entrepot.plugin import PublishConduit
    from entrepot_rpm.repodata import Repodata
    from entrepot_rpm.selection import Selection

DELTAS = "prestodelta"
DELTA_FOLDER = "drpms"

#: Kinds of files that are made here, also those that other programs make of them; the feed's own would be out of date.
_MADE_HERE = re.compile(
    r"(primary|filelists|filelists_ext|other|updateinfo|group|modules|prestodelta|deltainfo)(_db|_zck|_gz|_xz|_zst|_bz2)?"
)
_REPODATA_LINE = re.compile(rb"(?m)^[ \t]*repodata/[^\n]*(\n|\Z)")  # a checksum that a treeinfo gives of the feed's repomd.xml


def publish_deltas(selection: Selection, repodata: Repodata) -> None:
    """Publish delta packages and the list of them."""
    pub = selection.pub
    if not selection.is_touched(Drpm):
        repodata.keep_if_there(DELTAS)
        return
    for drpm in selection.removed(Drpm):
        pub.remove(delta_path(drpm))
    for drpm in selection.added(Drpm):
        pub.add(delta_path(drpm), drpm)
    by_package = defaultdict[tuple[str, ...], list[Drpm]](list)
    for drpm in selection.units(Drpm):
        by_package[drpm.new_package, drpm.epoch, drpm.version, drpm.release, drpm.arch].append(drpm)
    if by_package:
        repodata.write(DELTAS, "prestodelta.xml", document(_deltas(by_package)))


def publish_distributions(selection: Selection) -> None:
    """Publish the files of installable trees under the paths that they had, and what describes them.

    A feed that goes on to its next release has a tree of another id under the same paths: the newest one has them.
    """
    pub = selection.pub
    if not selection.is_touched(Distribution):
        return
    held = list(selection.units(Distribution))
    come = {distribution.uid for distribution in selection.added(Distribution)}
    stayed = [distribution for distribution in held if distribution.uid not in come]
    before, now = _places([*stayed, *selection.removed(Distribution)]), _places(held)
    for path in before.keys() - now.keys():
        pub.remove(path)
    for path, distribution in now.items():
        if path not in before or before[path].uid != distribution.uid:
            _publish_tree_file(pub, distribution, path)


def publish_unknown_metadata(selection: Selection, repodata: Repodata) -> None:
    """Publish the metadata of the feed that nobody here knows, byte for byte; a kind that is made here is left out."""
    for unit in sorted(selection.units(YumMetadataFile), key=lambda unit: (unit.data_type, unit.repo_id)):
        if unit.data_type in repodata or _MADE_HERE.fullmatch(unit.data_type):
            continue
        name = unit.filename.rpartition("/")[2]
        href = f"{FOLDER}/{name if unit.checksum in name else f'{unit.checksum}-{name}'}"
        repodata.add(
            Record(
                kind=unit.data_type,
                href=href,
                checksum_type=unit.checksumtype,
                checksum=unit.checksum,
                size=unit.size,
                open_checksum=unit.open_checksum,
                open_size=unit.open_size,
            ),
            unit,
            unit.filename,
        )


def _places(distributions: Iterable[Distribution]) -> dict[str, Distribution]:
    """Return which tree is published under each path: of those that have it, the newest."""
    ordered = sorted(distributions, key=_age)
    return {
        path: distribution
        for distribution in ordered
        for path in distribution.stored_files
        if not path.startswith(f"{FOLDER}/")
    }


def _age(distribution: Distribution) -> tuple[float, Order, str]:
    return distribution.timestamp or 0, version_order(distribution.version), distribution.uid


def _publish_tree_file(pub: PublishConduit, distribution: Distribution, path: str) -> None:
    if path == distribution.treeinfo:
        text = pub.read_file(distribution, path)
        mended = _REPODATA_LINE.sub(b"", text)
        if mended != text:
            pub.write(path, mended)
            return
    pub.add(path, distribution, path)


def _deltas(by_package: dict[tuple[str, ...], list[Drpm]]) -> Element:
    root = Element("prestodelta")
    for (name, epoch, version, release, arch), drpms in sorted(by_package.items()):
        package = add(root, "newpackage", name=name, epoch=epoch, version=version, release=release, arch=arch)
        for drpm in sorted(drpms, key=lambda drpm: (drpm.filename, drpm.checksum)):
            delta = add(package, "delta", oldepoch=drpm.oldepoch, oldversion=drpm.oldversion, oldrelease=drpm.oldrelease)
            add(delta, "filename", delta_path(drpm))
            add(delta, "sequence", drpm.sequence)
            add(delta, "size", drpm.size)
            add(delta, "checksum", drpm.checksum, type=drpm.checksumtype)
    return root


def delta_path(drpm: Drpm) -> str:
    """Return where a delta package is published."""
    return f"{DELTA_FOLDER}/{drpm.filename.rpartition('/')[2]}"

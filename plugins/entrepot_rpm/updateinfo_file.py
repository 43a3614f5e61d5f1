"""updateinfo.xml: the advisories, in segments by their ids.

The layout is that of createrepo_c; written here, for createrepo_c's library knows neither SHA-1 sums nor all dates that
feeds have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element
from xml.sax.saxutils import unescape

from entrepot_rpm.package_files import PACKAGE_TYPES
from entrepot_rpm.repodata import same_checksum_type
from entrepot_rpm.segmented import Layout, write_segmented
from entrepot_rpm.units import Erratum, Package
from entrepot_rpm.xml_text import add, clean, piece

if TYPE_CHECKING:
    from entrepot_rpm.checksums import Checksums
    from entrepot_rpm.repodata import Repodata
    from entrepot_rpm.selection import Selection

KIND = "updateinfo"
_LAYOUT = Layout(KIND, "updateinfo.xml.gz", '<?xml version="1.0" encoding="UTF-8"?>\n<updates>\n', "</updates>\n")
_ID = re.compile(rb"<id>([^<]*)</id>")  # only an advisory has one; that of a reference is an attribute
_SUGGESTIONS = ("reboot_suggested", "restart_suggested", "relogin_suggested")
_Sums = dict[str, tuple[str, str]]  # nevra -> type and digest


class _Errata:
    """The advisories of a publication, as `segmented` asks for them."""

    layouts = (_LAYOUT,)

    def __init__(self, selection: Selection, checksums: Checksums) -> None:
        self._selection = selection
        self._checksums = checksums

    def all(self) -> Iterator[tuple[bytes, list[tuple[Erratum, _Sums]]]]:
        return self._grouped(self._selection.units(Erratum, by_name=True))

    def named(self, names: frozenset[bytes]) -> Iterator[tuple[bytes, list[tuple[Erratum, _Sums]]]]:
        found = self._selection.units(Erratum, names=[name.decode() for name in names])
        return self._grouped(sorted(found, key=_id_of))

    def texts(self, items: Sequence[tuple[Erratum, _Sums]]) -> tuple[bytes, ...]:
        return (b"".join(piece(_update(*item)) for item in items),)

    def names_in(self, text: bytes) -> set[bytes]:
        return {unescape(name.decode()).encode() for name in _ID.findall(text)}

    def _grouped(self, errata: Iterable[Erratum]) -> Iterator[tuple[bytes, list[tuple[Erratum, _Sums]]]]:
        for name, group in groupby(errata, _id_of):
            yield name, [(erratum, self._sums(erratum)) for erratum in group]

    def _sums(self, erratum: Erratum) -> _Sums:
        """Return the checksums of the packages that are told by another type than the advisory has."""
        wanted = self._checksums.checksum_type
        if wanted is None:
            return {}
        listed = [package for collection in erratum.pkglist for package in collection.get("packages") or ()]
        names = {package["name"] for package in listed if not _has_sum(package, wanted) and package.get("name")}
        held: list[Package] = [
            unit for each in PACKAGE_TYPES if names for unit in self._selection.units(each, names=sorted(names))
        ]
        wanted_nevras = {_nevra(package) for package in listed}
        return {
            unit.nevra: self._checksums.in_place(unit) or (wanted, unit.checksum)
            for unit in held
            if unit.nevra in wanted_nevras
        }


def publish_errata(selection: Selection, repodata: Repodata, checksums: Checksums, *, packages_touched: bool) -> None:
    """Publish the advisories; no file if there are none.

    Raises:
        PluginError: a checksum is wanted that a package did not come with, and its bytes are not here.

    """
    changes: dict[bytes, int] | None = None
    if selection.pub.incremental and not (packages_touched and checksums.checksum_type is not None):
        changes = {}
        for sign, units in ((-1, selection.removed(Erratum)), (1, selection.added(Erratum))):
            for erratum in units:
                changes[_id_of(erratum)] = changes.get(_id_of(erratum), 0) + sign
        if not changes:
            repodata.keep_if_there(KIND)
            return
    if next(selection.units(Erratum), None) is not None:
        write_segmented(repodata, _Errata(selection, checksums), changes)


def _update(erratum: Erratum, sums: _Sums) -> Element:
    update = Element("update")
    sent_by = {"from": erratum.errata_from, "status": erratum.status, "type": erratum.type, "version": erratum.version}
    for name, value in sent_by.items():
        if value is not None:
            update.set(name, clean(value))
    add(update, "id", erratum.id)
    add(update, "title", erratum.title)
    for name, date in (("issued", erratum.issued), ("updated", erratum.updated)):
        if date:
            add(update, name, date=date)
    for name in ("rights", "release", "pushcount", "severity", "summary", "description", "solution"):
        value = getattr(erratum, name)
        if value is not None:
            add(update, name, value)
    if erratum.reboot_suggested:
        add(update, "reboot_suggested", "True")
    references = add(update, "references")
    for reference in erratum.references:
        add(references, "reference", **{key: reference.get(key) for key in ("href", "id", "title", "type")})
    packages = add(update, "pkglist")
    for collection in erratum.pkglist:
        _add_collection(packages, collection, sums)
    return update


def _add_collection(parent: Element, collection: dict[str, Any], sums: _Sums) -> None:
    element = add(parent, "collection", short=collection.get("short") or "")
    add(element, "name", collection.get("name") or "")
    module = collection.get("module")
    if module:
        add(element, "module", **{key: module.get(key) for key in ("name", "stream", "version", "context", "arch")})
    for package in collection.get("packages") or ():
        keys = ("name", "version", "release", "epoch", "arch", "src")
        listed = add(element, "package", **{key: package.get(key) for key in keys})
        add(listed, "filename", package.get("filename") or "")
        total = sums.get(_nevra(package)) or package.get("sum")
        if total:
            kind, digest = total
            add(listed, "sum", digest, type=kind)
        for name in _SUGGESTIONS:
            if package.get(name):
                add(listed, name, "True")


def _id_of(erratum: Erratum) -> bytes:
    return erratum.id.encode()


def _has_sum(package: dict[str, Any], checksum_type: str) -> bool:
    total: list[str] | None = package.get("sum")
    return total is not None and len(total) > 0 and same_checksum_type(total[0], checksum_type)


def _nevra(package: dict[str, Any]) -> str:
    name, version, release, arch = (package.get(key) for key in ("name", "version", "release", "arch"))
    return f"{name}-{package.get('epoch') or 0}:{version}-{release}.{arch}"

"""Primary, filelists and other: what a repository says of its packages, and where their files are published.

Each package brings its three pieces of XML along, see `snippets`, which were written when it was imported.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from xml.sax.saxutils import unescape

from entrepot.plugin import PluginError
from entrepot_rpm.segmented import Layout, write_segmented
from entrepot_rpm.snippets import location_of, unpack
from entrepot_rpm.units import Package, Rpm, Srpm

if TYPE_CHECKING:
    from entrepot_rpm.checksums import Checksums
    from entrepot_rpm.repodata import Repodata
    from entrepot_rpm.selection import Selection

PACKAGE_TYPES: tuple[type[Package], ...] = (Rpm, Srpm)

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_LINUX = "http://linux.duke.edu/metadata"
LAYOUTS = (
    Layout(
        "primary",
        "primary.xml.gz",
        f'{_HEAD}<metadata xmlns="{_LINUX}/common" xmlns:rpm="{_LINUX}/rpm" packages="{{count}}">\n',
        "</metadata>",
    ),
    Layout(
        "filelists", "filelists.xml.gz", f'{_HEAD}<filelists xmlns="{_LINUX}/filelists" packages="{{count}}">\n', "</filelists>"
    ),
    Layout("other", "other.xml.gz", f'{_HEAD}<otherdata xmlns="{_LINUX}/other" packages="{{count}}">\n', "</otherdata>"),
)

_NAME = re.compile(rb"<name>([^<]*)</name>")  # in primary only a package has one
_CHECKSUM = re.compile(rb"""<checksum\s[^<>]*\bpkgid=["']YES["'][^<>]*>[^<]*</checksum>""")
_PACKAGE_ID = re.compile(rb"""\bpkgid=("[^"]*"|'[^']*')""")


class _Item(NamedTuple):
    """One package: its document, and the checksum to tell in place of the one in it."""

    document: bytes
    checksum: tuple[str, str] | None


class _Packages:
    """The packages of a publication, as `segmented` asks for them."""

    layouts = LAYOUTS

    def __init__(self, selection: Selection, checksums: Checksums) -> None:
        self._selection = selection
        self._checksums = checksums

    def all(self) -> Iterator[tuple[bytes, list[_Item]]]:
        streams = [self._selection.units(each, by_name=True, documents=True) for each in PACKAGE_TYPES]
        return self._grouped(heapq.merge(*streams, key=_name_of), is_laid_out=not self._selection.pub.incremental)

    def named(self, names: frozenset[bytes]) -> Iterator[tuple[bytes, list[_Item]]]:
        texts = [name.decode() for name in names]
        found = [unit for each in PACKAGE_TYPES for unit in self._selection.units(each, names=texts, documents=True)]
        return self._grouped(sorted(found, key=_name_of), is_laid_out=False)

    def texts(self, items: Sequence[_Item]) -> tuple[bytes, ...]:
        return tuple(map(b"".join, zip(*map(_snippets, items), strict=True)))

    def names_in(self, text: bytes) -> set[bytes]:
        return {unescape(name.decode()).encode() for name in _NAME.findall(text)}

    def _grouped(self, units: Iterable[Package], *, is_laid_out: bool) -> Iterator[tuple[bytes, list[_Item]]]:
        for name, group in groupby(units, _name_of):
            packages = sorted(group, key=_order)
            if len(packages) > 1:
                _refuse_one_place(packages)
            if is_laid_out:
                for package in packages:
                    self._selection.pub.add(location_of(package.filename), package, package.filename)
            yield name, [self._item(package) for package in packages]

    def _item(self, package: Package) -> _Item:
        if package.document is None:
            msg = f"{package.nevra} lacks the metadata that it is published by; sync its repository again with force_full"
            raise PluginError(msg, package=package.nevra)
        return _Item(package.document, self._checksums.in_place(package))


def publish_packages(
    selection: Selection, repodata: Repodata, checksums: Checksums, *, copy_to: Path | None = None
) -> frozenset[str] | None:
    """Publish packages and what is said of them, and return the names by which modules list those that came or left.

    None: nothing was taken over. `checksums`: what packages are told by. `copy_to`: a folder that gets copies of the three
    files; a publication without a change writes none.

    Raises:
        PluginError: a checksum is wanted that a package did not come with, and its bytes are not here.

    """
    packages = _Packages(selection, checksums)
    pub = selection.pub
    if not pub.incremental:
        write_segmented(repodata, packages, None, copy_to=copy_to)
        return None
    changes, nevras, odd = dict[bytes, int](), set[str](), set[str]()
    for each in PACKAGE_TYPES:
        for package in selection.removed(each):
            pub.remove(location_of(package.filename))
            changes[_name_of(package)] = changes.get(_name_of(package), 0) - 1
            nevras.add(package.nevra)
    for each in PACKAGE_TYPES:
        for package in selection.added(each):
            pub.add(location_of(package.filename), package, package.filename)
            changes[_name_of(package)] = changes.get(_name_of(package), 0) + 1
            nevras.add(package.nevra)
            if package.filename != f"{package.name}-{package.version}-{package.release}.{package.arch}.rpm":
                odd.add(package.filename)  # a package of another name may be called so, too
    if odd:
        _refuse_one_place([unit for each in PACKAGE_TYPES for unit in selection.units(each) if unit.filename in odd])
    if changes or not repodata.keep(*(layout.kind for layout in LAYOUTS)):
        write_segmented(repodata, packages, changes, copy_to=copy_to)
    return frozenset(nevras)


def _refuse_one_place(packages: Iterable[Package]) -> None:
    """Refuse packages that are called the same and are not: a feed has none, but they can be copied from two of them."""
    seen: dict[str, Package] = {}
    for package in packages:
        other = seen.setdefault(package.filename, package)
        if other is not package:
            msg = (
                f"two packages want to be published as {location_of(package.filename)}: one with {other.checksumtype} "
                f"{other.checksum}, one with {package.checksumtype} {package.checksum}. Remove one of them from the repository."
            )
            raise PluginError(msg, path=location_of(package.filename))


def _snippets(item: _Item) -> tuple[bytes, bytes, bytes]:
    primary, filelists, other = unpack(item.document)
    if item.checksum is None:
        return primary, filelists, other
    kind, checksum = (text.encode() for text in item.checksum)
    package_id = b'pkgid="' + checksum + b'"'
    return (
        _replaced(_CHECKSUM, b'<checksum type="' + kind + b'" pkgid="YES">' + checksum + b"</checksum>", primary),
        _replaced(_PACKAGE_ID, package_id, filelists),
        _replaced(_PACKAGE_ID, package_id, other),
    )


def _replaced(pattern: re.Pattern[bytes], new: bytes, text: bytes) -> bytes:
    changed, count = pattern.subn(new, text, count=1)
    if count != 1:
        raise PluginError("the metadata of a package does not say its checksum where it should; sync with force_full")
    return changed


def _name_of(package: Package) -> bytes:
    return package.name.encode()


def _order(package: Package) -> tuple[str, ...]:
    """Return what puts packages of one name in an order that does not tell when they came."""
    return (package.epoch, package.version, package.release, package.arch, package.type_id, package.checksum)

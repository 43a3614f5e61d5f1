"""The texts that primary, filelists and other have of each package, side by side.

The three files are unpacked and cut (`compressed`), so that nothing is parsed and written again. Where the text cannot be
taken over like that (comments, CDATA, unusual namespaces), it is parsed and written anew: slower, and the same in the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from xml.etree.ElementTree import Element, tostring
from xml.parsers import expat

import createrepo_c
from defusedxml import DefusedXmlException, ElementTree

from entrepot.plugin import PluginError
from entrepot_rpm.compressed import LONGEST_ELEMENT, Elements, unpacked

if TYPE_CHECKING:
    from entrepot.plugin import FetchedFile
    from entrepot_rpm.feed import Record, Source

KINDS = ("primary", "filelists", "other")
_BATCH = 500  # packages that are read together
_MOST_PASSED = 64 * 2**20  # bytes of packages that are kept because primary has them later

_PKGID = re.compile(rb'<package\s[^<>]*?\bpkgid="([^"<>]*)"')
_SPACES = "http://linux.duke.edu/metadata"
_ROOTS: dict[str, dict[str, str]] = {
    "primary": {"": "metadata", "xmlns": f"{_SPACES}/common", "xmlns:rpm": f"{_SPACES}/rpm"},
    "filelists": {"": "filelists", "xmlns": f"{_SPACES}/filelists"},
    "other": {"": "otherdata", "xmlns": f"{_SPACES}/other"},
}
_PREFIXES = {f"{_SPACES}/{name}": "" for name in ("common", "filelists", "other")} | {f"{_SPACES}/rpm": "rpm:"}


@dataclass
class PackageFiles:
    """The three files of a generation; filelists and other may be missing."""

    files: dict[str, FetchedFile]
    records: dict[str, Record]
    source: Source
    modular: frozenset[tuple[str, ...]] = frozenset()  # the packages that modules list
    names: dict[str, str] = field(default_factory=dict)  # file name -> checksum of the packages so far
    places: dict[str, str] = field(default_factory=dict)  # location -> checksum, likewise

    def pieces(self, kind: str) -> Iterator[bytes]:
        """Yield what a file unpacks to."""
        record = self.records[kind]
        return unpacked(self.files[kind].path, record.filename, size=record.open_size)


class Texts(NamedTuple):
    """A package as createrepo_c read it, and what the three files have of it."""

    package: Any
    primary: bytes
    filelists: bytes
    other: bytes


class NotAsItIsError(Exception):
    """The text of the files cannot be cut and kept as it is."""


def texts_as_they_are(files: PackageFiles) -> Iterator[list[Texts]]:
    """Yield the packages with the text of the feed, some at a time.

    Raises:
        NotAsItIsError: that cannot be; some may have been yielded.
        PluginError: the files are damaged, or do not belong together.

    """
    return _side_by_side(files, _Cut)


def texts_written_anew(files: PackageFiles) -> Iterator[list[Texts]]:
    """Yield the packages with texts that are written of what was parsed.

    Raises:
        PluginError: the files are damaged, or do not belong together.

    """
    try:
        yield from _side_by_side(files, _Parsed)
    except NotAsItIsError:
        msg = "primary, filelists or other is damaged: not each package in it is one. Nothing was changed."
        raise PluginError(msg) from None


class _Source(Protocol):
    """One of the files, as a run of elements."""

    def batches(self) -> Iterator[list[bytes]]:
        """Yield some elements at a time."""

    def finish(self) -> None:
        """Check what is left when all elements were taken."""


class _Reader(Protocol):
    def __call__(self, files: PackageFiles, kind: str) -> _Source: ...


def _side_by_side(files: PackageFiles, reader: _Reader) -> Iterator[list[Texts]]:
    primary = reader(files, "primary")
    filelists, other = (
        _Column(reader(files, kind), files.records[kind].filename) if kind in files.files else None for kind in KINDS[1:]
    )
    for batch in _in_batches(primary.batches()):
        rows = []
        for package, text in zip(_parsed(batch), batch, strict=True):
            checksum = package.pkgId.encode()
            files_of = filelists.take(checksum) if filelists else createrepo_c.xml_dump_filelists(package).encode()
            changes_of = other.take(checksum) if other else createrepo_c.xml_dump_other(package).encode()
            rows.append(Texts(package, text, files_of, changes_of))
        yield rows
    primary.finish()
    for column in (filelists, other):
        if column is not None:
            column.finish()


def _parsed(batch: list[bytes]) -> list[Any]:
    """Return the packages that createrepo_c reads from as many elements.

    Raises:
        NotAsItIsError: it reads more or fewer, so they are cut wrongly, or not well-formed.

    """
    packages: list[Any] = []
    try:
        text = b"\n".join(batch).decode()
        if ("!" in text and "<!" in text) or ("?" in text and "<?" in text):
            raise NotAsItIsError
        createrepo_c.xml_parse_primary_snippet(text, pkgcb=packages.append, do_files=0)
    except (createrepo_c.CreaterepoCError, UnicodeDecodeError):
        raise NotAsItIsError from None
    if len(packages) != len(batch):
        raise NotAsItIsError
    return packages


def _in_batches(batches: Iterator[list[bytes]]) -> Iterator[list[bytes]]:
    for batch in batches:
        for start in range(0, len(batch), _BATCH):
            yield batch[start : start + _BATCH]


class _Column:
    """Filelists or other: the elements are asked for in the order that primary has."""

    def __init__(self, source: _Source, name: str) -> None:
        self._source = source
        self._name = name
        self._stream = chain.from_iterable(source.batches())
        self._passed: dict[bytes, bytes] = {}  # checksum -> text of packages that come later in primary
        self._passed_size = 0

    def take(self, checksum: bytes) -> bytes:
        """Return the element of a package, which mostly is the next one.

        Raises:
            NotAsItIsError: an element names no package.
            PluginError: there is none, or the order is another than in primary, for very many.

        """
        if checksum in self._passed:
            return self._passed.pop(checksum)
        for text in self._stream:
            found = _PKGID.match(text)
            if found is None:
                raise NotAsItIsError
            if found.group(1) == checksum:
                return text + b"\n"
            self._passed[found.group(1)] = text + b"\n"
            self._passed_size += len(text)
            if self._passed_size > _MOST_PASSED:
                break
        why = f"says nothing of the package with the checksum {checksum.decode()}, or much later than primary"
        raise PluginError(f"{self._name} {why}: they do not belong together. Nothing was changed.", file=self._name)

    def finish(self) -> None:
        """Read what is left, of packages that primary does not have: it is to be well-formed all the same."""
        for _ in self._stream:
            pass
        self._source.finish()


class _Cut:
    """One of the files, cut, and checked to be of the kind that can be."""

    def __init__(self, files: PackageFiles, kind: str) -> None:
        self._kind = kind
        self._name = files.records[kind].filename
        self._parser = expat.ParserCreate()
        self._root: dict[str, str] | None = None
        self._parser.StartElementHandler = self._first
        for event in ("Comment", "StartCdataSection", "StartDoctypeDecl", "ProcessingInstruction"):
            setattr(self._parser, f"{event}Handler", _refuse)
        # createrepo_c parses each element of primary anyway; here only its head and tail are left to be checked.
        check = None if kind == "primary" else self._parse
        self._elements = Elements(files.pieces(kind), self._name, b"package", check)

    def batches(self) -> Iterator[list[bytes]]:
        return self._elements.batches()

    def finish(self) -> None:
        if self._kind == "primary":
            self._parse(self._elements.head + self._elements.tail)
        try:
            self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise _damaged(self._name, error) from error
        if not self._is_usual():
            raise NotAsItIsError

    def _parse(self, piece: bytes) -> None:
        try:
            self._parser.Parse(piece)
        except expat.ExpatError as error:
            raise _damaged(self._name, error) from error
        if self._root is not None and not self._is_usual():
            raise NotAsItIsError

    def _first(self, name: str, attributes: dict[str, str]) -> None:
        self._root = {"": name, **attributes}
        self._parser.StartElementHandler = None

    def _is_usual(self) -> bool:
        """Say whether the root declares just the usual namespaces, on which the snippets rely."""
        root = self._root or {}
        return {key: value for key, value in root.items() if key != "packages"} == _ROOTS[self._kind]


def _refuse(*_: object) -> None:
    raise NotAsItIsError


class _Parsed:
    """One of the files, parsed, and written anew with the usual namespaces."""

    def __init__(self, files: PackageFiles, kind: str) -> None:
        self._kind = kind
        self._name = files.records[kind].filename
        self._pieces = files.pieces(kind)
        self._size = 0  # bytes that were read since the last element

    def batches(self) -> Iterator[list[bytes]]:
        depth, root = 0, None
        try:
            for event, element in ElementTree.iterparse(self, events=("start", "end"), forbid_dtd=True):
                depth += 1 if event == "start" else -1
                if root is None:
                    root = element
                    self._check_root(element)
                if event == "end" and depth == 1:
                    self._size = 0
                    if element.tag.rpartition("}")[2] == "package":
                        yield [_written(element)]
                    root.clear()
        except (ElementTree.ParseError, DefusedXmlException, ValueError, RecursionError) as error:
            raise _damaged(self._name, error) from error

    def read(self, _size: int = -1) -> bytes:
        """Return the next piece, as the parser asks for it."""
        piece = next(self._pieces, b"")
        self._size += len(piece)
        if self._size > LONGEST_ELEMENT:
            raise PluginError(f"{self._name} has an element of more than {LONGEST_ELEMENT} bytes; nothing was changed.")
        return piece

    def finish(self) -> None:
        """Nothing is left: the parser saw the end."""

    def _check_root(self, element: Element) -> None:
        name = element.tag.rpartition("}")[2]
        if name != _ROOTS[self._kind][""]:
            msg = f"{self._name} is no {self._kind}: it begins with <{name[:80]}>. Nothing was changed."
            raise PluginError(msg, file=self._name)


def _written(element: Element) -> bytes:
    """Return an element with the usual prefixes; what is of other namespaces is left out."""
    for parent in element.iter():
        for child in list(parent):
            if child.tag.rpartition("}")[0].removeprefix("{") not in _PREFIXES and child.tag.startswith("{"):
                parent.remove(child)
    for part in element.iter():
        space, _, name = part.tag.rpartition("}")
        part.tag = _PREFIXES.get(space.removeprefix("{"), "") + name
    element.tail = None
    text: bytes = tostring(element, encoding="utf-8", xml_declaration=False)
    return text.replace(b" />", b"/>")  # as createrepo_c has it; what is text has no `>`


def _damaged(name: str, error: Exception) -> PluginError:
    return PluginError(f"{name} is damaged: {error}. Nothing was changed.", file=name)

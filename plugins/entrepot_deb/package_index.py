"""Packages files: written in segments, of which those without a change are taken over from the last publication."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from typing import TYPE_CHECKING, NamedTuple

from entrepot.plugin.segments import Member, begins_segment, members, pack, stretches

if TYPE_CHECKING:
    from entrepot.plugin import PublishConduit

Item = tuple[bytes, bytes]  # a name, and the paragraphs of its packages, each with a blank line behind it

_NAME = re.compile(rb"^package:[ \t]*(\S+)", re.IGNORECASE | re.MULTILINE)


class Written(NamedTuple):
    """A file of a release, as its Release file lists it."""

    path: str  # below the publication
    sha256: str
    size: int  # bytes

    @property
    def by_hash(self) -> str:
        """Where the same bytes lie under their digest."""
        folder, slash, _ = self.path.rpartition("/")
        return f"{folder}{slash}by-hash/SHA256/{self.sha256}"


class Before(NamedTuple):
    """An index of the last publication."""

    members: list[Member]
    plain: bytes


class IndexWriter:
    """One index on its way: `Packages` and `Packages.gz`, and both under their digests."""

    def __init__(self, pub: PublishConduit, path: str) -> None:
        """Begin it; `path` is that of the plain file."""
        self._pub = pub
        self._path = path
        self._plain = pub.draft()
        self._packed = pub.draft()
        self._is_first = True
        self._key = b""
        self._texts: list[bytes] = []

    def add(self, name: bytes, text: bytes) -> None:
        """Append the paragraphs of a name; names come sorted, each once."""
        if begins_segment(name):
            self._flush()
        if not self._texts:
            self._key = name
        self._texts.append(text)

    def update(self, before: Before, changed: Sequence[bytes], items: Iterable[Item]) -> None:
        """Take over the last publication, but for the names `changed`, of which `items`, sorted, says what there is now."""
        fresh = dict(items)
        start = done = 0
        for stretch in stretches([member.key for member in before.members], changed):
            start = self._keep(before, range(done, stretch.first), start)
            end = start + sum(member.size for member in before.members[stretch.first : stretch.end])
            old = (item for item in split_items(before.plain[start:end]) if item[0] not in stretch.names)
            new = ((name, fresh[name]) for name in sorted(stretch.names) if name in fresh)
            for name, text in merge(old, new):
                self.add(name, text)
            self._flush()
            start, done = end, stretch.end
        self._keep(before, range(done, len(before.members)), start)

    def finish(self) -> tuple[Written, Written]:
        """Publish it, and return the plain and the packed file."""
        self._flush()
        if self._is_first:
            self._packed.write(bytes(pack(b"").data))
        written = []
        for draft, path in ((self._plain, self._path), (self._packed, f"{self._path}.gz")):
            file = Written(path, *draft.finish())
            self._pub.put(path, draft)
            self._pub.put(file.by_hash, draft)
            written.append(file)
        return written[0], written[1]

    def _keep(self, before: Before, places: range, start: int) -> int:
        """Take over segments, whose text begins at `start`; return where it ends."""
        for place in places:
            member = before.members[place]
            self._put(member, before.plain[start : start + member.size])
            start += member.size
        return start

    def _flush(self) -> None:
        if self._texts:
            text = b"".join(self._texts)
            self._put(pack(text, key=b"" if self._is_first else self._key), text)
            self._texts = []

    def _put(self, member: Member, text: bytes) -> None:
        """Write a segment. The first of all has an empty key, for names before it belong to it as well."""
        if self._is_first and not text:
            return
        if self._is_first and member.key:
            member = pack(text)
        self._is_first = False
        self._packed.write(bytes(member.data))
        self._plain.write(text)


def read_before(pub: PublishConduit, path: str) -> Before | None:
    """Return an index of the last publication, or None if there is none, or none that was written here."""
    packed = pub.read(f"{path}.gz")
    plain = pub.read(path)
    found = None if packed is None or plain is None else members(packed)
    if plain is None or not found or found[0].key or sum(member.size for member in found) != len(plain):
        return None
    return Before(found, plain)


def split_items(text: bytes) -> Iterator[Item]:
    """Yield the names of an index that was written here, each with its paragraphs."""
    name, paragraphs = b"", list[bytes]()
    for paragraph in text.split(b"\n\n"):
        found = _NAME.search(paragraph)
        if found is None:
            continue
        if found[1] != name and paragraphs:
            yield name, b"".join(paragraphs)
            paragraphs = []
        name = found[1]
        paragraphs.append(paragraph + b"\n\n")
    if paragraphs:
        yield name, b"".join(paragraphs)

"""The folder `repodata` of a publication: `repomd.xml`, and the files that it names by their digests.

What did not change since the previous publication is taken over with its record; everything else is written under a name
of its own, so that no client ever sees a file change. Times and revision are those of the repository, not of the clock.
"""

from __future__ import annotations

import hashlib
import io
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError
from xml.sax.saxutils import escape, quoteattr

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from entrepot.plugin.segments import pack

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from entrepot.plugin import Draft, PublishConduit, Unit
    from entrepot.plugin.openpgp import Signer

FOLDER = "repodata"
REPOMD = f"{FOLDER}/repomd.xml"
SIGNATURE = f"{REPOMD}.asc"

_REPOMD_NAMESPACE = "http://linux.duke.edu/metadata/repo"
_IN = f"{{{_REPOMD_NAMESPACE}}}"
_RPM_NAMESPACE = "http://linux.duke.edu/metadata/rpm"


@dataclass(frozen=True, slots=True)
class Record:
    """What `repomd.xml` says of one file."""

    kind: str  # primary, updateinfo ...
    href: str  # below the repository
    checksum_type: str
    checksum: str
    size: int  # bytes
    open_checksum: str | None = None  # of the text; None where the file is plain, or the text too long to be read through
    open_size: int | None = None  # bytes; None where the file is plain
    database_version: int | None = None  # of SQLite files


class Repodata:
    """The folder under way. Every kind is put, written or kept once; `close` writes `repomd.xml`."""

    def __init__(self, pub: PublishConduit, *, checksum_type: str = "sha256", keep_old: bool = False) -> None:
        """Begin with what the previous publication has; `keep_old` leaves its files beside the new ones."""
        self._pub = pub
        self.checksum_type = checksum_type
        self._keep_old = keep_old
        self._repomd = pub.read(REPOMD)
        self._before = read_repomd(self._repomd) if self._repomd else {}
        self._records: dict[str, Record] = {}

    def __contains__(self, kind: str) -> bool:
        """Say whether there is a file of this kind by now."""
        return kind in self._records

    def keep(self, *kinds: str) -> bool:
        """Take over what the previous publication has of all these kinds; False, and nothing is done, if it lacks one."""
        if not all(self._is_usable(kind) for kind in kinds):
            return False
        self._records |= {kind: self._before[kind] for kind in kinds}
        return True

    def keep_if_there(self, kind: str) -> None:
        """Take over what the previous publication has of this kind, which may be nothing."""
        if self._is_usable(kind):
            self._records[kind] = self._before[kind]

    def read(self, kind: str) -> bytes | None:
        """Return the file of the previous publication, packed as it is; None if there is none, or it is damaged."""
        if not self._is_usable(kind):
            return None
        record = self._before[kind]
        data = self._pub.read(record.href)
        return data if data is not None and self.digest(data) == record.checksum else None

    def checksum(self, kind: str) -> str:
        """Return the checksum of a file that is there by now."""
        return self._records[kind].checksum

    def file(self) -> NamedByContent:
        """Return a new file, to be written piece by piece and given to `put`."""
        return NamedByContent(self._pub.draft(), self.checksum_type)

    def put(
        self,
        kind: str,
        name: str,
        file: NamedByContent,
        *,
        open_checksum: str | None = None,
        open_size: int | None = None,
        database_version: int | None = None,
    ) -> None:
        """Publish a file as `<digest>-<name>`."""
        checksum, size = file.finish()
        href = f"{FOLDER}/{checksum}-{name}"
        self._pub.put(href, file.draft)
        record = Record(kind, href, self.checksum_type, checksum, size, open_checksum, open_size, database_version)
        self._records[kind] = record

    def write(self, kind: str, name: str, text: bytes) -> None:
        """Publish a small text, packed as `<digest>-<name>.gz`."""
        file = self.file()
        file.write(bytes(pack(text).data))
        self.put(kind, f"{name}.gz", file, open_checksum=self.digest(text), open_size=len(text))

    def write_plain(self, kind: str, name: str, text: bytes) -> None:
        """Publish a small text as it is."""
        file = self.file()
        file.write(text)
        self.put(kind, name, file)

    def add(self, record: Record, unit: Unit, file: str) -> None:
        """Publish a file of a unit under the address that its record says."""
        self._pub.add(record.href, unit, file)
        self._records[record.kind] = record

    def digest(self, data: bytes) -> str:
        """Return the digest of `data` in the type of this folder."""
        return checksum_of(self.checksum_type, data)

    def digest_of_texts(self, packed: Iterable[bytes]) -> str:
        """Return the digest of what is packed in the members of a gzip file, which is given in pieces."""
        taken, unpacker = hash_of(self.checksum_type), zlib.decompressobj(31)
        for piece in packed:
            rest = piece
            while rest:
                taken.update(unpacker.decompress(rest))
                rest = unpacker.unused_data
                if unpacker.eof:
                    unpacker = zlib.decompressobj(31)
        return taken.hexdigest()

    def close(self, signer: Signer | None) -> None:
        """Take out what no record names any more, and write `repomd.xml`, signed if there is a signer."""
        pub = self._pub
        kept = {record.href for record in self._records.values()}
        for record in self._before.values():
            if record.href not in kept and not self._keep_old:
                pub.remove(record.href)
        repomd = repomd_text(self._records.values(), int(pub.date.timestamp()))
        pub.write(REPOMD, repomd)
        if signer is None:
            pub.remove(SIGNATURE)
            return
        # A signature tells when it was made. The same text keeps the one that it has, so that the bytes stay the same.
        signature = pub.read(SIGNATURE) if repomd == self._repomd else None
        pub.write(SIGNATURE, signature if signature is not None else signer.sign_detached(repomd))

    def _is_usable(self, kind: str) -> bool:
        return kind in self._before and self._before[kind].checksum_type == self.checksum_type


class NamedByContent:
    """A draft, and the digest that it will be named by."""

    def __init__(self, draft: Draft, checksum_type: str) -> None:
        """Begin; SHA-256 is taken by the draft itself."""
        self.draft = draft
        self._hash = None if checksum_type == "sha256" else hash_of(checksum_type)

    def write(self, data: bytes) -> None:
        """Append `data`."""
        self.draft.write(data)
        if self._hash is not None:
            self._hash.update(data)

    def finish(self) -> tuple[str, int]:
        """Return digest and size of what was written; nothing can be written any more."""
        sha256, size = self.draft.finish()
        return (sha256 if self._hash is None else self._hash.hexdigest()), size


def checksum_of(checksum_type: str, data: bytes) -> str:
    """Return a digest, hex, by the name that yum metadata have for its type."""
    return hash_of(checksum_type, data).hexdigest()


def same_checksum_type(one: str, other: str) -> bool:
    """Say whether two names mean the same type of checksum."""
    return _algorithm(one) == _algorithm(other)


def hash_of(checksum_type: str, data: bytes = b"") -> hashlib._Hash:
    """Return a hash, of `data` so far, by the name that yum metadata have for its type: `sha` is SHA-1."""
    return hashlib.new(_algorithm(checksum_type), data, usedforsecurity=False)


def read_repomd(text: bytes) -> dict[str, Record]:
    """Return the records of a `repomd.xml` that `repomd_text` wrote, by kind; none of them if it is not readable."""
    found: dict[str, Record] = {}
    try:
        for _, element in iterparse(io.BytesIO(text)):
            if element.tag == f"{_IN}data":
                record = _read_record(element)
                found[record.kind] = record
    except (ParseError, DefusedXmlException, AttributeError, KeyError, TypeError, ValueError):
        return {}
    return found


def repomd_text(records: Iterable[Record], moment: int) -> bytes:
    """Return `repomd.xml`, as createrepo_c lays it out; `moment`, seconds since 1970, is revision and time of all files."""
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>\n',
        f'<repomd xmlns="{_REPOMD_NAMESPACE}" xmlns:rpm="{_RPM_NAMESPACE}">\n',
        f"  <revision>{moment}</revision>\n",
    ]
    for record in records:
        kind = quoteattr(record.checksum_type)
        parts.append(f"  <data type={quoteattr(record.kind)}>\n")
        parts.append(f"    <checksum type={kind}>{escape(record.checksum)}</checksum>\n")
        if record.open_checksum is not None:
            parts.append(f"    <open-checksum type={kind}>{escape(record.open_checksum)}</open-checksum>\n")
        parts.append(f"    <location href={quoteattr(record.href)}/>\n")
        parts.append(f"    <timestamp>{moment}</timestamp>\n    <size>{record.size}</size>\n")
        if record.open_size is not None:
            parts.append(f"    <open-size>{record.open_size}</open-size>\n")
        if record.database_version is not None:
            parts.append(f"    <database_version>{record.database_version}</database_version>\n")
        parts.append("  </data>\n")
    parts.append("</repomd>\n")
    return "".join(parts).encode()


def _algorithm(checksum_type: str) -> str:
    return "sha1" if checksum_type == "sha" else checksum_type


def _read_record(element: Element) -> Record:
    checksum, location, opened = (element.find(f"{_IN}{name}") for name in ("checksum", "location", "open-checksum"))
    open_size, version = (element.findtext(f"{_IN}{name}") for name in ("open-size", "database_version"))
    if checksum is None or location is None or checksum.text is None:
        raise ValueError("a record lacks its checksum or its location")
    return Record(
        kind=element.attrib["type"],
        href=location.attrib["href"],
        checksum_type=checksum.attrib["type"],
        checksum=checksum.text,
        size=int(element.findtext(f"{_IN}size", "")),
        open_checksum=None if opened is None else opened.text,
        open_size=None if open_size is None else int(open_size),
        database_version=None if version is None else int(version),
    )

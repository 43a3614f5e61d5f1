"""Real `.rpm` files by the standard library, and feeds of them by createrepo_c.

A package is lead, signature header, header and a gzip'd cpio archive. Source: rpm, docs/manual/format_v4.md. `rpm -K` finds
its digests right, and dnf installs it. Tags that are not named here are not needed for that.
"""

from __future__ import annotations

import gzip
import hashlib
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import createrepo_c

_INT16, _INT32, _STRING, _BINARY, _STRINGS, _I18N = 3, 4, 6, 7, 8, 9
_WIDTH = {_INT16: 2, _INT32: 4}
_HEADER_MAGIC = b"\x8e\xad\xe8\x01\0\0\0\0"
_ENTRY = struct.Struct(">IIiI")  # tag, type, offset, count
_SIGNATURES, _IMMUTABLE = 62, 63  # the tags of the regions
_SHA256 = 8  # as OpenPGP numbers it
_SENSE = {"": 0, "<": 2, ">": 4, "=": 8, "<=": 10, ">=": 12}
_RPMLIB = 1 << 24
#: What packages with gzip'd payloads and compressed file names ask of rpm itself.
_FEATURES = (("rpmlib(CompressedFileNames)", "3.0.4-1"), ("rpmlib(PayloadFilesHavePrefix)", "4.0-1"))
_TIME = 1_700_000_000  # when all packages were built

Value = int | str | bytes | Sequence[int] | Sequence[str]
Tags = dict[int, tuple[int, Value]]


@dataclass(frozen=True, kw_only=True)
class RpmPackage:
    """What a package says. Relations read `name`, or `name >= 1:2.0-3`; `files` are contents by absolute path."""

    name: str
    version: str = "1.0"
    release: str = "1"
    epoch: int | None = None
    arch: str = "noarch"
    summary: str = "A package of a test"
    description: str = "It was made by tests/builders."
    requires: Sequence[str] = ()
    provides: Sequence[str] = ()
    conflicts: Sequence[str] = ()
    obsoletes: Sequence[str] = ()
    recommends: Sequence[str] = ()
    suggests: Sequence[str] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    changelogs: Sequence[tuple[int, str, str]] = ()  # seconds since 1970, author, text
    modularity: str = ""  # of which module, as `name:stream:version:context`

    @property
    def filename(self) -> str:
        """What the file is called."""
        return f"{self.name}-{self.version}-{self.release}.{self.arch}.rpm"


def build_rpm(package: RpmPackage, *, sign: Callable[[bytes], bytes] | None = None) -> bytes:
    """Return the bytes of a package; `sign` makes the binary OpenPGP signature of what it is given."""
    archive = _cpio(package.files)
    payload = gzip.compress(archive, 6, mtime=0)
    header = _header(_package_tags(package, payload), _IMMUTABLE)
    signatures: Tags = {
        269: (_STRING, hashlib.sha1(header, usedforsecurity=False).hexdigest()),
        273: (_STRING, hashlib.sha256(header).hexdigest()),
        1000: (_INT32, len(header) + len(payload)),
        1004: (_BINARY, hashlib.md5(header + payload, usedforsecurity=False).digest()),
        1007: (_INT32, len(archive)),
    }
    if sign is not None:
        signatures[268] = (_BINARY, sign(header))
    signature = _header(signatures, _SIGNATURES)
    signature += b"\0" * (-len(signature) % 8)
    return _lead(package) + signature + header + payload


def write_rpm(folder: Path, package: RpmPackage, *, sign: Callable[[bytes], bytes] | None = None) -> Path:
    """Write a package below `folder`, and return where."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / package.filename
    path.write_bytes(build_rpm(package, sign=sign))
    return path


def write_feed(
    folder: Path,
    packages: Sequence[RpmPackage] = (),
    *,
    metadata: Mapping[str, bytes] | None = None,
    compression: int = createrepo_c.GZ_COMPRESSION,
    checksum_type: int = createrepo_c.SHA256,
    sign: Callable[[bytes], bytes] | None = None,
    revision: str = "1",
) -> Path:
    """Write packages and their metadata below `folder`, in place of what was there, and return it.

    `metadata`: files by their type in `repomd.xml`, uncompressed (`{"updateinfo": b"<updates>…"}`).
    """
    paths = [write_rpm(folder, package, sign=sign) for package in packages]
    repodata = folder / "repodata"
    if repodata.exists():
        for path in repodata.iterdir():
            path.unlink()
    repodata.mkdir(parents=True, exist_ok=True)
    suffix = createrepo_c.compression_suffix(compression) or ""
    repomd = createrepo_c.Repomd()
    repomd.set_revision(revision)
    writers = {
        "primary": createrepo_c.PrimaryXmlFile,
        "filelists": createrepo_c.FilelistsXmlFile,
        "other": createrepo_c.OtherXmlFile,
    }
    files = {kind: writer(str(repodata / f"{kind}.xml{suffix}"), compression) for kind, writer in writers.items()}
    for file in files.values():
        file.set_num_of_pkgs(len(paths))
    for path in paths:
        package = createrepo_c.package_from_rpm(str(path), checksum_type=checksum_type, location_href=path.name)
        package.time_file = _TIME
        for file in files.values():
            file.add_pkg(package)
    for kind, file in files.items():
        file.close()
        _record(repomd, kind, repodata / f"{kind}.xml{suffix}", checksum_type)
    for kind, data in (metadata or {}).items():
        extension = {"modules": "yaml", "productid": "txt"}.get(kind, "xml")
        path = repodata / f"{kind}.{extension}.gz"
        path.write_bytes(gzip.compress(data, mtime=0))
        _record(repomd, kind, path, checksum_type)
    (repodata / "repomd.xml").write_text(repomd.xml_dump(), encoding="utf-8")
    return folder


def _record(repomd: createrepo_c.Repomd, kind: str, path: Path, checksum_type: int) -> None:
    record = createrepo_c.RepomdRecord(kind, str(path))
    record.fill(checksum_type)
    record.timestamp = _TIME
    record.rename_file()
    repomd.set_record(record)


def _lead(package: RpmPackage) -> bytes:
    kind = 1 if package.arch == "src" else 0
    name = f"{package.name}-{package.version}-{package.release}".encode()[:65]
    return struct.pack(">4sBBHH66sHH16x", b"\xed\xab\xee\xdb", 3, 0, kind, 1, name, 1, 5)


def _header(tags: Tags, region: int) -> bytes:
    """Return a header with its region, which covers all of it."""
    entries, store = [], b""
    for tag, (kind, value) in sorted(tags.items()):
        data, count = _stored(kind, value)
        store += b"\0" * (-len(store) % _WIDTH.get(kind, 1))
        entries.append((tag, kind, len(store), count))
        store += data
    index = [(region, _BINARY, len(store), _ENTRY.size), *entries]
    store += _ENTRY.pack(region, _BINARY, -len(index) * _ENTRY.size, _ENTRY.size)
    return _HEADER_MAGIC + struct.pack(">II", len(index), len(store)) + b"".join(_ENTRY.pack(*entry) for entry in index) + store


def _stored(kind: int, value: Value) -> tuple[bytes, int]:
    if isinstance(value, bytes):
        return value, len(value)
    if isinstance(value, str):
        return value.encode() + b"\0", 1
    values = [value] if isinstance(value, int) else list(value)
    if kind in _WIDTH:
        return struct.pack(f">{len(values)}{'H' if kind == _INT16 else 'I'}", *values), len(values)
    return b"".join(str(text).encode() + b"\0" for text in values), len(values)


def _package_tags(package: RpmPackage, payload: bytes) -> Tags:
    is_source = package.arch == "src"
    tags: Tags = {
        100: (_STRINGS, ["C"]),
        1000: (_STRING, package.name),
        1001: (_STRING, package.version),
        1002: (_STRING, package.release),
        1004: (_I18N, [package.summary]),
        1005: (_I18N, [package.description]),
        1006: (_INT32, _TIME),
        1007: (_STRING, "builder.test"),
        1009: (_INT32, sum(map(len, package.files.values()))),
        1011: (_STRING, "entrepot tests"),
        1014: (_STRING, "Apache-2.0"),
        1016: (_I18N, ["Unspecified"]),
        1020: (_STRING, "https://example.test/"),
        1021: (_STRING, "linux"),
        1022: (_STRING, "noarch" if is_source else package.arch),
        1124: (_STRING, "cpio"),
        1125: (_STRING, "gzip"),
        1126: (_STRING, "9"),
        5062: (_STRING, "utf-8"),
        5092: (_STRINGS, [hashlib.sha256(payload).hexdigest()]),
        5093: (_INT32, _SHA256),
    }
    if package.epoch is not None:
        tags[1003] = (_INT32, package.epoch)
    if is_source:
        tags[1106] = (_INT32, 1)
    else:
        tags[1044] = (_STRING, f"{package.name}-{package.version}-{package.release}.src.rpm")
    if package.modularity:
        tags[5096] = (_STRING, package.modularity)
    if package.changelogs:
        tags[1080] = (_INT32, [moment for moment, _, _ in package.changelogs])
        tags[1081] = (_STRINGS, [author for _, author, _ in package.changelogs])
        tags[1082] = (_STRINGS, [text for _, _, text in package.changelogs])
    tags |= _relation_tags(package)
    tags |= _file_tags(package.files)
    return tags


def _relation_tags(package: RpmPackage) -> Tags:
    epoch = f"{package.epoch}:" if package.epoch is not None else ""
    itself = [f"{package.name} = {epoch}{package.version}-{package.release}"] if package.arch != "src" else []
    features = [(name, _RPMLIB | _SENSE["<="], version) for name, version in _FEATURES]
    relations = {
        (1047, 1113, 1112): _relations([*package.provides, *itself]),
        (1049, 1050, 1048): [*_relations(package.requires), *features],
        (1054, 1055, 1053): _relations(package.conflicts),
        (1090, 1115, 1114): _relations(package.obsoletes),
        (5046, 5047, 5048): _relations(package.recommends),
        (5049, 5050, 5051): _relations(package.suggests),
    }
    tags: Tags = {}
    for (names, versions, flags), values in relations.items():
        if values:
            tags[names] = (_STRINGS, [name for name, _, _ in values])
            tags[versions] = (_STRINGS, [version for _, _, version in values])
            tags[flags] = (_INT32, [flag for _, flag, _ in values])
    return tags


def _relations(texts: Sequence[str]) -> list[tuple[str, int, str]]:
    relations = []
    for text in texts:
        if text.startswith("("):  # a rich dependency is one name
            relations.append((text, 0, ""))
            continue
        name, sense, version = (*text.split(), "", "")[:3]
        relations.append((name, _SENSE[sense], version))
    return relations


def _file_tags(files: Mapping[str, bytes]) -> Tags:
    if not files:
        return {}
    paths = sorted(files)
    folders = sorted({path.rpartition("/")[0] + "/" for path in paths})
    many = len(paths)
    return {
        1028: (_INT32, [len(files[path]) for path in paths]),
        1030: (_INT16, [0o100644] * many),
        1033: (_INT16, [0] * many),
        1034: (_INT32, [_TIME] * many),
        1035: (_STRINGS, [hashlib.sha256(files[path]).hexdigest() for path in paths]),
        1036: (_STRINGS, [""] * many),
        1037: (_INT32, [0] * many),
        1039: (_STRINGS, ["root"] * many),
        1040: (_STRINGS, ["root"] * many),
        1045: (_INT32, [0xFFFFFFFF] * many),
        1095: (_INT32, [1] * many),
        1096: (_INT32, list(range(1, many + 1))),
        1097: (_STRINGS, [""] * many),
        1116: (_INT32, [folders.index(path.rpartition("/")[0] + "/") for path in paths]),
        1117: (_STRINGS, [path.rpartition("/")[2] for path in paths]),
        1118: (_STRINGS, folders),
        5011: (_INT32, _SHA256),
    }


def _cpio(files: Mapping[str, bytes]) -> bytes:
    """Return the files as a cpio archive of the `newc` kind."""
    archive = b""
    for inode, path in enumerate(sorted(files), 1):
        archive += _cpio_entry(f".{path}", files[path], inode=inode, mode=0o100644)
    archive += _cpio_entry("TRAILER!!!", b"", inode=0, mode=0)
    return archive + b"\0" * (-len(archive) % 512)


def _cpio_entry(name: str, data: bytes, *, inode: int, mode: int) -> bytes:
    encoded = name.encode() + b"\0"
    fields = (inode, mode, 0, 0, 1, _TIME if mode else 0, len(data), 0, 0, 0, 0, len(encoded), 0)
    entry = b"070701" + b"".join(b"%08x" % value for value in fields) + encoded
    entry += b"\0" * (-len(entry) % 4)
    return entry + data + b"\0" * (-len(data) % 4)

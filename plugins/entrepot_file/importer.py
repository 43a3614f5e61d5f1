"""The iso_importer: one unit for each line of the feed's PULP_MANIFEST."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from entrepot.plugin import JSON, FetchedFile, ImportConduit, Importer, PluginError, SyncConduit, Unit, path_problem
from entrepot_file.unit import MANIFEST, Iso

LONGEST_LINE = 16_384  # bytes; a name has 1024 characters at most, so more is no manifest
LONGEST_SHOWN = 255  # characters of a name that a message repeats
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_SIZE = re.compile(r"[0-9]{1,18}")


class IsoImporter(Importer):
    """Import plain files.

    The SHA-256 of a file is part of its identity, so size and digest are always checked: `validate: false` changes nothing.
    """

    display_name = "ISO Importer"  # as in Pulp 2
    unit_types = (Iso,)
    can_defer = True

    def sync(self, ctx: SyncConduit) -> Iterator[Iso]:
        """Yield each file of the manifest; a name that may not be published is refused alone, a broken manifest as a whole.

        Raises:
            PluginError: a line is not name, SHA-256, size; the message names the line.

        """
        manifest = ctx.fetch(MANIFEST)
        if ctx.unchanged(manifest.sha256):
            return
        names = _Names()
        for name, checksum, size in read_manifest(manifest.path):
            problem = names.take(name, bytes.fromhex(checksum) + size.to_bytes(8))
            if problem == _REPEATED:
                continue
            if problem:
                ctx.error(_shown(name), problem)
                continue
            yield Iso(name=name, checksum=checksum, size=size).file(name, path=name, size=size, sha256=checksum)

    def upload(
        self,
        ctx: ImportConduit,  # noqa: ARG002 - nothing of the repository is asked
        unit_type: type[Unit],  # noqa: ARG002 - there is one
        upload: FetchedFile,
        key: Mapping[str, JSON],
        metadata: Mapping[str, JSON],
    ) -> Iterator[Iso]:
        """Yield the uploaded file; its name must be said, checksum and size only have to be true.

        Raises:
            PluginError: there is no name that may be published, or what is said of the file is not true of it.

        """
        said = {**metadata, **key}
        name = said.get("name")
        if not isinstance(name, str):
            raise PluginError("An uploaded file needs a name: give it in the unit's key, such as name=a.iso.")
        if problem := _Names().take(name, b""):
            raise PluginError(f"The file {_shown(name)} cannot be published: {problem}.")
        checksum, size = said.get("checksum"), said.get("size")
        if checksum is not None and str(checksum).lower() != upload.sha256:
            raise PluginError(f"The checksum of {_shown(name)} is {upload.sha256}, and not {_shown(str(checksum))}.")
        if size not in (None, upload.size, str(upload.size)):
            raise PluginError(f"The size of {_shown(name)} is {upload.size} bytes, and not {_shown(str(size))}.")
        yield Iso(name=name, checksum=upload.sha256, size=upload.size).hold(upload, path=name)


def read_manifest(path: Path) -> Iterator[tuple[str, str, int]]:
    """Yield name, SHA-256 in lower case and size of each line; blank lines are passed over.

    Raises:
        PluginError: the file is no UTF-8, no CSV, or a line is not name, SHA-256, size.

    """
    with path.open("rb") as stream:
        rows = csv.reader(_lines(stream), strict=True)
        try:
            for row in rows:
                if len(row) <= 1 and not "".join(row).strip():
                    continue
                yield _entry(row, rows.line_num)
        except csv.Error as error:
            raise _malformed(rows.line_num, f"it is no CSV ({error})") from error


def _lines(stream: IO[bytes]) -> Iterator[str]:
    """Yield the lines as text, read with a limit, so that a feed cannot fill the memory with one line."""
    number = 0
    while line := stream.readline(LONGEST_LINE):
        number += 1
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)  # Windows tools put it before the first name
        if len(line) >= LONGEST_LINE:
            raise _malformed(number, f"it is longer than {LONGEST_LINE} bytes")
        try:
            yield line.decode()
        except UnicodeDecodeError as error:
            raise _malformed(number, "it is not UTF-8") from error


def _entry(row: list[str], number: int) -> tuple[str, str, int]:
    if len(row) != 3:  # noqa: PLR2004 - name, checksum, size
        raise _malformed(number, f"it has {len(row)} column{'s' if len(row) != 1 else ''}")
    name, checksum, size = row
    if not _SHA256.fullmatch(checksum):
        raise _malformed(number, f"the checksum of {_shown(name)} is not a SHA-256: 64 hex digits")
    if not _SIZE.fullmatch(size):
        raise _malformed(number, f"the size of {_shown(name)} is not a whole number of bytes")
    return name, checksum.lower(), int(size)


def _malformed(number: int, why: str) -> PluginError:
    return PluginError(
        f"{MANIFEST}, line {number}: {why}; expected: name,sha256,size. Nothing was changed; mend the feed and sync again.",
        line=number,
    )


def _shown(name: str) -> str:
    """Return a name fit for a message: short, and nothing in it that a terminal would obey."""
    return name if name.isprintable() and 0 < len(name) <= LONGEST_SHOWN else repr(name[:LONGEST_SHOWN])


_REPEATED = "is the same line again"


class _Names:
    """The names seen so far, and the folders that they need: no two files may claim one path."""

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {MANIFEST: b""}  # name -> digest and size
        self._folders: set[str] = set()

    def take(self, name: str, content: bytes) -> str | None:
        """Take a name, or return why not: `_REPEATED`, or a reason to refuse it."""
        problem = path_problem(name)
        if problem:
            return f"the name {problem}"
        if name in self._files:
            if name == MANIFEST:
                return "the name is reserved for the manifest"
            return _REPEATED if self._files[name] == content else "the manifest names it twice, with different content"
        if name in self._folders:
            return "the name is also the folder of another file"
        folders = []
        folder = name.rpartition("/")[0]
        while folder and folder not in self._folders:
            if folder in self._files:
                return f"its folder {folder!r} is also the name of a file"
            folders.append(folder)
            folder = folder.rpartition("/")[0]
        self._folders.update(folders)
        self._files[name] = content
        return None

"""The core metadata of a package: read from a metadata file, or taken out of a wheel or a source distribution."""

from __future__ import annotations

import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path

from packaging.metadata import parse_email
from packaging.utils import canonicalize_name

from entrepot.plugin import PluginError
from entrepot_python.filenames import ParsedFilename

LARGEST = 8 * 1024 * 1024  # bytes of a metadata file; the description, a whole README, is in it
MOST_MEMBERS = 200_000  # files in a source distribution that are looked through
LARGEST_UNPACKED = 8 * 1024**3  # bytes of a source distribution that are unpacked to find its metadata
LONGEST_FIELD = 500  # characters; an old `License` is often the whole text

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, LZMAError, OSError, EOFError, NotImplementedError, RuntimeError)


@dataclass(frozen=True, slots=True)
class CoreMetadata:
    """The few fields that people search by; texts are short and without control characters."""

    name: str | None
    version: str | None
    requires_python: str | None
    summary: str | None
    author: str | None
    license: str | None


def read_metadata(data: bytes) -> CoreMetadata:
    """Return what the head of a metadata file says; nothing in it is an error, it may only be missing.

    Source: the core metadata specification; of an author without a name, the address is taken.
    """
    head = _END_OF_HEAD.split(data, maxsplit=1)[0]
    raw, _ = parse_email(head)
    return CoreMetadata(
        name=_tidy(raw.get("name")),
        version=_tidy(raw.get("version")),
        requires_python=_tidy(raw.get("requires_python")),
        summary=_tidy(raw.get("summary")),
        author=_tidy(raw.get("author")) or _tidy(raw.get("author_email")),
        license=_tidy(raw.get("license_expression")) or _tidy(raw.get("license")),
    )


def extract_metadata(path: Path, filename: str, parsed: ParsedFilename) -> bytes:
    """Return the metadata file within a wheel or a source distribution at `path`, whose name was `parsed`.

    Raises:
        PluginError: the file is not what its name says, or has no metadata, or more than it may.

    """
    try:
        if parsed.packagetype == "bdist_wheel":
            return _from_zip(path, filename, ".dist-info/METADATA", parsed.project)
        if filename.endswith(".zip"):
            return _from_zip(path, filename, "/PKG-INFO", parsed.project)
        return _from_tar(path, filename, parsed.project)
    except _BROKEN as error:
        raise PluginError(f"{filename} is damaged, or not what its name says: {error}. Upload it again.") from error


def _from_zip(path: Path, filename: str, ending: str, project: str) -> bytes:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if _is_metadata(member.filename, ending, project):
                with archive.open(member) as stream:
                    return _checked(stream.read(LARGEST + 1), filename)
    raise _without(filename, ending)


def _from_tar(path: Path, filename: str, project: str) -> bytes:
    """Read to the end, whatever was found before: only so it is seen that the file is cut short."""
    found = None
    with tarfile.open(path) as archive:
        for member in _bounded(archive, filename):
            if found is None and member.isfile() and _is_metadata(member.name, "/PKG-INFO", project):
                stream = archive.extractfile(member)
                found = None if stream is None else _checked(stream.read(LARGEST + 1), filename)
    if found is None:
        raise _without(filename, "/PKG-INFO")
    return found


def _bounded(archive: tarfile.TarFile, filename: str) -> Iterator[tarfile.TarInfo]:
    unpacked = 0
    for number, member in enumerate(archive):
        unpacked += member.size
        if number >= MOST_MEMBERS or unpacked > LARGEST_UNPACKED:
            raise PluginError(
                f"{filename} holds more than a source distribution may: its metadata was not looked for any further."
            )
        yield member


def _is_metadata(member: str, ending: str, project: str) -> bool:
    """Say whether a member lies in the package's own folder: a package may carry others with it."""
    folder = member.removesuffix(ending)
    if folder == member or "/" in folder.removeprefix("./"):
        return False
    return canonicalize_name(folder.removeprefix("./")).startswith(project)


def _checked(data: bytes, filename: str) -> bytes:
    if len(data) > LARGEST:
        raise PluginError(f"The metadata of {filename} has more than {LARGEST} bytes, which no package needs.")
    return data


def _without(filename: str, ending: str) -> PluginError:
    return PluginError(
        f"{filename} has no {ending.rpartition('/')[2]}: it is no Python package. Build it again and upload that."
    )


def _tidy(text: str | None) -> str | None:
    if text is None:
        return None
    return _CONTROL.sub(" ", text[: LONGEST_FIELD * 4]).strip()[:LONGEST_FIELD].encode("utf-8", "replace").decode() or None

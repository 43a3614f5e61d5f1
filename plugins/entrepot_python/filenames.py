"""What the name of a wheel or a source distribution says: the project, the version, and for which platforms it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

PackageType: TypeAlias = Literal["sdist", "bdist_wheel"]

WHEEL = ".whl"
SDISTS = (".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz")  # the first is today's; the others are found in old projects


@dataclass(frozen=True, slots=True)
class ParsedFilename:
    """A file name, taken apart. `platforms` are the platform tags of a wheel, none of a source distribution."""

    project: str  # normalised
    version: Version
    packagetype: PackageType
    platforms: frozenset[str] = frozenset()


def parse_filename(filename: str, project: str | None = None) -> ParsedFilename | None:
    """Return what `filename` says, or None if it is no wheel and no source distribution, or of another project than `project`.

    Old source distributions have dashes in the names of their projects, so that only the project tells where the version
    begins; without it the last dash counts. Versions are those of PEP 440: pip takes no others.
    """
    parsed = _parse_wheel(filename) if filename.endswith(WHEEL) else _parse_sdist(filename, project)
    return parsed if parsed is not None and project in (None, parsed.project) else None


def _parse_wheel(filename: str) -> ParsedFilename | None:
    try:
        project, version, _, tags = parse_wheel_filename(filename)
    except (InvalidWheelFilename, InvalidVersion):
        return None
    return ParsedFilename(project, version, "bdist_wheel", frozenset(tag.platform for tag in tags))


def _parse_sdist(filename: str, project: str | None) -> ParsedFilename | None:
    stem = next((filename.removesuffix(suffix) for suffix in SDISTS if filename.endswith(suffix)), "")
    dash = stem.rfind("-")
    while dash > 0:
        named = canonicalize_name(stem[:dash])
        if project in (None, named):
            try:
                return ParsedFilename(named, Version(stem[dash + 1 :]), "sdist")
            except InvalidVersion:
                return None
        dash = stem.rfind("-", 0, dash)
    return None

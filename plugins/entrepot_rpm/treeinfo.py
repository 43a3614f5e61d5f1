"""Makes an installable tree of `.treeinfo` (or `treeinfo`): what a machine boots and installs from."""

from __future__ import annotations

import configparser
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from entrepot.plugin import PluginError, path_problem
from entrepot_rpm.feed import digest_type
from entrepot_rpm.units import Distribution

if TYPE_CHECKING:
    from entrepot.plugin import FetchedFile, SyncConduit
    from entrepot_rpm.feed import Source

NAMES = (".treeinfo", "treeinfo")
LARGEST = 4 * 2**20  # bytes; real ones have some thousand
MOST_FILES = 2000  # of one tree; real ones have less than a hundred


class TreeInfo(NamedTuple):
    """The file that describes a tree."""

    name: str
    fetched: FetchedFile


def find_treeinfo(ctx: SyncConduit, source: Source) -> TreeInfo | None:
    """Return what describes the installable tree of a feed; None if it has none."""
    for name in NAMES:
        fetched = ctx.find(source.url(name))
        if fetched is not None and fetched.size <= LARGEST and b"[" in fetched.path.read_bytes():
            return TreeInfo(name, fetched)
    return None


def read_treeinfo(treeinfo: TreeInfo, source: Source) -> Distribution | None:
    """Return the tree that a treeinfo describes, with its files; None if it describes none, as a page of an odd server.

    Raises:
        PluginError: it names a path that leaves the repository, a checksum that is none, or very many files.

    """
    parser = configparser.ConfigParser(interpolation=None, strict=False, default_section="\0")
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # paths keep their letters
    try:
        parser.read_string(treeinfo.fetched.path.read_bytes().decode())
    except (configparser.Error, UnicodeDecodeError):
        return None
    if not (parser.has_section("general") or parser.has_section("release")):
        return None
    checksums = dict(_checksums(parser))
    paths = sorted({*checksums, *_images(parser)})
    if len(paths) > MOST_FILES:
        msg = f"{treeinfo.name} names {len(paths)} files, and no tree has more than {MOST_FILES}. Nothing was changed."
        raise PluginError(msg)
    family = _first(parser, ("general", "family"), ("release", "name"))
    version = _first(parser, ("general", "version"), ("release", "version"))
    arch = _first(parser, ("general", "arch"), ("tree", "arch"))
    variant = _first(parser, ("general", "variant"), ("tree", "variants"))
    timestamp = _first(parser, ("general", "timestamp"), ("tree", "build_timestamp"))
    try:
        unit = Distribution(
            id=f"ks-{family}-{variant}-{version}-{arch}",
            family=family,
            variant=variant,
            version=version,
            arch=arch,
            timestamp=_number(timestamp),
            packagedir=_first(parser, ("general", "packagedir")),
            treeinfo=treeinfo.name,
            files=[
                {"relativepath": path, "checksumtype": kind, "checksum": checksum}
                for path in paths
                for kind, checksum in (checksums.get(path) or (None, None),)
            ],
        ).hold(treeinfo.fetched, path=treeinfo.name)
        for path in paths:
            kind, checksum = checksums.get(path) or (None, None)
            digests = {kind: checksum} if kind is not None and checksum is not None else {}
            unit = unit.file(source.url(path), path=path, size=None, **digests)
    except ValidationError as error:
        raise PluginError(f"{treeinfo.name} lacks what it must have: {error.error_count()} fields are wrong.") from error
    except ValueError as error:
        raise PluginError(f"{treeinfo.name}: {error}. Nothing was changed.") from error
    return unit


def _checksums(parser: configparser.ConfigParser) -> Iterator[tuple[str, tuple[str, str]]]:
    if not parser.has_section("checksums"):
        return
    for path, value in parser.items("checksums"):
        if path.startswith("repodata/"):
            continue  # metadata is made anew, and never that of the feed
        problem = path_problem(path)
        if problem:
            raise PluginError(f"a treeinfo names the file {path[:255]!r}, which {problem}. Nothing was changed.")
        kind, _, checksum = value.partition(":")
        yield path, (digest_type(kind.strip(), f"{path} in a treeinfo"), checksum.strip().lower())


def _images(parser: configparser.ConfigParser) -> Iterator[str]:
    """Yield the files that no checksum is given for."""
    for section in parser.sections():
        if not section.startswith("images-") and section != "stage2":
            continue
        for _, path in parser.items(section):
            if path and path_problem(path) is None and not path.startswith("repodata/"):
                yield path


def _first(parser: configparser.ConfigParser, *places: tuple[str, str]) -> str:
    for section, key in places:
        value = parser.get(section, key, fallback="").strip()
        if value:
            return value
    return ""


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None

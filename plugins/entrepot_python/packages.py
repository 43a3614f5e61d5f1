"""From what a page offers to units: the metadata files are fetched, or taken over from the units that are held."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic import ValidationError

from entrepot.plugin import FetchedFile, SyncConduit
from entrepot_python.core_metadata import LARGEST, CoreMetadata, read_metadata
from entrepot_python.filenames import ParsedFilename
from entrepot_python.index_pages import OfferedFile
from entrepot_python.unit import METADATA_SUFFIX, PythonPackage

LONGEST_TEXT = 1000  # characters of what a page says of a file
LONGEST_SHOWN = 200  # characters of a name that a message repeats
_PLAIN = re.compile(r"[A-Za-z0-9._~/+!=-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ufeff]")


class WantedFile(NamedTuple):
    """A file that is to be a unit: what the page says of it, and what its name says."""

    offered: OfferedFile
    parsed: ParsedFilename


def packages_of(ctx: SyncConduit, batch: list[WantedFile]) -> Iterator[PythonPackage]:
    """Yield the units of some files, with their metadata files: those that are held already are not fetched again."""
    names = {wanted.parsed.project for wanted in batch}
    held = {unit.filename: unit for unit in ctx.units(PythonPackage, names=names)}
    to_fetch = {
        wanted.offered.filename: _metadata_url(ctx.feed, wanted.offered.url)
        for wanted in batch
        if wanted.offered.has_metadata and not _is_held(wanted.offered, held.get(wanted.offered.filename))
    }
    arrived = dict(ctx.find_all(dict.fromkeys(to_fetch.values()))) if to_fetch else {}
    for offered, parsed in batch:
        known = held.get(offered.filename)
        fetched = arrived.get(to_fetch[offered.filename]) if offered.filename in to_fetch else None
        problem = _metadata_problem(offered, fetched) if fetched is not None else None
        if problem:
            ctx.error(shown_name(offered.filename), problem)
            continue
        try:
            unit = _unit(offered, parsed, fetched, known if offered.filename not in to_fetch else None)
            unit.file(_below(ctx.feed, offered.url), path=offered.filename, size=offered.size, **offered.digests)
            if fetched is not None:
                unit.hold(fetched, path=unit.metadata_filename)
            elif unit.metadata_sha256 is not None:
                unit.file(_metadata_url(ctx.feed, offered.url), path=unit.metadata_filename, sha256=unit.metadata_sha256)
        except (ValidationError, ValueError) as error:
            ctx.error(shown_name(offered.filename), f"it cannot be a package: {_first(error)}")
            continue
        yield unit


def _unit(
    offered: OfferedFile, parsed: ParsedFilename, fetched: FetchedFile | None, known: PythonPackage | None
) -> PythonPackage:
    """Return the unit; what its metadata says comes from the file that was fetched, or from the unit that is held."""
    fields: dict[str, Any] = {}
    if fetched is not None:
        fields = {"metadata_sha256": fetched.sha256, **fields_of_metadata(read_metadata(fetched.path.read_bytes()))}
    elif known is not None and offered.has_metadata:
        fields = {name: getattr(known, name) for name in ("metadata_sha256", "summary", "author", "license")}
    return PythonPackage(
        **fields_of_filename(offered.filename, parsed),
        requires_python=_text(offered.requires_python),
        yanked=offered.yanked,
        yanked_reason=_text(offered.yanked_reason),
        sha256=offered.digests.get("sha256"),
        digests={} if "sha256" in offered.digests else dict(offered.digests),
        source=None if offered.digests else offered.url,
        size=offered.size,
        upload_time=offered.upload_time,
        **fields,
    )


def _is_held(offered: OfferedFile, known: PythonPackage | None) -> bool:
    """Say whether the metadata file of an offered file is that of the unit that the repository holds under its name."""
    if known is None or known.metadata_sha256 is None or known.sha256 is None:
        return False
    return (
        known.sha256 == offered.digests.get("sha256")
        and offered.metadata_digests.get("sha256", known.metadata_sha256) == known.metadata_sha256
    )


def _metadata_problem(offered: OfferedFile, fetched: FetchedFile) -> str | None:
    if fetched.size > LARGEST:
        return f"its metadata file has {fetched.size} bytes, and {LARGEST} are the most"
    data = b"" if offered.metadata_digests.keys() <= {"sha256"} else fetched.path.read_bytes()
    for algorithm, promised in offered.metadata_digests.items():
        digest = fetched.sha256 if algorithm == "sha256" else hashlib.new(algorithm, data, usedforsecurity=False).hexdigest()
        if digest != promised:
            return f"its metadata file has another {algorithm} than the index page says: {digest}, not {promised[:128]}"
    return None


def fields_of_filename(filename: str, parsed: ParsedFilename) -> dict[str, Any]:
    """Return the fields of a unit that its file's name says."""
    return {
        "filename": filename,
        "name": parsed.project,
        "version": str(parsed.version),
        "packagetype": parsed.packagetype,
    }


def fields_of_metadata(metadata: CoreMetadata) -> dict[str, Any]:
    """Return the fields of a unit that only its metadata says."""
    return {"summary": metadata.summary, "author": metadata.author, "license": metadata.license}


def _below(feed: str, url: str) -> str:
    """Return `url` as a path below the feed if it is one, so that it stays right when the feed moves; else as it is."""
    folder = feed.partition("?")[0].rstrip("/") + "/"
    path = url.removeprefix(folder)
    return path if path != url and _PLAIN.fullmatch(path) and not path.startswith("/") else url


def _metadata_url(feed: str, url: str) -> str:
    """Return the address of a file's metadata file. Source: PEP 658."""
    path, question_mark, query = url.partition("?")
    return _below(feed, path + METADATA_SUFFIX + question_mark + query)


def _text(text: str | None) -> str | None:
    """Return what a page says, fit to be kept: not too long, no control characters, and no halves of characters."""
    if text is None:
        return None
    return _CONTROL.sub(" ", text)[:LONGEST_TEXT].strip().encode("utf-8", "replace").decode() or None


def _first(error: Exception) -> str:
    if isinstance(error, ValidationError):
        item = error.errors(include_url=False)[0]
        return f"{'.'.join(map(str, item['loc']))}: {item['msg']}"
    return str(error)


def shown_name(name: str) -> str:
    """Return a name fit for a message: short, and nothing in it that a terminal would obey."""
    return name if name.isprintable() and 0 < len(name) <= LONGEST_SHOWN else repr(name[:LONGEST_SHOWN])

"""Makes units of primary, filelists and other, each with a document of its texts; see `package_texts`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

from pydantic import ValidationError

from entrepot.plugin import PluginError
from entrepot_rpm.feed import digest_type, location
from entrepot_rpm.package_texts import NotAsItIsError, PackageFiles, Texts, texts_as_they_are, texts_written_anew
from entrepot_rpm.snippets import location_of, pack_many
from entrepot_rpm.units import Rpm, Srpm

if TYPE_CHECKING:
    from entrepot.plugin import SyncConduit

_PLAIN = re.compile(r"[A-Za-z0-9_.+~^/-]+")
_AHEAD = 2  # batches that are packed while the next one is read


def read_packages(ctx: SyncConduit, files: PackageFiles) -> Iterator[Rpm | Srpm]:
    """Yield each package that the feed offers, once, with its file and its document.

    What cannot be taken (a path that leaves the repository, two contents under one path) is refused by `ctx.error`.

    Raises:
        PluginError: the files are damaged, or do not belong together.

    """
    try:
        yield from _documented(ctx, files, texts_as_they_are(files))
    except NotAsItIsError:
        yield from _documented(ctx, files, texts_written_anew(files))


def _documented(ctx: SyncConduit, files: PackageFiles, batches: Iterator[list[Texts]]) -> Iterator[Rpm | Srpm]:
    """Make units, and their documents in a thread: compression leaves the interpreter to others."""
    waiting: list[tuple[list[Rpm | Srpm], Future[list[bytes]]]] = []
    with ThreadPoolExecutor(1, thread_name_prefix="snippets") as packer:
        for batch in batches:
            units, snippets = [], []
            for texts in batch:
                unit = _unit(ctx, files, texts.package)
                if unit is not None:
                    units.append(unit)
                    snippets.append((_placed(texts.primary, unit.filename), texts.filelists, texts.other))
            ctx.checkpoint()
            if units:
                waiting.append((units, packer.submit(pack_many, snippets)))
            if len(waiting) > _AHEAD:
                yield from _finished(*waiting.pop(0))
        for units, documents in waiting:
            yield from _finished(units, documents)


def _finished(units: list[Rpm | Srpm], documents: Future[list[bytes]]) -> Iterator[Rpm | Srpm]:
    for unit, document in zip(units, documents.result(), strict=True):
        yield unit.with_document(document)


def _unit(ctx: SyncConduit, files: PackageFiles, package: Any) -> Rpm | Srpm | None:  # noqa: ANN401 - createrepo_c has no types
    """Return the unit of a package; None if it was there already, or is refused."""
    try:
        item = f"{package.name}-{package.version}-{package.release}.{package.arch}"
        url, filename = location(package.location_href or "", package.location_base, "it")
        checksum = str(package.pkgId)
        if not _is_new(files, url, filename, checksum):
            return None
        kind = digest_type(package.checksum_type or "", item)
        unit_type = Srpm if package.arch == "src" else Rpm
        unit = unit_type(**package_fields(package), checksumtype=kind, checksum=checksum, filename=filename, relativepath=url)
        if files.modular and unit.key_values[:5] in files.modular:
            unit = unit.model_copy(update={"is_modular": True})
        digests = {kind: checksum}
        return unit.file(files.source.url(url), path=filename, size=package.size_package, **digests)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors())
        ctx.error(item, f"what primary says of it cannot be: {problems}")
    except UnicodeDecodeError:
        ctx.error(str(package.pkgId), "what primary says of it is not UTF-8")
    except ValueError as error:
        ctx.error(item, str(error))
    except PluginError as error:
        ctx.error(item, error.message)
    return None


def package_fields(package: Any) -> dict[str, Any]:  # noqa: ANN401 - createrepo_c has no types
    """Return the fields of a package that stand in its header, and what was measured of its file."""
    return {
        "name": package.name,
        "epoch": package.epoch or "0",
        "version": package.version,
        "release": package.release,
        "arch": package.arch,
        "summary": package.summary,
        "description": package.description,
        "license": package.rpm_license,
        "vendor": package.rpm_vendor,
        "group": package.rpm_group,
        "buildhost": package.rpm_buildhost,
        "sourcerpm": package.rpm_sourcerpm,
        "url": package.url,
        "packager": package.rpm_packager,
        "size": package.size_package,
        "size_installed": package.size_installed,
        "size_archive": package.size_archive,
        "time": package.time_file,
        "build_time": package.time_build,
        "header_start": package.rpm_header_start,
        "header_end": package.rpm_header_end,
    }


def _is_new(files: PackageFiles, url: str, filename: str, checksum: str) -> bool:
    """Return False for a package that is listed again, or again elsewhere under its name: the first one stays, as in Pulp.

    Raises:
        PluginError: one location is to hold two contents.

    """
    known = files.names.setdefault(filename, checksum)
    if known is checksum:
        if url != filename:
            files.places[url] = checksum
        return True
    if known != checksum and (url == filename or files.places.get(url, checksum) != checksum):
        raise PluginError(f"the feed lists {url} twice, with different content")
    return False


def _placed(primary: bytes, filename: str) -> bytes:
    """Return the snippet with the location that the package is published under."""
    place = f"<location href={_attribute(location_of(filename))}/>".encode()
    if place in primary:
        return primary + b"\n"
    start = primary.rindex(b"<location")
    end = primary.index(b">", start) + 1
    return primary[:start] + place + primary[end:] + b"\n"


def _attribute(text: str) -> str:
    return f'"{text}"' if _PLAIN.fullmatch(text) else quoteattr(text)

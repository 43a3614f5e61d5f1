"""The python_importer: the wheels and source distributions of the projects that are named, from a simple index."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from entrepot.plugin import (
    JSON,
    FetchedFile,
    ImportConduit,
    Importer,
    ImporterConfig,
    PluginError,
    SyncConduit,
    TextList,
    Unit,
    WholeNumber,
    path_problem,
)
from entrepot_python.core_metadata import CoreMetadata, extract_metadata, read_metadata
from entrepot_python.filenames import ParsedFilename, parse_filename
from entrepot_python.index_pages import ACCEPT, read_page
from entrepot_python.packages import LONGEST_TEXT, WantedFile, fields_of_filename, fields_of_metadata, packages_of, shown_name
from entrepot_python.selection import PLATFORMS, Requirements, Selection
from entrepot_python.unit import PythonPackage

PACKAGE_TYPES = ("bdist_wheel", "sdist")
_TOGETHER = 200  # files whose metadata is fetched together, and whose projects are looked up together
_FREE: tuple[str, ...] = ("yanked", "yanked_reason", "upload_time")  # fields that a client may say of an upload
_SIMPLE = ("simple", "+simple")  # the last segment of an address that is the index itself; the second is devpi's


class PythonImporterConfig(ImporterConfig):
    """The keys of the python_importer. Source: Pulp 2 (`package_names`), Pulp 3 (the others)."""

    package_names: Requirements = Field([], description="Projects to sync, with versions if you like; none: nothing is synced.")
    includes: Requirements = Field([], description="The same, by the name that Pulp 3 gives it; both together count.")
    excludes: Requirements = Field([], description="Projects or versions of them to leave out.")
    prereleases: bool = Field(default=False, description="Sync pre-releases too, even where no version names one.")
    package_types: TextList = Field([], description="Kinds of files: sdist, bdist_wheel; both by default.")
    keep_latest_packages: WholeNumber | None = Field(None, ge=0, description="Newest versions of each project; all by default.")
    exclude_platforms: TextList = Field([], description="Wheels to leave out: those for freebsd, linux, macos, windows only.")

    @field_validator("package_types")
    @classmethod
    def _types_are_known(cls, value: list[str]) -> list[str]:
        return _among(value, PACKAGE_TYPES)

    @field_validator("exclude_platforms")
    @classmethod
    def _platforms_are_known(cls, value: list[str]) -> list[str]:
        return _among(value, tuple(PLATFORMS))


class PythonImporter(Importer):
    """Import from an index that speaks PEP 503 or PEP 691.

    The feed is the index (`…/simple/`) or the folder that it is in. Only the pages of projects that are named are fetched;
    when none is named, nothing is synced.
    """

    display_name = "Python Importer"  # as in Pulp 2
    unit_types = (PythonPackage,)
    can_defer = True
    Config = PythonImporterConfig

    def sync(self, ctx: SyncConduit) -> Iterator[PythonPackage]:
        """Yield each file that is wanted of the projects that are named; metadata files are fetched now, whatever the policy.

        A project that the feed does not have is refused, unless the repository has something of it: then it was taken back.

        Raises:
            PluginError: a page is not what the format asks for, or the feed has none of the projects.

        """
        selection = Selection.of(ctx.config)
        if not selection.projects:
            return
        pages = _fetch_pages(ctx, selection.projects)
        known = [f"{project} {page.sha256}" for project, (_, page) in sorted(pages.items())]
        missing = [project for project in selection.projects if project not in pages]
        token = hashlib.sha256("\n".join([*known, *missing]).encode()).hexdigest()
        if not self._refuse_unknown(ctx, missing) and ctx.unchanged(token):
            return
        wanted = _wanted(ctx, selection, pages)
        while batch := list(islice(wanted, _TOGETHER)):
            yield from packages_of(ctx, batch)

    def upload(
        self,
        ctx: ImportConduit,  # noqa: ARG002 - a part of the interface
        unit_type: type[Unit],  # noqa: ARG002 - there is only one
        upload: FetchedFile,
        key: Mapping[str, JSON],
        metadata: Mapping[str, JSON],
    ) -> Iterator[PythonPackage]:
        """Yield the package that was uploaded; what it is stands in it, the client must only give its `filename`.

        The client may say `yanked`, `yanked_reason` and `upload_time`; other fields, if given, must be true.

        Raises:
            PluginError: it is no package, or what is said of it is not true.

        """
        said = {**metadata, **key}
        filename = said.get("filename")
        parsed = parse_filename(filename) if isinstance(filename, str) and not path_problem(filename) else None
        if parsed is None or not isinstance(filename, str):
            raise PluginError(
                "give the unit key's filename: that of a wheel or source distribution, as in six-1.0-py3-none-any.whl"
            )
        text = extract_metadata(upload.path, filename, parsed)
        told = read_metadata(text)
        _check(filename, parsed, told)
        digest = hashlib.sha256(text).hexdigest()
        is_wheel = parsed.packagetype == "bdist_wheel"
        fields: dict[str, Any] = {
            **fields_of_filename(filename, parsed),
            "sha256": upload.sha256,
            "size": upload.size,
            "metadata_sha256": digest if is_wheel else None,
            "requires_python": told.requires_python,
            **fields_of_metadata(told),
        }
        free = {name: said[name] for name in _FREE if name in said}
        for name, value in said.items():
            if name not in free and (name not in fields or fields[name] != value):
                raise PluginError(
                    f"{filename}: the {name} that was given is not what the file says. Leave it out, or correct it."
                )
        unit = PythonPackage.from_fields({**fields, **free}).hold(upload, path=filename)
        if not is_wheel:
            yield unit
            return
        with TemporaryDirectory(prefix="entrepot-") as folder:
            file = Path(folder, "METADATA")
            file.write_bytes(text)
            yield unit.hold(FetchedFile(file, digest, len(text)), path=unit.metadata_filename)

    def _refuse_unknown(self, ctx: SyncConduit, missing: list[str]) -> bool:
        """Refuse the projects that the feed does not have and never had; return whether there are any."""
        held = {unit.name for unit in ctx.units(PythonPackage, names=missing)} if missing else set()
        unknown = [project for project in missing if project not in held]
        for project in unknown:
            ctx.error(project, "the feed has no project of this name; correct package_names, or leave it out")
        return bool(unknown)


def _fetch_pages(ctx: SyncConduit, projects: list[str]) -> dict[str, tuple[str, FetchedFile]]:
    """Return the address and the page of each project that the feed has.

    Raises:
        PluginError: it has none of them.

    """
    parts = urlsplit(ctx.feed)
    folder = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}/"
    last = "index.html" if parts.scheme == "file" else ""  # a folder of a file system has no page of its own
    is_index = parts.path.rstrip("/").rpartition("/")[2] in _SIMPLE
    for base in ("",) if is_index else ("simple/", ""):
        paths = {f"{base}{project}/{last}": project for project in projects}
        found = {paths[path]: (folder + path, page) for path, page in ctx.find_all(paths, accept=ACCEPT) if page is not None}
        if found:
            return found
    raise PluginError(
        f"The feed has none of the projects that are named ({', '.join(projects[:5])}{', …' if len(projects) > 5 else ''})."  # noqa: PLR2004
        " It must be the address of a simple index, as pip's --index-url. Nothing was changed.",
    )


def _wanted(ctx: SyncConduit, selection: Selection, pages: Mapping[str, tuple[str, FetchedFile]]) -> Iterator[WantedFile]:
    """Yield what is wanted of each page, project by project; what may not be published is refused alone."""
    for project, (url, page) in sorted(pages.items()):
        taken: dict[str, WantedFile] = {}
        for offered in read_page(page, project, url):
            ctx.checkpoint()
            problem = offered.problem or (
                path_problem(offered.filename) if len(offered.filename) < LONGEST_TEXT else "is too long"
            )
            if problem:
                ctx.error(shown_name(offered.filename), problem)
                continue
            parsed = parse_filename(offered.filename, project)
            if parsed is None or not selection.takes(parsed):
                continue
            before = taken.setdefault(offered.filename, WantedFile(offered, parsed))
            if before.offered != offered:
                ctx.error(shown_name(offered.filename), "the index page names it twice, with different content")
        yield from selection.newest(
            taken.values(), version=lambda file: file.parsed.version, is_yanked=lambda file: file.offered.yanked
        )


def _check(filename: str, parsed: ParsedFilename, told: CoreMetadata) -> None:
    """Refuse a file whose metadata is of another project or version than its name."""
    inside = parse_filename(f"{(told.name or '').replace('-', '_')}-{told.version}.tar.gz")
    if inside is None or (inside.project, inside.version) != (parsed.project, parsed.version):
        raise PluginError(
            f"{filename} is {told.name} {told.version} by what is in it. Upload it under the name that it was built with."
        )


def _among(values: Iterable[str], known: tuple[str, ...]) -> list[str]:
    given = list(values)
    unknown = [value for value in given if value not in known]
    if unknown:
        raise ValueError(f"{unknown[0][:40]!r} is none of {', '.join(known)}")
    return given

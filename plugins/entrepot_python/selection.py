"""Which projects, versions and files of an index are wanted; no I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias, TypeVar

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version
from pydantic import BeforeValidator

from entrepot_python.filenames import ParsedFilename

#: How the platform tags begin that `exclude_platforms` may name. Source: Pulp 3, python plugin.
PLATFORMS = {
    "freebsd": ("freebsd",),
    "linux": ("linux", "manylinux", "musllinux"),
    "macos": ("macosx",),
    "windows": ("win",),
}

_OPERATORS = "<>=!~"
FileT = TypeVar("FileT")


def _requirements(value: object) -> object:
    """Take a list, or text with commas between projects: a part that begins with an operator belongs to the one before it."""
    if isinstance(value, str):
        texts: list[str] = []
        for part in (part.strip() for part in value.split(",")):
            if part[:1] in tuple(_OPERATORS) and texts:
                texts[-1] += f",{part}"
            elif part:
                texts.append(part)
        value = texts
    if isinstance(value, list | tuple):
        for item in value:
            _read(item)
    return value


def _read(text: object) -> tuple[str, SpecifierSet]:
    """Return the normalised project and the versions that `text` names.

    Raises:
        ValueError: it is no requirement, or says more than a project and versions.

    """
    expected = "name a project, with versions if you like, as in 'six' or 'django>=4,<5'"
    if not isinstance(text, str):
        raise ValueError(f"must be a list of text: {expected}")  # noqa: TRY004 - pydantic takes ValueError as a refusal
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise ValueError(f"{text[:80]!r} is no requirement; {expected}") from error
    if requirement.url or requirement.marker or requirement.extras:
        raise ValueError(f"{text[:80]!r} says more than a project and its versions; {expected}")
    return canonicalize_name(requirement.name), requirement.specifier


#: Projects, each with versions if any: a list, or text with commas in it.
Requirements: TypeAlias = Annotated[list[str], BeforeValidator(_requirements)]


@dataclass(frozen=True, slots=True)
class Selection:
    """What is wanted. Of the versions that a project is named with, one that fits is enough; so it is with those left out."""

    includes: Mapping[str, tuple[SpecifierSet, ...]]  # by project
    excludes: Mapping[str, tuple[SpecifierSet, ...]]
    prereleases: bool
    package_types: frozenset[str]  # empty: all
    excluded_platforms: tuple[str, ...]  # how their tags begin
    keep_latest: int  # versions of each project; 0: all

    @classmethod
    def of(cls, config: Any) -> Selection:  # noqa: ANN401 - the importer's Config, which this module must not import
        """Return what a configuration of the importer asks for."""
        return cls(
            includes=_by_project([*config.package_names, *config.includes]),
            excludes=_by_project(config.excludes),
            prereleases=config.prereleases,
            package_types=frozenset(config.package_types),
            excluded_platforms=tuple(start for name in config.exclude_platforms for start in PLATFORMS[name]),
            keep_latest=config.keep_latest_packages or 0,
        )

    @property
    def projects(self) -> list[str]:
        """The projects that are named, but for those that are left out with all their versions; sorted."""
        return sorted(name for name in self.includes if not any(not str(each) for each in self.excludes.get(name, ())))

    def takes(self, file: ParsedFilename) -> bool:
        """Say whether a file is wanted, whatever other versions there are."""
        if self.package_types and file.packagetype not in self.package_types:
            return False
        if file.platforms and all(platform.startswith(self.excluded_platforms) for platform in file.platforms):
            return False
        if any(versions.contains(file.version, prereleases=True) for versions in self.excludes.get(file.project, ())):
            return False
        return any(self._contains(versions, file.version) for versions in self.includes.get(file.project, ()))

    def newest(
        self, files: Iterable[FileT], *, version: Callable[[FileT], Version], is_yanked: Callable[[FileT], bool]
    ) -> list[FileT]:
        """Return the files of the newest versions of one project, as many as are to be kept; yanked ones do not count."""
        all_files = list(files)
        if not self.keep_latest:
            return all_files
        versions = sorted({version(file) for file in all_files if not is_yanked(file)}, reverse=True)
        kept = set(versions[: self.keep_latest])
        return [file for file in all_files if version(file) in kept]

    def _contains(self, versions: SpecifierSet, version: Version) -> bool:
        """Say whether `versions` has `version`; a pre-release only if they are wanted, or if one is named."""
        return versions.contains(version, prereleases=self.prereleases or bool(versions.prereleases))


def _by_project(texts: Iterable[str]) -> dict[str, tuple[SpecifierSet, ...]]:
    found: dict[str, tuple[SpecifierSet, ...]] = {}
    for text in texts:
        project, versions = _read(text)
        found[project] = (*found.get(project, ()), versions)
    return found

"""The unit types of yum repositories, with the names, keys and fields that Pulp 2 gave them.

What a package says in primary, filelists and other is kept beside it as a document, see `snippets`; a module keeps its YAML.
What belongs to one repository (groups, defaults, unknown metadata) names it in its key: a copy makes a unit of its own.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from entrepot.plugin import Unit
from entrepot_rpm.versions import package_order

_Text = Annotated[str, Field(min_length=1, max_length=255)]
_Size = Annotated[int, Field(ge=0, le=2**62)]  # bytes
_Moment = Annotated[int, Field(ge=0, le=2**62)]  # seconds since 1970
_Digest = Annotated[str, Field(pattern=r"^[0-9a-f]+\z")]
_Names = list[str]
_Translations = dict[str, str]  # language -> text


class Package(Unit):
    """What `Rpm` and `Srpm` share. The file is declared under `filename`; the document holds the snippets of its metadata."""

    name: _Text
    epoch: _Text
    version: _Text
    release: _Text
    arch: _Text
    checksumtype: _Text
    checksum: _Digest
    summary: str | None = None
    description: str | None = None
    license: str | None = None
    vendor: str | None = None
    group: str | None = None
    buildhost: str | None = None
    sourcerpm: str | None = None
    url: str | None = None
    packager: str | None = None
    size: _Size = 0
    size_installed: _Size = 0
    size_archive: _Size = 0
    time: _Moment = 0  # of the file
    build_time: _Moment = 0
    filename: _Text
    relativepath: str  # where the feed has it; below the repository unless it is an address
    header_start: _Size = 0
    header_end: _Size = 0
    signing_key: str | None = None  # last 8 hex digits of the key's id; None while the file has not been looked into
    is_modular: bool = False  # listed by a module of the feed, which decides whether it is offered

    def version_order(self) -> Any:  # noqa: ANN401 - as the engine asks
        """Return what sorts versions as rpm does."""
        return package_order(self.epoch, self.version, self.release)

    @property
    def nevra(self) -> str:
        """The name by which modules list packages: name-epoch:version-release.arch."""
        return f"{self.name}-{self.epoch}:{self.version}-{self.release}.{self.arch}"


_PACKAGE_KEY = ("name", "epoch", "version", "release", "arch", "checksumtype", "checksum")
_NEVRA = _PACKAGE_KEY[:5]  # a package that was built again takes the place of the first build, as in Pulp


class Rpm(Package, type_id="rpm", key=_PACKAGE_KEY, repository_key=_NEVRA, lineage=("name", "arch")):
    """A binary package."""


class Srpm(Package, type_id="srpm", key=_PACKAGE_KEY, repository_key=_NEVRA, lineage=("name", "arch")):
    """A source package."""


class Drpm(
    Unit, type_id="drpm", key=("epoch", "version", "release", "filename", "checksumtype", "checksum"), name="new_package"
):
    """What turns an older package into a newer one; its file is declared under the last segment of `filename`."""

    new_package: _Text  # name of the package
    arch: _Text
    epoch: _Text
    version: _Text
    release: _Text
    oldepoch: _Text
    oldversion: _Text
    oldrelease: _Text
    filename: _Text  # where the feed has it, below the repository
    sequence: str
    size: _Size
    checksumtype: _Text
    checksum: _Digest


class Erratum(Unit, type_id="erratum", key=("id",), revised=True):
    """An advisory. `pkglist`: collections of {name, short, module, packages}, the packages as Pulp 2 has them.

    A package: name, epoch, version, release, arch, src, filename, sum ([type, digest] or null), and the three `…_suggested`.
    A module: name, stream, version, context, arch; null where the collection is of none.
    """

    id: _Text
    title: str | None = None
    summary: str | None = None
    description: str | None = None
    version: str | None = None
    issued: str | None = None  # as the feed writes it: YYYY-MM-DD HH:MM:SS, UTC
    updated: str | None = None
    severity: str | None = None
    type: str | None = None
    status: str | None = None
    rights: str | None = None
    release: str | None = None
    pushcount: str | None = None
    solution: str | None = None
    errata_from: str | None = None  # who sent it
    reboot_suggested: bool = False
    references: list[dict[str, str | None]] = Field([])  # href, id, title, type
    pkglist: list[dict[str, Any]] = Field([])


class PackageGroup(Unit, type_id="package_group", key=("id", "repo_id"), revised=True, name="id"):
    """A group of comps."""

    id: _Text
    repo_id: _Text
    name: str | None = None
    description: str | None = None
    default: bool = False
    user_visible: bool = True
    langonly: str | None = None
    display_order: int | None = None
    mandatory_package_names: _Names = Field([])
    default_package_names: _Names = Field([])
    optional_package_names: _Names = Field([])
    conditional_package_names: list[tuple[str, str]] = Field([])  # package, the one that it comes with
    base_arch_only: _Names = Field([])  # those of the packages that come for the base architecture alone
    translated_name: _Translations = Field({})
    translated_description: _Translations = Field({})

    @property
    def package_names(self) -> frozenset[str]:
        """All packages that the group names."""
        conditional = [name for name, _ in self.conditional_package_names]
        return frozenset(
            (*self.mandatory_package_names, *self.default_package_names, *self.optional_package_names, *conditional)
        )


class PackageCategory(Unit, type_id="package_category", key=("id", "repo_id"), revised=True, name="id"):
    """A category of comps: groups under one heading."""

    id: _Text
    repo_id: _Text
    name: str | None = None
    description: str | None = None
    display_order: int | None = None
    packagegroupids: _Names = Field([])
    translated_name: _Translations = Field({})
    translated_description: _Translations = Field({})


class PackageEnvironment(Unit, type_id="package_environment", key=("id", "repo_id"), revised=True, name="id"):
    """An environment of comps: groups that make a system. `options`: {group, default} each."""

    id: _Text
    repo_id: _Text
    name: str | None = None
    description: str | None = None
    display_order: int | None = None
    group_ids: _Names = Field([])
    options: list[dict[str, str | bool]] = Field([])
    translated_name: _Translations = Field({})
    translated_description: _Translations = Field({})


class PackageLangpacks(Unit, type_id="package_langpacks", key=("repo_id",), revised=True):
    """What comps says of language packs: {name, install} each."""

    repo_id: _Text
    matches: list[dict[str, str]] = Field([])


class Modulemd(Unit, type_id="modulemd", key=("name", "stream", "version", "context", "arch")):
    """A module. Its document is its YAML as the feed has it, from `---` on."""

    name: _Text
    stream: _Text
    version: int
    context: str = ""
    arch: str = ""
    summary: str | None = None
    description: str | None = None
    artifacts: _Names = Field([])  # name-epoch:version-release.arch
    profiles: dict[str, _Names] = Field({})  # profile -> packages
    dependencies: list[dict[str, _Names]] = Field([])  # alternatives, each: module -> streams
    checksum: _Digest  # SHA-256 of the document


class ModulemdDefaults(Unit, type_id="modulemd_defaults", key=("name", "repo_id"), revised=True):
    """Which stream and profiles of a module are the default. Its document is its YAML."""

    name: _Text
    repo_id: _Text
    stream: str | None = None
    profiles: dict[str, _Names] = Field({})  # stream -> profiles
    checksum: _Digest


class ModulemdObsoletes(Unit, type_id="modulemd_obsoletes", key=("name", "stream", "context", "modified"), revised=True):
    """When a stream of a module ends, and what comes after it. Its document is its YAML."""

    name: _Text
    stream: _Text
    context: str = ""
    modified: str
    message: str | None = None
    checksum: _Digest


class Distribution(Unit, type_id="distribution", key=("id", "family", "variant", "version", "arch"), revised=True):
    """An installable tree. Its files are declared under their paths below the repository, `treeinfo` being one of them."""

    id: _Text
    family: str
    variant: str = ""
    version: str
    arch: str
    timestamp: float | None = None  # of the build, seconds since 1970
    packagedir: str | None = None
    treeinfo: _Text = ".treeinfo"  # the name of the file that describes it, which is held
    files: list[dict[str, str | None]] = Field([])  # relativepath, checksumtype, checksum


class YumMetadataFile(Unit, type_id="yum_repo_metadata_file", key=("data_type", "repo_id"), revised=True):
    """A file of `repomd.xml` that is of no known type, published as it is. Its file is held under `filename`."""

    data_type: _Text
    repo_id: _Text
    filename: _Text
    checksumtype: _Text
    checksum: _Digest
    size: _Size
    open_checksum: str | None = None  # of the same type
    open_size: _Size | None = None


UNIT_TYPES: tuple[type[Unit], ...] = (
    Rpm,
    Srpm,
    Drpm,
    Erratum,
    PackageGroup,
    PackageCategory,
    PackageEnvironment,
    PackageLangpacks,
    Modulemd,
    ModulemdDefaults,
    ModulemdObsoletes,
    Distribution,
    YumMetadataFile,
)

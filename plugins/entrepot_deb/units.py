"""The three unit types: a package, and the components and releases that list packages.

Names and keys are those of Pulp 2. A component holds the list of its packages, by the ids of their units: the same package
may stand in many components, of one repository or of several. A name in that list which the repository does not hold
means nothing, so that packages can be removed without touching it.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from entrepot.plugin import Unit
from entrepot_deb.versions import Order, version_order

# More than Debian Policy allows, for the sake of other archives; nothing that would leave a folder or break a line, and
# nothing so long that name, version and architecture make no file name.
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9+._-]*\z", max_length=100)]
Version = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+:~_-]*\z", max_length=100)]
Architecture = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*\z", max_length=32)]
_WORD = "[A-Za-z0-9][A-Za-z0-9+._~:-]*"
COMPONENT_NAME = rf"{_WORD}(/{_WORD})*"  # may have folders
DISTRIBUTION = rf"\./|{COMPONENT_NAME}/?"  # a path below `dists`, or that of a flat release, which ends with a slash
Distribution = Annotated[str, Field(pattern=rf"^({DISTRIBUTION})\z", max_length=255)]
ComponentName = Annotated[str, Field(pattern=rf"^({COMPONENT_NAME})\z", max_length=255)]

DEFAULT_DISTRIBUTION = "default"  # where packages go that nobody puts anywhere; as in Pulp 2
DEFAULT_COMPONENT = "all"


class Deb(
    Unit, type_id="deb", key=("name", "version", "architecture", "checksumtype", "checksum"), lineage=("name", "architecture")
):
    """A binary package. Its document is its paragraph of a Packages file without the field Filename; its file is the .deb."""

    name: Name
    version: Version
    architecture: Architecture
    checksumtype: str
    checksum: Annotated[str, Field(pattern=r"^[0-9a-f]+\z")]
    size: Annotated[int, Field(ge=0, lt=2**62)]  # bytes
    filename: str  # the name of its file, without folders
    source: str | None = None
    maintainer: str | None = None
    section: str | None = None
    priority: str | None = None
    homepage: str | None = None
    description: str | None = None  # the first line
    installed_size: Annotated[int, Field(ge=0, lt=2**62)] | None = None  # KiB, as the package says
    multi_arch: str | None = None
    pre_depends: str | None = None  # these as the package writes them
    depends: str | None = None
    recommends: str | None = None
    suggests: str | None = None
    provides: str | None = None
    conflicts: str | None = None
    breaks: str | None = None
    replaces: str | None = None

    def version_order(self) -> Order:
        """Return what sorts the versions of a package as dpkg does."""
        return version_order(self.version)


class DebComponent(Unit, type_id="deb_component", key=("name", "distribution", "repoid"), revised=True):
    """A component of a release in one repository, with its packages."""

    name: ComponentName
    distribution: Distribution
    repoid: str
    architectures: tuple[str, ...] = ()  # sorted; those that it has an index for, without `all`
    packages: tuple[str, ...] = ()  # ids of units of type `deb`, sorted


class DebRelease(Unit, type_id="deb_release", key=("distribution", "repoid"), revised=True):
    """A release, as in `deb URL distribution …`, in one repository. Without a codename or suite it has none."""

    distribution: Distribution
    repoid: str
    codename: str | None = None
    suite: str | None = None
    origin: str | None = None
    label: str | None = None
    version: str | None = None
    description: str | None = None
    architectures: tuple[str, ...] = ()  # sorted, without `all`
    components: tuple[str, ...] = ()  # sorted

"""The one unit type: a wheel or a source distribution."""

from __future__ import annotations

from typing import Annotated

from packaging.version import Version
from pydantic import Field

from entrepot.plugin import Unit
from entrepot_python.filenames import PackageType

METADATA_SUFFIX = ".metadata"  # of the file that holds a wheel's metadata. Source: PEP 658

UPLOAD_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z\z"  # Source: PEP 700
_SHA256 = r"^[0-9a-f]{64}\z"


class PythonPackage(Unit, type_id="python_package", key=("filename",), revised=True, name="name", lineage=("name",)):
    """One file of a project: `filename`, and beside a wheel often `<filename>.metadata`, so that pip need not fetch the wheel.

    What an index says of a file may change: it is yanked, say. Then that is a new revision with the same bytes. And two
    indices may have different files of one name; a repository holds one of them.
    """

    filename: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+!~-]*\z", max_length=200)]
    name: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*\z")]  # of the project, normalised. Source: PEP 503
    version: str  # normalised. Source: PEP 440
    packagetype: PackageType
    requires_python: str | None = None  # a specifier, as the project wrote it
    yanked: bool = False
    yanked_reason: str | None = None  # None: none was given
    sha256: Annotated[str, Field(pattern=_SHA256)] | None = None  # None when the feed does not say
    digests: dict[str, str] = Field(default_factory=dict)  # algorithm -> hex, for want of a SHA-256
    source: str | None = None  # where it comes from, if the feed says no digest: else files of two feeds would be one unit
    size: Annotated[int, Field(ge=0)] | None = None  # bytes; None when the feed does not say
    upload_time: Annotated[str, Field(pattern=UPLOAD_TIME)] | None = None  # as the feed says it
    metadata_sha256: Annotated[str, Field(pattern=_SHA256)] | None = None  # of the metadata file; None: there is none
    summary: str | None = None
    author: str | None = None
    license: str | None = None

    def version_order(self) -> Version:
        """Return what PEP 440 sorts by."""
        return Version(self.version)

    @property
    def metadata_filename(self) -> str:
        """The name of the metadata file, if there is one."""
        return self.filename + METADATA_SUFFIX

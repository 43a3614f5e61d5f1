"""A yum repository, laid out: what both distributors publish, and the keys that say how.

`Packages/<letter>/<file>` and `drpms/<file>` hold packages, `repodata/` what is said of them. What did not change since the
previous publication is not made anew, and the result is the same, byte for byte, as if it had been.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from entrepot.plugin import DistributorConfig, TextList
from entrepot_rpm.checksums import Checksums
from entrepot_rpm.comps_file import publish_comps
from entrepot_rpm.modules_file import publish_modules
from entrepot_rpm.other_files import publish_deltas, publish_distributions, publish_unknown_metadata
from entrepot_rpm.package_files import publish_packages
from entrepot_rpm.repodata import Repodata
from entrepot_rpm.sqlite_files import publish_databases
from entrepot_rpm.units import UNIT_TYPES
from entrepot_rpm.updateinfo_file import publish_errata

if TYPE_CHECKING:
    from entrepot.plugin.openpgp import Signer
    from entrepot_rpm.selection import Selection

ChecksumType = Literal["sha", "sha1", "sha224", "sha256", "sha384", "sha512"]


def _known(skip: list[str]) -> list[str]:
    known = [unit_type.type_id for unit_type in UNIT_TYPES]
    unknown = [name for name in skip if name not in known]
    if unknown:
        raise ValueError(f"names {', '.join(map(repr, unknown))}, which is no unit type; known are {', '.join(known)}")
    return skip


class TreeConfig(DistributorConfig):
    """The keys that both distributors know. `http` and `https` may be written for `serve_http` and `serve_https`.

    Source: Pulp 2, pulp_rpm (yum and export distributors).
    """

    checksum_type: ChecksumType | None = Field(
        None, description="Checksum to tell packages and metadata by; by default that of each package, and sha256."
    )
    updateinfo_checksum_type: ChecksumType | None = Field(
        None, description="Checksum to tell packages by in advisories; by default checksum_type."
    )
    skip: Annotated[TextList, AfterValidator(_known)] = Field([], description="Unit types to leave out.")
    force_full: bool = Field(default=False, description="Publish in full; said in the call, it holds for that call.")
    # Access by certificate is not checked yet.
    protected: bool = Field(default=False, description="Accepted, without effect.")
    auth_ca: str | None = Field(None, description="Accepted, without effect.")
    auth_cert: str | None = Field(None, description="Accepted, without effect.")
    https_ca: str | None = Field(None, description="Accepted, without effect.")

    @model_validator(mode="before")
    @classmethod
    def _pulp_spelling(cls, given: Any) -> Any:  # noqa: ANN401 - whatever pydantic was given
        if isinstance(given, dict):
            given = dict(given)
            for key in ("http", "https"):
                if key in given:
                    value = given.pop(key)
                    given.setdefault(f"serve_{key}", value)
        return given

    @model_validator(mode="after")
    def _is_served(self) -> Self:
        if not self.serve_http and not self.serve_https:
            raise ValueError("http and https cannot both be false: nobody could read what is published")
        return self


def publish_tree(
    selection: Selection,
    config: TreeConfig,
    *,
    keep_old: bool = False,
    with_databases: bool = False,
    signer: Signer | None = None,
) -> None:
    """Publish the units of `selection` as one yum repository; `keep_old` leaves metadata that was replaced beside the new.

    Raises:
        PluginError: a checksum is wanted that a package did not come with, and its bytes are not here.

    """
    pub = selection.pub
    repodata = Repodata(pub, checksum_type=config.checksum_type or "sha256", keep_old=keep_old)
    checksums = Checksums(pub, config.checksum_type, "checksum_type")
    if config.updateinfo_checksum_type is None:
        of_advisories = checksums
    else:
        of_advisories = Checksums(pub, config.updateinfo_checksum_type, "updateinfo_checksum_type")
    if with_databases:
        with tempfile.TemporaryDirectory(prefix="entrepot-sqlite-") as folder:
            touched = publish_packages(selection, repodata, checksums, copy_to=Path(folder))
            publish_databases(pub, repodata, Path(folder))
    else:
        touched = publish_packages(selection, repodata, checksums)
    publish_errata(selection, repodata, of_advisories, packages_touched=touched is None or bool(touched))
    publish_comps(selection, repodata)
    publish_modules(selection, repodata, touched)
    publish_deltas(selection, repodata)
    publish_distributions(selection)
    publish_unknown_metadata(selection, repodata)
    repodata.close(signer)

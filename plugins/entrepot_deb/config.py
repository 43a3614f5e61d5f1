"""What the deb_importer and the deb_distributor may be told."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from entrepot.plugin import ImporterConfig, TextList, path_problem
from entrepot.plugin.signing import SigningConfig
from entrepot_deb.units import DISTRIBUTION


def _releases(given: list[str]) -> list[str]:
    """Check the names of releases: paths below `dists`, or of flat releases, which end with a slash."""
    releases = []
    for name in given:
        is_flat = name.endswith("/")
        path = name.removesuffix("/").removeprefix("./")
        if path in ("", ".") and is_flat:
            releases.append("./")
            continue
        problem = path_problem(path)
        if problem:
            raise ValueError(f"the release {name!r} {problem}")
        release = f"{path}/" if is_flat else path
        if not re.fullmatch(DISTRIBUTION, release):
            raise ValueError(f"the release {name!r} has letters that no release's name has")
        releases.append(release)
    return list(dict.fromkeys(releases)) or ["stable"]


def _keys(given: object) -> object:
    """Take one armored text, or a list of them; commas are no separators here, as they are in other lists."""
    return [given] if isinstance(given, str) else given


class DebImporterConfig(ImporterConfig):
    """The keys of the deb_importer. Source: Pulp 2, pulp_deb (importer constants)."""

    releases: Annotated[TextList, AfterValidator(_releases)] = Field(
        ["stable"], description="Releases; flat ones end with a slash."
    )
    components: TextList = Field([], description="Components to import; all by default.")
    architectures: TextList = Field([], description="Architectures to import, besides `all`; all by default.")
    require_signature: bool | None = Field(
        None, description="Refuse releases without a signature; by default if keys are given."
    )
    gpg_keys: Annotated[list[str], BeforeValidator(_keys)] = Field(
        [], description="Keys that releases are signed with, armored."
    )
    allowed_keys: TextList = Field(
        [], description="Ids of the keys that may sign, at least 8 hex digits; by default all given."
    )
    keyserver: str | None = Field(
        None, description="Where keys that are allowed and not given are fetched: https:// or hkp://."
    )
    check_valid_until: bool = Field(
        default=True, description="Refuse a release that says that it has expired; false for archives."
    )
    repair_sync: bool = Field(default=False, description="Read everything again, even if the feed has not changed.")
    copy_children: bool = Field(
        default=True, description="When copying: with a release its components, with these their packages."
    )
    recursive: bool = Field(default=False, description="When copying packages: with what they depend on.")

    @property
    def needs_signature(self) -> bool:
        """Whether a release must be signed by a known key."""
        return bool(self.gpg_keys) if self.require_signature is None else self.require_signature

    @model_validator(mode="after")
    def _keys_are_known(self) -> Self:
        if self.require_signature and not self.gpg_keys and not (self.keyserver and self.allowed_keys):
            raise ValueError("require_signature needs gpg_keys, or a keyserver and allowed_keys")
        if any(len(key.removeprefix("0x").replace(" ", "")) < 8 for key in self.allowed_keys):  # noqa: PLR2004 - a short key id
            raise ValueError("allowed_keys must be key ids or fingerprints: at least 8 hex digits each")
        return self


class DebDistributorConfig(SigningConfig):
    """The keys of the deb_distributor. Source: Pulp 2, pulp_deb (distributor constants)."""

    http: bool | None = Field(None, description="Serve it over http; the same as serve_http.")
    https: bool | None = Field(None, description="Serve it over https; the same as serve_https.")
    # Pulp's clients send these; publications are rows, not folders.
    http_publish_dir: str | None = Field(None, description="Accepted, without effect.")
    https_publish_dir: str | None = Field(None, description="Accepted, without effect.")
    publish_default_release: bool = Field(default=False, description="Also publish a release `default` with all packages.")

    @model_validator(mode="after")
    def _fields_agree(self) -> Self:
        if self.gpg_cmd is not None and self.signing_key is not None:
            raise ValueError("give gpg_cmd or signing_key, not both")
        if self.http is False and self.https is False:
            raise ValueError("http and https are both false, so that nobody could read it; set one to true")
        return self

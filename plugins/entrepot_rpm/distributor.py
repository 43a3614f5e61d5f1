"""The yum_distributor: a repository as dnf, yum and zypper read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from entrepot.plugin import Distributor, PublishConduit, RefusedConfiguration, WholeNumber
from entrepot.plugin.openpgp import SigningCommand, SigningKey
from entrepot.plugin.signing import SigningConfig
from entrepot_rpm.repodata import REPOMD
from entrepot_rpm.selection import Selection
from entrepot_rpm.tree import TreeConfig, publish_tree
from entrepot_rpm.units import UNIT_TYPES

if TYPE_CHECKING:
    from entrepot.plugin.openpgp import Signer

PUBLIC_KEY = f"{REPOMD}.key"  # beside the signature, where zypper looks for it and people find it


class YumDistributorConfig(TreeConfig, SigningConfig):
    """The keys of the yum_distributor."""

    generate_sqlite: bool = Field(default=False, description="Write the databases that yum 3 reads, too.")
    gpg_sign_metadata: bool = Field(default=False, description="Sign repomd.xml.")
    remove_old_repodata: bool = Field(default=True, description="Take out metadata that newer metadata replaced.")
    remove_old_repodata_threshold: WholeNumber | None = Field(
        None, ge=0, description="Accepted; how long what left is still served is a setting of the server."
    )

    # Accepted as Pulp's clients send them; what they name is not made here.
    repoview: bool = Field(default=False, description="Accepted, without effect.")
    skip_pkg_tags: bool = Field(default=False, description="Accepted, without effect.")
    gpgkey: str | list[str] | dict[str, str] | None = Field(None, description="Accepted, without effect.")
    http_publish_dir: str | None = Field(None, description="Accepted, without effect.")
    https_publish_dir: str | None = Field(None, description="Accepted, without effect.")


class YumDistributor(Distributor):
    """Publish a yum repository; the work is in proportion to what changed."""

    display_name = "Yum Distributor"  # as in Pulp 2
    unit_types = UNIT_TYPES
    Config = YumDistributorConfig

    def check(self, config: YumDistributorConfig) -> None:
        """Refuse keys that need another one."""
        problems = dict[str, str]()
        if config.repoview and not config.generate_sqlite:
            problems["repoview"] = "needs generate_sqlite, as in Pulp 2"
        if config.gpg_sign_metadata and config.gpg_cmd is None and config.signing_key is None:
            problems["gpg_sign_metadata"] = (
                "needs a key: plugins.yum_distributor.signing_key or plugins.yum_distributor.gpg_cmd in the server's settings"
            )
        if problems:
            raise RefusedConfiguration(self.type_id or type(self).__name__, problems)

    def publish(self, pub: PublishConduit) -> None:
        """Lay out the repository, and sign it if that is asked for.

        Raises:
            PluginError: a checksum is wanted that a package did not come with and its bytes are not here; or signing failed.

        """
        config: YumDistributorConfig = pub.config
        signer = _signer(config, pub.repository_id)
        publish_tree(
            Selection(pub, skip=config.skip),
            config,
            keep_old=not config.remove_old_repodata,
            with_databases=config.generate_sqlite,
            signer=signer,
        )
        if isinstance(signer, SigningKey):
            pub.write(PUBLIC_KEY, signer.public_armored.encode())


def _signer(config: YumDistributorConfig, repository_id: str) -> Signer | None:
    if not config.gpg_sign_metadata:
        return None
    if config.gpg_cmd is not None:
        names = {"GPG_KEY_ID": config.gpg_key_id, "GPG_REPOSITORY_NAME": repository_id}
        given = {name: value for name, value in names.items() if value is not None}
        return SigningCommand(config.gpg_cmd, file_name="repomd.xml", environment=given)
    return config.own_key()

"""The keys of distributors that sign what they publish: which key, or which command, and that only the server may say so."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field, SecretStr

from entrepot.plugin.config import DistributorConfig
from entrepot.plugin.openpgp import SigningKey


class SigningConfig(DistributorConfig):
    """What a distributor that signs is told; a plugin adds its own in a subclass."""

    server_only: ClassVar[frozenset[str]] = frozenset({"gpg_cmd", "signing_key", "signing_key_passphrase"})

    gpg_key_id: str | None = Field(None, description="Which key signs; the command is told so.")
    gpg_cmd: str | None = Field(None, description="Program that signs the file that it is given; in the server's settings.")
    signing_key: str | None = Field(None, description="File with an armored private key; in the server's settings.")
    signing_key_passphrase: SecretStr | None = Field(None, description="Its passphrase; in the server's settings.")

    def own_key(self) -> SigningKey | None:
        """Return the key that signs in this process, or None if none is named.

        Raises:
            PluginError: it cannot be read, or is no private key, or the passphrase is not its own.

        """
        if self.signing_key is None:
            return None
        passphrase = self.signing_key_passphrase
        return SigningKey.from_file(Path(self.signing_key), None if passphrase is None else passphrase.get_secret_value())

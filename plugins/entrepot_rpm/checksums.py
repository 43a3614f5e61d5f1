"""The checksums that packages are told by, where these are not the ones that they came with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.plugin import PluginError
from entrepot_rpm.repodata import checksum_of, same_checksum_type

if TYPE_CHECKING:
    from entrepot.plugin import PublishConduit
    from entrepot_rpm.units import Package


class Checksums:
    """Tells each package by one type of checksum; bytes are read only where it came with another."""

    def __init__(self, pub: PublishConduit, checksum_type: str | None, key: str) -> None:
        """Tell all by `checksum_type`, which the configuration calls `key`; None: by what they came with."""
        self._pub = pub
        self._key = key
        self.checksum_type = checksum_type

    def in_place(self, package: Package) -> tuple[str, str] | None:
        """Return type and checksum to tell a package by, or None if it came with one of this type.

        Raises:
            PluginError: its bytes are needed, and are not here.

        """
        wanted = self.checksum_type
        if wanted is None or same_checksum_type(wanted, package.checksumtype):
            return None
        try:
            data = self._pub.read_file(package, package.filename)
        except PluginError as error:
            msg = (
                f"{self._key} is {wanted}, but {package.filename} came with a {package.checksumtype} only, "
                f"and another can be taken from its bytes alone. {error.message}"
            )
            raise PluginError(msg, file=package.filename) from error
        return wanted, checksum_of(wanted, data)

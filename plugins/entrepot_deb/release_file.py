"""Release files: written, and signed if the server has a key for it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from entrepot.plugin import PluginError
from entrepot.plugin.openpgp import Keyring, Signer, SigningCommand, SigningKey, verify_clear_signed
from entrepot_deb.plan import ALL

if TYPE_CHECKING:
    from entrepot.plugin import PublishConduit
    from entrepot_deb.layout import Suite
    from entrepot_deb.package_index import Written

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NAMES = ("Release", "InRelease", "Release.gpg")


def release_text(suite: Suite, files: Iterable[Written], date: datetime) -> bytes:
    """Return the text of a Release file. Source: the Debian wiki's RepositoryFormat, "Release" files."""
    release = suite.release
    own_name = release.distribution.strip("./") or "flat"
    named = {} if release.codename or release.suite else {"suite": own_name, "codename": own_name}
    fields = {
        "Origin": release.origin,
        "Label": release.label,
        "Suite": release.suite or named.get("suite"),
        "Version": release.version,
        "Codename": release.codename or named.get("codename"),
        "Date": _date(date),
        "Acquire-By-Hash": "yes",
        # Packages for every machine stand in the index of each machine, too: nobody need read both.
        "No-Support-for-Architecture-all": "Packages" if len(suite.architectures) > 1 else None,
        "Architectures": " ".join(suite.architectures) or None,
        "Components": " ".join(suite.components) or None,
        "Description": release.description,
    }
    lines = [f"{name}: {value}" for name, value in fields.items() if value]
    lines.append("SHA256:")
    lines += (f" {file.sha256} {file.size:>16} {file.path.removeprefix(suite.base)}" for file in sorted(files))
    return "\n".join([*lines, ""]).encode()


class ReleaseWriter:
    """Writes the Release files of one publication, with the signatures that the configuration asks for."""

    def __init__(self, pub: PublishConduit) -> None:
        """Read the configuration.

        Raises:
            PluginError: the key cannot be used.

        """
        self._pub = pub
        self._key: SigningKey | None = pub.config.own_key()
        wanted = pub.config.gpg_key_id
        if self._key and wanted and not Keyring.load(self._key.public_armored).limited_to([wanted]).fingerprints:
            raise PluginError(
                f"the signing key of the server is {self._key.fingerprint}, and not {wanted}, as gpg_key_id says."
            )

    def write(self, suite: Suite, text: bytes) -> None:
        """Publish the Release file of a suite and its signatures; those of the same text are left as they are."""
        paths = dict(zip(_NAMES, (suite.base + name for name in _NAMES), strict=True))
        if self._pub.read(paths["Release"]) == text and self._is_signed(self._pub.read(paths["InRelease"])):
            return
        self._pub.write(paths["Release"], text)
        signer = self._signer(suite)
        detached, clear = (None, None) if signer is None else signer.sign(text)
        for name, data in (("InRelease", clear), ("Release.gpg", detached)):
            if data is None:
                self._pub.remove(paths[name])
            else:
                self._pub.write(paths[name], data)

    def remove(self, base: str) -> None:
        """Take the Release file in the folder `base` out of the publication, with its signatures."""
        for name in _NAMES:
            self._pub.remove(base + name)

    def _signer(self, suite: Suite) -> Signer | None:
        command = self._pub.config.gpg_cmd
        if command is None:
            return self._key
        environment = {
            "GPG_CMD": command,
            "GPG_KEY_ID": self._pub.config.gpg_key_id or "",
            "GPG_REPOSITORY_NAME": self._pub.repository_id,
            "GPG_DIST": suite.release.distribution,
        }
        return SigningCommand(command, environment=environment)

    def _is_signed(self, signed: bytes | None) -> bool:
        """Say whether what is there is signed as the configuration asks: a key may have changed behind the same name."""
        if self._key is None:
            return (signed is not None) == (self._pub.config.gpg_cmd is not None)
        try:
            return signed is not None and bool(verify_clear_signed(signed, Keyring.load(self._key.public_armored)))
        except PluginError:
            return False


def machines_of(text: bytes) -> list[str]:
    """Return the architectures that a Release file names, without `all`."""
    for line in text.decode(errors="replace").splitlines():
        name, _, value = line.partition(":")
        if name == "Architectures":
            return [word for word in value.split() if word != ALL]
    return []


def _date(date: datetime) -> str:
    """Return a moment as RFC 5322 has it, in UTC, whatever the language of this process."""
    return f"{_DAYS[date.weekday()]}, {date.day:02} {_MONTHS[date.month - 1]} {date:%Y %H:%M:%S} UTC"

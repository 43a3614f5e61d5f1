"""From a URL and options to the target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from entrepot.errors import InvalidValue
from entrepot.propagation.targets.address import Address
from entrepot.propagation.targets.local import LocalTarget
from entrepot.propagation.targets.rsync import RsyncTarget
from entrepot.propagation.targets.s3 import S3Target
from entrepot.propagation.targets.sftp import SftpTarget
from entrepot.propagation.targets.target import MASK, SECRETS, Target
from entrepot.propagation.targets.webdav import WebdavTarget

if TYPE_CHECKING:
    from entrepot.errors import JSON

#: Which target a URL is for, by its scheme.
TARGETS: Mapping[str, type[Target]] = {
    "file": LocalTarget,
    "http": WebdavTarget,
    "https": WebdavTarget,
    "rsync+ssh": RsyncTarget,
    "s3": S3Target,
    "sftp": SftpTarget,
}


def open_target(url: str, options: Mapping[str, JSON], *, timeout_seconds: float) -> Target:
    """Return the target, to be entered; `timeout_seconds` is the longest silence of the server.

    Raises `InvalidValue` as `check` does. Entering raises `PushFailed`.
    """
    address = Address.read(url)
    return _target_type(address)(address, options, timeout_seconds=timeout_seconds)


def check(url: str, options: Mapping[str, JSON]) -> None:
    """Raise `InvalidValue`, for people, unless there is a target for that URL with these options; nothing is connected."""
    address = Address.read(url)
    _target_type(address).check(address, options)


def masked(options: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return the options with every secret as `*****`."""
    return {name: MASK if name in SECRETS and value else value for name, value in options.items()}


def _target_type(address: Address) -> type[Target]:
    found = TARGETS.get(address.scheme)
    if found is None:
        schemes = ", ".join(f"{scheme}://" for scheme in sorted(TARGETS))
        raise InvalidValue("url", why=f"it must be the path of a folder, from /, or begin with one of: {schemes}")
    return found

"""What the targets that speak SSH have in common: their addresses, and how they know the server and show who they are.

A server is known by `host_key_fingerprint` (`SHA256:…`, as `ssh-keygen -l` prints it), by `known_hosts` (the text of such a
file), or else by the files of the user that runs the engine. One that is not known is refused, unless `accept_any_host_key`
says that nobody minds who listens.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from entrepot.errors import InvalidValue
from entrepot.propagation.targets.target import Options, Target

if TYPE_CHECKING:
    from entrepot.errors import JSON
    from entrepot.propagation.targets.address import Address


class SSHOptions(Options):
    """How to log in, and how the server is known.

    `private_key` is the text of a key file in OpenSSH's format; without one the keys of the user that runs the engine serve.
    """

    private_key: str | None = None
    known_hosts: str | None = None
    accept_any_host_key: bool = False


class SSHTarget(Target):
    """A server that is reached by SSH."""

    @classmethod
    def check(cls, address: Address, options: Mapping[str, JSON]) -> None:
        """Raise `InvalidValue` unless it names a host and an absolute path."""
        super().check(address, options)
        if not address.host or not address.path.startswith("/"):
            raise InvalidValue("url", why=f"it must name a host and an absolute path: {address.scheme}://user@host/srv/edge")

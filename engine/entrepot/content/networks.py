"""Networks that feeds may not point to, checked against the address a name resolved to."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from entrepot.errors import InvalidSettings


class BlockedNetworks:
    """The networks of `ENTREPOT_BLOCKED_NETWORKS`."""

    def __init__(self, networks: Iterable[str]) -> None:
        """Read networks in CIDR notation.

        Raises `InvalidSettings` for what is none.
        """
        try:
            self._networks = [ipaddress.ip_network(network, strict=False) for network in networks]
        except ValueError as error:
            raise InvalidSettings({"blocked_networks": str(error)}) from error

    def blocking(self, host: str) -> str | None:
        """Return the network that closes the IP address `host`, or None; also for what is no IP address."""
        try:
            address = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return None
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        for network in self._networks:
            if address in network or (mapped is not None and mapped in network):
                return str(network)
        return None

"""The edge_distributor: a copy of what another distributor serves, on its way to the edge."""

from __future__ import annotations

from entrepot.plugin import DeployConfig, Distributor, PublishConduit


class EdgeDistributor(Distributor):
    """Publish what the distributor `source` serves, unchanged; the engine deploys it."""

    display_name = "Edge Distributor"
    Config = DeployConfig

    def publish(self, pub: PublishConduit) -> None:
        """Copy the source; it publishes nothing of its own."""
        pub.copy(pub.config.source)

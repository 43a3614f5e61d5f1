"""Everything that a plugin may import. The guide is docs/plugins.md.

An importer is one generator that yields the units of a feed; a distributor is one function that fills a publication.
The engine fetches, verifies, stores, removes, counts, cancels and publishes. Names in `__all__` are the interface,
version 1: they are added to, and never changed.
"""

from __future__ import annotations

from entrepot.errors import (
    JSON,
    Canceled,
    ChecksumDiffers,
    FetchAnswered,
    FetchError,
    FetchRefused,
    FetchTimedOut,
    PluginError,
    RefusedConfiguration,
    SizeDiffers,
)
from entrepot.plugin.conduit import CopyConduit, Draft, ImportConduit, PublishConduit, SyncConduit
from entrepot.plugin.config import (
    DeployConfig,
    DistributorConfig,
    ImporterConfig,
    RelativeUrl,
    TextList,
    WholeNumber,
    load_config,
    masked,
    masked_unseen,
    unmasked,
)
from entrepot.plugin.distributor import Distributor
from entrepot.plugin.importer import Importer
from entrepot.plugin.unit_files import FetchedFile, HeldFile, RemoteFile, path_problem
from entrepot.plugin.unit_type import Unit

__all__ = [
    "JSON",
    "Canceled",
    "ChecksumDiffers",
    "CopyConduit",
    "DeployConfig",
    "Distributor",
    "DistributorConfig",
    "Draft",
    "FetchAnswered",
    "FetchError",
    "FetchRefused",
    "FetchTimedOut",
    "FetchedFile",
    "HeldFile",
    "ImportConduit",
    "Importer",
    "ImporterConfig",
    "PluginError",
    "PublishConduit",
    "RefusedConfiguration",
    "RelativeUrl",
    "RemoteFile",
    "SizeDiffers",
    "SyncConduit",
    "TextList",
    "Unit",
    "WholeNumber",
    "load_config",
    "masked",
    "masked_unseen",
    "path_problem",
    "unmasked",
]

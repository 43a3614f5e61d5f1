"""An upload that a sync would have brought as well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from entrepot.errors import JSON
from entrepot.plugin import Unit


@dataclass(frozen=True, slots=True)
class UploadSample:
    """The bytes of a unit that version 1 of the feed offers, and what a client says of it: see `Importer.upload`."""

    data: bytes
    unit_type: type[Unit]
    key: Mapping[str, JSON]
    metadata: Mapping[str, JSON] = field(default_factory=dict)

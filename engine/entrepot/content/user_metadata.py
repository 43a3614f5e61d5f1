"""What clients keep with a unit. Writes the table `unit`, beside `units`."""

from __future__ import annotations

import json
from collections.abc import Mapping

from entrepot.errors import JSON
from entrepot.models import Database


def write_user_metadata(database: Database, unit: int, metadata: Mapping[str, JSON]) -> bool:
    """Keep `metadata` with the unit of this row id, in the caller's transaction; False if there is no such unit."""
    text = json.dumps(metadata, separators=(",", ":")) if metadata else None
    return bool(database.execute("UPDATE unit SET user_metadata = ? WHERE id = ?", (text, unit)).rowcount)

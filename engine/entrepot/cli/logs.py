"""The log of long-running commands: one line a record on standard error."""

from __future__ import annotations

import logging


def start_logging() -> None:
    """Send the engine's own records (from INFO) and warnings of others to standard error."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    logging.getLogger("entrepot").setLevel(logging.INFO)

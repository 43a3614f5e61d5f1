"""What the work on repositories needs, put together by `Engine`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entrepot.content.store import BlobStore
    from entrepot.discovery import Plugins
    from entrepot.models import Database
    from entrepot.settings import Settings
    from entrepot.tasking import Tasks


@dataclass(frozen=True, slots=True)
class House:
    """The parts that every function of this package may use."""

    database: Database
    store: BlobStore
    plugins: Plugins
    tasks: Tasks
    settings: Settings

"""What the work on repositories needs, put together by `Engine`."""

from __future__ import annotations

from collections.abc import Callable
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
    """The parts that every function of this package may use.

    `forget_grants` takes the path of a resource that is removed, as permissions name it, and removes what was granted on it
    and below, in the caller's transaction: a later resource of that name must not inherit it.
    """

    database: Database
    store: BlobStore
    plugins: Plugins
    tasks: Tasks
    settings: Settings
    forget_grants: Callable[[str], None]

"""What the work on repositories needs, put together by `Engine`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Unpack

if TYPE_CHECKING:
    from entrepot.content.store import BlobStore
    from entrepot.discovery import Plugins
    from entrepot.events import Flip
    from entrepot.models import Database
    from entrepot.repositories.schedule_reports import ScheduleOptions, ScheduleReport
    from entrepot.settings import Settings
    from entrepot.tasking import Tasks


class Calendar(Protocol):
    """What a repository asks of the engine's schedules, which stand above this package: `entrepot.schedules.Schedules`."""

    def create_sync(
        self,
        repository_id: str,
        importer_id: str,
        schedule: str,
        **options: Unpack[ScheduleOptions],
    ) -> ScheduleReport:
        """Schedule syncs."""

    def create_publish(
        self,
        repository_id: str,
        distributor_id: str,
        schedule: str,
        **options: Unpack[ScheduleOptions],
    ) -> ScheduleReport:
        """Schedule publishes by one distributor."""


@dataclass(frozen=True, slots=True)
class House:
    """The parts that every function of this package may use.

    `forget_grants` takes the path of a resource that is removed, as permissions name it, and removes what was granted on it
    and below, in the caller's transaction: a later resource of that name must not inherit it. `calendar` returns the engine's
    schedules. `flipped` is told, in the transaction that does it, that a distributor serves something else, or nothing.
    """

    database: Database
    store: BlobStore
    plugins: Plugins
    tasks: Tasks
    settings: Settings
    forget_grants: Callable[[str], None]
    calendar: Callable[[], Calendar]
    flipped: Callable[[Flip], None]

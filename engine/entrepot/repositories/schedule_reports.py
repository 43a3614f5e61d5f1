"""What doors and programs get to see of a schedule; it stands here, below `schedules`, since repositories return it too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypedDict

from entrepot import clock
from entrepot.errors import JSON

Kind = Literal["sync", "publish", "task"]
Overlap = Literal["coalesce", "queue"]


class ScheduleOptions(TypedDict, total=False):
    """What may be said of a sync's or publish's schedule; `entrepot.schedules.Schedules.create_sync` says what holds else."""

    override_config: Mapping[str, JSON] | None
    failure_threshold: int | None
    enabled: bool
    time_zone: str | None
    overlap: Overlap
    jitter_seconds: int


@dataclass(frozen=True, slots=True)
class ScheduleReport:
    """A schedule as it is now.

    A sync or publish has a `repository_id`, and `plugin_id` is that of its importer or distributor; a task has a `task_type`
    and arguments. Secrets of `override_config` read `*****`. `next_run` is None when no run is left. Source: the Pulp 2 REST
    contract, 1.8.2.
    """

    schedule_id: str
    kind: Kind
    repository_id: str | None
    plugin_id: str | None
    task_type: str | None
    args: tuple[JSON, ...]
    kwargs: dict[str, JSON]
    override_config: dict[str, JSON]
    schedule: str
    time_zone: str | None
    enabled: bool
    failure_threshold: int | None
    consecutive_failures: int
    first_run: datetime
    next_run: datetime | None
    last_run_at: datetime | None
    remaining_runs: int | None
    total_run_count: int
    overlap: Overlap
    jitter_seconds: int
    created: datetime
    last_updated: datetime
    sentence: str

    @property
    def first_run_text(self) -> str:
        """The first run as clients see it: with the offset that the schedule was given with, else `Z`."""
        if self.first_run.utcoffset() == timedelta():
            return clock.iso(self.first_run)
        return self.first_run.isoformat(timespec="seconds")

    @property
    def resource(self) -> str | None:
        """What it belongs to, as clients name it: `pulp:importer:zoo:iso_importer`; None for a task."""
        if self.kind == "task":
            return None
        plugin = "importer" if self.kind == "sync" else "distributor"
        return f"pulp:{plugin}:{self.repository_id}:{self.plugin_id}"

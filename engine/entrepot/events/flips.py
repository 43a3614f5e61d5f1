"""What the repositories tell of a change of what is served."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from entrepot.errors import JSON


@dataclass(frozen=True, slots=True)
class UnitChange:
    """A unit that came into what is served, left it, or is now another of the same `name`, which is its own for good."""

    name: str
    unit_type: str
    change: Literal["came", "left", "changed"]


@dataclass(frozen=True, slots=True)
class Flip:
    """A distributor serves another publication, or none, once the transaction that says so has committed.

    `revision` is served from now on (None: nothing), `previous` was served before (None: nothing); they are the same when
    a publish found nothing new. `content_type` is the type of the repository's importer, None if it has none; `unit_types`
    are the types of the units it holds, sorted. `task_id` is None for what no task does. `is_automatic`: by a sync or a
    schedule, not by hand. `unit_changes` looks up, within the transaction, which units make the difference.
    `override_config` is what a publish was told otherwise than the distributor's configuration, secrets unmasked.
    """

    repository_id: str
    distributor_id: str
    distributor_row: int
    distributor_type_id: str
    revision: int | None
    previous: int | None
    content_type: str | None
    unit_types: tuple[str, ...]
    task_id: str | None
    is_automatic: bool
    is_rollback: bool
    unit_changes: Callable[[], Iterable[UnitChange]] = field(default=tuple, compare=False, repr=False)
    override_config: Mapping[str, JSON] | None = field(default=None, compare=False, repr=False)

"""What somebody asks to be run as a task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from entrepot.errors import JSON
from entrepot.tasking.task_type import Priority


@dataclass(frozen=True, slots=True)
class Call:
    """A `@task` function, or the name of its type, with its arguments; and what one may ask for beside.

    The task stands in no line before `not_before`, an aware moment or a span from now; `priority` takes the place of its
    type's; the same `idempotency_key` stands for the same task.
    """

    function: Callable[..., Any] | str
    args: tuple[JSON, ...] = ()
    kwargs: Mapping[str, JSON] = field(default_factory=dict)
    idempotency_key: str | None = None
    not_before: datetime | timedelta | None = None
    priority: Priority | None = None

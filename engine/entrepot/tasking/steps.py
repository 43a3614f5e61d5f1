"""The steps of a task, read from a progress report that may lack anything; pure.

Source: the Pulp 2 REST contract, section 3.4 (`progress_report`: a list of steps for each plugin).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot.wording import size_text

if TYPE_CHECKING:
    from entrepot.errors import JSON
    from entrepot.tasking.reports import TaskReport


@dataclass(frozen=True, slots=True)
class Step:
    """One step, as of a sync or a publish; `errors` are those of single units, as the task words them."""

    key: str
    description: str
    state: str
    done: int
    total: int
    bytes_done: int
    bytes_total: int
    failures: int
    details: str
    errors: tuple[str, ...]

    @property
    def share(self) -> float | None:
        """How much of the step is done, 0 to 1, by bytes if it has any, else by items; None while its size is not known."""
        if self.bytes_total:
            return min(self.bytes_done / self.bytes_total, 1.0)
        return min(self.done / self.total, 1.0) if self.total else None

    @property
    def counts(self) -> str:
        """The step's items and bytes: `1,200/10,000  12.3 MB/40.0 MB`."""
        parts = []
        if self.total or self.done:
            parts.append(f"{self.done:,}/{self.total:,}" if self.total else f"{self.done:,}")
        if self.bytes_total or self.bytes_done:
            ends = [self.bytes_done, self.bytes_total] if self.bytes_total else [self.bytes_done]
            parts.append("/".join(dict.fromkeys(map(size_text, ends))))
        if self.failures:
            parts.append(f"{self.failures:,} failed")
        return "  ".join(parts)


def steps_of(report: TaskReport) -> list[Step]:
    """Return the steps that a report's progress tells of, in order."""
    found = []
    for plugin, items in report.progress.items():
        for index, item in enumerate(items if isinstance(items, list) else ()):
            if isinstance(item, dict):
                found.append(_step(f"{plugin}/{item.get('step_id', index)}", item))
    return found


def _step(key: str, item: dict[str, JSON]) -> Step:
    details = item.get("error_details")
    errors = [
        detail.get("error") if isinstance(detail, dict) else detail for detail in (details if isinstance(details, list) else ())
    ]
    return Step(
        key=key,
        description=str(item.get("description") or item.get("step_type") or key),
        state=str(item.get("state") or "NOT_STARTED"),
        done=_whole(item.get("num_processed")),
        total=_whole(item.get("items_total")),
        bytes_done=_whole(item.get("bytes_done")),
        bytes_total=_whole(item.get("bytes_total")),
        failures=_whole(item.get("num_failures")),
        details=str(item.get("details") or ""),
        errors=tuple(map(str, errors)),
    )


def _whole(value: JSON) -> int:
    """Return a count, 0 for what is none: whoever writes progress may write anything."""
    return int(value) if isinstance(value, (int, float)) and 0 < value < math.inf else 0

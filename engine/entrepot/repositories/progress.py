"""The progress report of a sync or a publish: a list of steps, the same shape for every plugin.

Source: the Pulp 2 REST contract, 3.8 (step reports).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from entrepot.errors import JSON

#: Errors of single items that a report lists; the rest is counted.
LISTED_ERRORS = 100


@dataclass(slots=True)
class Step:
    """One step and how far it is. `items_total` is 0 while it is not known."""

    step_type: str
    description: str
    state: str = "NOT_STARTED"
    items_total: int = 0
    num_success: int = 0
    num_failures: int = 0
    bytes_done: int = 0
    bytes_total: int = 0
    details: str = ""
    errors: list[JSON] = field(default_factory=list)

    def start(self) -> None:
        """Say that the step is under way."""
        self.state = "IN_PROGRESS"

    def fail_item(self, item: str, why: str) -> None:
        """Count one item as failed and remember why."""
        self.num_failures += 1
        if len(self.errors) < LISTED_ERRORS:
            self.errors.append({"error": f"{item}: {why}", "traceback": None})

    def report(self, step_id: str) -> dict[str, JSON]:
        """Return the step as JSON."""
        return {
            "step_id": step_id,
            "step_type": self.step_type,
            "description": self.description,
            "state": self.state,
            "items_total": self.items_total,
            "num_processed": self.num_success + self.num_failures,
            "num_success": self.num_success,
            "num_failures": self.num_failures,
            "bytes_done": self.bytes_done,
            "bytes_total": self.bytes_total,
            "details": self.details,
            "error_details": list(self.errors),
        }


class Progress:
    """The steps of one run, in the order they are taken."""

    def __init__(self, plugin_id: str, *steps: Step) -> None:
        """Report `steps` under `plugin_id`."""
        self._plugin_id = plugin_id
        self._steps = steps

    def report(self) -> dict[str, JSON]:
        """Return the whole report as JSON."""
        return {self._plugin_id: [step.report(f"{self._plugin_id}:{step.step_type}") for step in self._steps]}

    def close(self, state: str) -> dict[str, JSON]:
        """Give every step that is under way its final state (FINISHED, FAILED, CANCELLED) and return the report."""
        for step in self._steps:
            if step.state == "IN_PROGRESS":
                step.state = state
        return self.report()


def final_state(raised: type[BaseException] | None) -> str:
    """Return the final state of the steps of a run that ended by raising `raised`, or well."""
    if raised is None:
        return "FINISHED"
    return "FAILED" if issubclass(raised, Exception) else "CANCELLED"

"""Goals and tables: how every benchmark says what it measured and whether that is good enough."""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

median = statistics.median

_NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Goal:
    """One figure and what it was to be."""

    name: str
    measured: str
    target: str
    is_met: bool

    def __str__(self) -> str:
        return f"goal {self.name}: {self.measured} (goal {self.target}) {'met' if self.is_met else 'missed'}"


@dataclass
class Goals:
    """The goals of one benchmark, in the order they were measured."""

    is_quick: bool = False
    goals: list[Goal] = field(default_factory=list)

    def at_most(self, name: str, measured: float | None, target: float, unit: str = "", *, floor: float = 0) -> None:
        """Less than `floor` cannot be: what it is measured against was disturbed, and the goal counts as missed."""
        if measured is None:
            self.goals.append(Goal(name, _NOT_MEASURED, f"<= {_figure(target, unit)}", is_met=False))
            return
        text = _figure(measured, unit) + (", no valid floor" if measured < floor else "")
        self.goals.append(Goal(name, text, f"<= {_figure(target, unit)}", floor <= measured <= target))

    def at_least(
        self, name: str, measured: float | None, target: float, unit: str = "", *, otherwise: str = _NOT_MEASURED
    ) -> None:
        """`otherwise` says why nothing was measured: the goal counts as missed."""
        if measured is None:
            self.goals.append(Goal(name, otherwise, f">= {_figure(target, unit)}", is_met=False))
            return
        self.goals.append(Goal(name, _figure(measured, unit), f">= {_figure(target, unit)}", measured >= target))

    def finish(self) -> int:
        """Print every goal and return the exit code: 1 if one was missed; a quick run is too short to judge by."""
        print()
        for goal in self.goals:
            print(goal, flush=True)
        if self.is_quick:
            print("A quick run only shows that the benchmark works: its figures mean nothing, and no goal counts as missed.")
            return 0
        return 0 if all(goal.is_met for goal in self.goals) else 1


def arguments(description: str | None) -> argparse.Namespace:
    """Read the command line that all benchmarks share."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a smoke run of a few seconds; its figures mean nothing")
    return parser.parse_args()


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows below their heads; the first column is text, the others are figures."""
    texts = [
        [
            f"{cell:,.3g}"
            if isinstance(cell, float) and cell < 100
            else f"{cell:,.0f}"
            if isinstance(cell, float)
            else str(cell)
            for cell in row
        ]
        for row in rows
    ]
    widths = [max(len(line[column]) for line in [head, *texts]) for column in range(len(head))]
    print(f"\n{title}")
    for line in [head, *texts]:
        cells = [
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        print("  " + "  ".join(cells), flush=True)


def _figure(value: float, unit: str) -> str:
    text = f"{value * 100:.1f} %" if unit == "%" else f"{value:.2f}x" if unit == "x" else f"{value:.1f} {unit}"
    return text.rstrip()

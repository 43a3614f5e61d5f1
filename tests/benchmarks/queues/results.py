"""What was measured, as tables for people (Markdown) and as data (JSON), with what it was measured on."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from goals import Goals

from queues.contest import Standing, emptied, enqueued, ratio
from queues.contestants import ENTREPOT, PEERS
from queues.scaling import Comparison

#: Packages of entrepot's own environment whose versions matter here.
_OWN_PACKAGES = ("entrepot", "dramatiq", "peewee", "psycopg", "redis")


@dataclass
class Results:
    """All of one run."""

    standings: Sequence[Standing]
    comparisons: Sequence[Comparison]
    servers: dict[str, str]
    is_quick: bool
    seconds: float = 0.0
    goals: Goals = field(default_factory=Goals)

    def markdown(self) -> str:
        """Return the tables as one page."""
        parts = ["# The task queue beside its peers"]
        if self.is_quick:
            parts.append("**A quick run: the figures mean nothing.**")
        if self.standings:
            parts += [self._contest(), self._ratios(), self._promises()]
        if self.comparisons:
            parts.append(self._scaling())
        if self.goals.goals:
            parts += ["## Goals", "\n".join(f"* {goal}" for goal in self.goals.goals)]
        parts.append(self._machine())
        return "\n\n".join(parts) + "\n"

    def write(self, folder: Path) -> None:
        """Write `results.md` and `results.json` into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "results.md").write_text(self.markdown(), encoding="utf-8")
        (folder / "results.json").write_text(json.dumps(self._data(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    def _contest(self) -> str:
        head = (
            *("", "enqueued/s", "in bulk/s", "drained/s", "steady/s", "start p50 ms", "p99 ms"),
            *("RSS MB", "PSS MB", "processes", "idle, busiest %", "idle, all %"),
        )
        rows = [self._row(standing) for standing in self.standings]
        notes = (
            "Medians of the rounds. Drained: from the first task's start to the last one's; steady: without the first and "
            "the last tenth. Start: from the call that enqueues to the function's first line, all rounds together. RSS: sum "
            "over all processes of the workers after the drain, supervisors included; PSS counts pages that they share once. "
            "Idle: share of a core that the waiting workers take, the busiest process and all together."
        )
        strange = [
            f"* {standing.contestant.name}: {each.drained.repeated} tasks ran more than once, {each.drained.lost} not at all."
            for standing in self.standings
            for each in standing.rounds
            if each.drained.repeated or each.drained.lost
        ]
        return "\n\n".join(["## Side by side", _table(head, rows), *(["\n".join(strange)] if strange else []), notes])

    def _row(self, standing: Standing) -> list[str]:
        name = standing.contestant.name
        if standing.skipped:
            return [f"{name}: skipped: {standing.skipped}", *[""] * 11]
        return [
            name,
            _figure(standing.median(enqueued)),
            _figure(standing.median(lambda each: each.enqueued_many)),
            _figure(standing.median(emptied)),
            _figure(standing.median(lambda each: each.drained.steady)),
            _figure(standing.latency(50), 1000, digits=2),
            _figure(standing.latency(99), 1000, digits=2),
            _figure(standing.median(lambda each: each.memory.resident)),
            _figure(standing.median(lambda each: each.memory.proportional)),
            _figure(standing.median(lambda each: each.memory.processes)),
            _figure(standing.idle(max), 100, digits=2),
            _figure(standing.idle(sum), 100, digits=2),
        ]

    def ratios(self) -> list[dict[str, str | float | None]]:
        """Return how many times as quick entrepot is as each peer."""
        standing = {each.contestant: each for each in self.standings}
        return [
            {
                "entrepot": mine.name,
                "peer": peer.name,
                "enqueued": ratio(standing[mine], standing[peer], enqueued),
                "drained": ratio(standing[mine], standing[peer], emptied),
            }
            for peer in PEERS
            for mine in ENTREPOT
            if mine in standing and peer in standing
        ]

    def _ratios(self) -> str:
        rows = [
            [str(each["entrepot"]), str(each["peer"]), *(_figure(each[name], digits=2) for name in ("enqueued", "drained"))]
            for each in self.ratios()
        ]
        return "## How many times the peer\n\n" + _table(("", "times", "enqueued", "drained"), rows)

    def _promises(self) -> str:
        rows = [
            [each.contestant.name, f"`{' '.join(each.contestant.command)}`", each.contestant.keeps]
            for each in self.standings
            if not each.contestant.key.endswith("-resources")
        ]
        return "## What each keeps, and how its workers run\n\n" + _table(("", "workers", "keeps"), rows)

    def _scaling(self) -> str:
        rows = [
            [
                *(each.contestant, each.case, _figure(each.microseconds)),
                *(each.compared_with, _figure(each.compared_microseconds), _figure(each.ratio, digits=2)),
            ]
            for each in self.comparisons
        ]
        head = ("", "case", "µs a task", "compared with", "µs a task", "ratio")
        return "## entrepot against itself\n\n" + _table(head, rows)

    def _machine(self) -> str:
        lines = [f"* {name}: {value}" for name, value in self._machine_data().items()]
        for standing in self.standings:
            pins = [pin.partition("==")[0].partition("[")[0] for pin in standing.contestant.packages]
            if standing.versions and pins:
                lines.append(f"* {standing.contestant.name}: {', '.join(f'{pin} {standing.versions[pin]}' for pin in pins)}")
        return f"## Measured on\n\n{chr(10).join(lines)}"

    def _machine_data(self) -> dict[str, str]:
        mine = next((each.versions for each in self.standings if each.contestant.is_entrepot and each.versions), {})
        return {
            "machine": f"{platform.system()} {platform.release()}, {os.cpu_count()} cores",
            "load at the end": f"{os.getloadavg()[0]:.1f}",
            "Python": platform.python_version(),
            "SQLite": sqlite3.sqlite_version,
            "entrepot": ", ".join(f"{name} {mine[name]}" for name in _OWN_PACKAGES if name in mine),
            **{f"{name} server": version for name, version in self.servers.items()},
            "took": f"{self.seconds:.0f} s",
        }

    def _data(self) -> dict[str, object]:
        return {
            "quick": self.is_quick,
            "machine": self._machine_data(),
            "contestants": [asdict(standing) for standing in self.standings],
            "ratios": self.ratios(),
            "scaling": [asdict(comparison) for comparison in self.comparisons],
            "goals": [asdict(goal) for goal in self.goals.goals],
        }


def _figure(value: float | str | None, factor: float = 1, *, digits: int = 0) -> str:
    return "" if value is None else f"{float(value) * factor:,.{digits}f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; the first column is text, and so is whatever does not look like a figure."""
    widths = [max(len(line[column]) for line in [head, *rows]) for column in range(len(head))]
    are_figures = [
        column > 0 and all(row[column][:1].isdigit() or not row[column] for row in rows) for column in range(len(head))
    ]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.rjust(width) if is_figure else cell.ljust(width)
            for cell, width, is_figure in zip(cells, widths, are_figures, strict=True)
        ]
        return f"| {' | '.join(padded)} |"

    rule = [f"{'-' * (width - 1)}{':' if is_figure else '-'}" for width, is_figure in zip(widths, are_figures, strict=True)]
    return "\n".join([line(head), line(rule), *map(line, rows)])

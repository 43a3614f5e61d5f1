"""How long a person waits for the command line: help, one group's help, a completed word; beside the interpreter and typer.

Each is started anew, the fastest and the median of some runs are shown, and the goal is for the median. The floor is measured
in turn with it: what Python alone takes, and what importing typer takes, which every command of it pays.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from goals import Goals, arguments, median, table

#: Milliseconds: what people take for at once, and what a shell may take over a key.
HELP_MS, COMPLETION_MS = 250, 400
RUNS = 15

PYTHON = (sys.executable, "-c", "pass")
TYPER = (sys.executable, "-c", "import typer")
ENTREPOT = (sys.executable, "-m", "entrepot")


def main() -> int:
    """Measure everything in turn, round after round, so that a busy moment meets all alike."""
    given = arguments(__doc__)
    goals = Goals(is_quick=given.quick)
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "ENTREPOT_DATA_DIR": str(Path(folder) / "data"), "COLUMNS": "80"}
        for command in (("init",), ("repo", "create", "zoo"), ("repo", "create", "ark")):
            subprocess.run([*ENTREPOT, *command], env=environment, check=True, capture_output=True)
        completing = {"_ENTREPOT_COMPLETE": "complete_bash", "COMP_WORDS": "entrepot repo show z", "COMP_CWORD": "3"}
        measured: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
            "python -c pass": (PYTHON, environment),
            "import typer": (TYPER, environment),
            "entrepot --help": ((*ENTREPOT, "--help"), environment),
            "entrepot repo --help": ((*ENTREPOT, "repo", "--help"), environment),
            "entrepot repo show z<TAB>": (ENTREPOT, environment | completing),
        }
        times: dict[str, list[float]] = {name: [] for name in measured}
        for _ in range(2 if given.quick else RUNS):
            for name, (command, variables) in measured.items():
                times[name].append(_milliseconds(command, variables))
    table(
        "milliseconds", ("command", "fastest", "median"), [(name, min(taken), median(taken)) for name, taken in times.items()]
    )
    floor = median(times["import typer"])
    goals.at_most("cli-help", median(times["entrepot --help"]), HELP_MS, "ms", floor=floor)
    goals.at_most("cli-completion", median(times["entrepot repo show z<TAB>"]), COMPLETION_MS, "ms", floor=floor)
    return goals.finish()


def _milliseconds(command: tuple[str, ...], environment: dict[str, str]) -> float:
    """Return how long a command took from start to end."""
    began = time.perf_counter()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    sys.exit(main())

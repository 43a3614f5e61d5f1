"""Imports go down the floors of the house, as the contracts in pyproject.toml say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_every_module_imports_only_from_the_floors_below_it(root: Path) -> None:
    program = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"

    linter = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False)

    assert linter.returncode == 0, linter.stdout + linter.stderr

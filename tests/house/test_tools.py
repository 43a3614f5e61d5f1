"""The Makefile explains itself, and a script says what it does."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest


def test_make_help_explains_each_target(root: Path) -> None:
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    targets = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)[1].split()

    shown = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=root, capture_output=True, text=True, check=True
    ).stdout

    assert re.findall(r"^make ([\w-]+) +\S", shown, re.MULTILINE) == targets


@pytest.mark.parametrize(
    "name", ["bench", "bench_queue", "check", "demo", "format", "lint", "record_transcripts", "serve", "setup", "soak", "test"]
)
def test_a_script_can_be_run_and_says_what_it_does(name: str, root: Path) -> None:
    script = root / "scripts" / name

    assert os.access(script, os.X_OK)
    assert re.match(r"#!/bin/sh\n# [A-Z].+\.\n", script.read_text(encoding="utf-8"))


@pytest.mark.parametrize("command", ["make demo", "make serve", "make test"])
def test_the_readme_names_the_commands_that_a_newcomer_needs(command: str, root: Path) -> None:
    assert command in (root / "README.md").read_text(encoding="utf-8")

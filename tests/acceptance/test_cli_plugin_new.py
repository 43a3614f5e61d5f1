"""`entrepot plugin new`: a project that passes its own tests, or clear words."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest


@pytest.mark.timeout(300)
def test_a_new_project_passes_its_tests_as_it_was_made(run, tmp_path: Path) -> None:
    folder = tmp_path / "kept" / "owls"

    made = run("plugin", "new", "snow_owl", "--folder", folder, "-o", "json")
    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )

    assert made.code == 0, made.err
    names = ["pyproject.toml", "README.md", "entrepot_snow_owl.py", "tests/test_snow_owl.py"]
    assert made.document == {"folder": str(folder), "files": [str(folder / name) for name in names]}
    assert tests.returncode == 0, tests.stdout + tests.stderr
    assert "33 passed, 1 skipped" in tests.stdout
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["entrepot.importers"] == {"snow_owl_importer": "entrepot_snow_owl:SnowOwlImporter"}


@pytest.mark.parametrize("name", ["Owl", "snow-owl", "1owl", "class", "a__b", "o" * 41, "../owl", ""])
def test_a_name_that_is_no_name_of_a_module_is_refused(run, tmp_path: Path, name: str) -> None:
    refused = run("plugin", "new", name, "--folder", tmp_path / "owls")

    assert (refused.code, "small letters, digits and single underscores" in refused.err) == (2, True)
    assert not (tmp_path / "owls").exists()


def test_a_folder_that_is_there_is_left_as_it_is(run, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept")

    refused = run("plugin", "new", "owl", "--folder", tmp_path)

    assert (refused.code, "is there already" in refused.err) == (2, True)
    assert [path.name for path in tmp_path.iterdir() if path.name != "data"] == ["mine.txt"]


def test_a_folder_that_cannot_be_made_is_refused(run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")

    refused = run("plugin", "new", "owl", "--folder", tmp_path / "file" / "owls")

    assert (refused.code, "cannot be made: Not a directory" in refused.err) == (2, True)

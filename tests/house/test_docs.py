"""What the pages name exists: files and headings, commands and options, settings, targets, error codes, names, tests."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

import entrepot
from entrepot import errors
from entrepot.cli.program import app
from entrepot.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
#: A command up to where the shell takes over.
COMMAND = re.compile(r"(?:^|[;&|(/\s])entrepot((?: +(?:\"[^\"]*\"|[^\s;&|)#]+))+)")
#: Languages whose every line is typed; in others, what follows `$ ` is.
TYPED = {"sh"}
#: Before the command, with a value.
GLOBAL_OPTIONS = {"--data-dir", "--database-url", "--url", "--profile", "--token", "--user", "--ca"}
#: `entrepot.toml` and its like are files, no names of the package.
FILE_ENDINGS = {"toml", "sqlite3", "env", "conf", "service"}
HTTP_PATHS = ("http://", "https://", "mailto:")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    dead = []
    for link in LINK.findall(without_code(page)):
        path, _, heading = link.partition("#")
        if link.startswith(HTTP_PATHS):
            continue
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (heading and heading not in headings(target)):
            dead.append(link)

    assert dead == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_and_option_exists(page: Path) -> None:
    problems = [problem for words in commands(page) if (problem := problem_with(words))]

    assert problems == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_setting_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    places = [*(ROOT / "engine").rglob("*.py"), *(ROOT / "scripts").iterdir()]
    sources = "".join(path.read_text(encoding="utf-8") for path in places if path.is_file())
    tables = [tomllib.loads(body) for language, body in FENCED.findall(text) if body.startswith("# entrepot.toml\n")]

    unknown = [
        name
        for name in re.findall(r"ENTREPOT_[A-Z_]+[A-Z]", text)
        if name.removeprefix("ENTREPOT_").lower() not in Settings.model_fields and name not in sources
    ]
    unknown += [key for table in tables for key in table if key not in Settings.model_fields]

    assert unknown == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_target_code_name_and_test_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    codes = {"PLP0000", *re.findall(r"PLP\d{4}", errors.__doc__ or "")}
    tests = all_names_of_tests()

    unknown = [f"make {name}" for name in re.findall(r"\bmake ([a-z]+)\b", code(page)) if name not in targets]
    unknown += [name for name in re.findall(r"PLP\d{4}", text) if name not in codes]
    unknown += [f"entrepot.{name}" for name in re.findall(r"@?\bentrepot\.(\w+)", code(page)) if not is_public(name)]
    unknown += [name for name in re.findall(r"`(test_\w+)`", text) if name not in tests]
    unknown += [path for path in re.findall(r"`((?:tests|scripts)/[\w/.]+)`", text) if not (ROOT / path).exists()]

    assert unknown == []


def test_the_readme_names_what_a_newcomer_needs() -> None:
    text = PAGES[0].read_text(encoding="utf-8")

    assert [f"make {name}" for name in ("demo", "serve", "test", "check", "bench") if f"make {name}" not in text] == []


def test_what_does_not_exist_is_found() -> None:
    assert problem_with(["repo", "sync", "zoo", "--background"]) is None
    assert problem_with(["--data-dir", "/srv", "task", "wait", "$task", "--timeout", "60"]) is None
    assert problem_with(["repo", "mirror", "zoo"]) == "entrepot repo mirror zoo: there is no command mirror"
    assert problem_with(["serve", "--socket", "x"]) == "entrepot serve --socket x: there is no option --socket"
    assert not is_public("enqueue_all")


def without_code(page: Path) -> str:
    return SPAN.sub("", FENCED.sub("", page.read_text(encoding="utf-8")))


def code(page: Path) -> str:
    """Return all code of a page, blocks and spans, a line each."""
    text = page.read_text(encoding="utf-8")
    return "\n".join([*(body for _, body in FENCED.findall(text)), *SPAN.findall(FENCED.sub("", text))])


def headings(page: Path) -> set[str]:
    """Return the anchors of a page's headings, made as GitHub makes them."""
    found = re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in found}


def commands(page: Path) -> Iterator[list[str]]:
    """Yield the words after `entrepot` of each command on the page."""
    text = page.read_text(encoding="utf-8")
    lines: list[str] = [span for span in SPAN.findall(FENCED.sub("", text)) if span.startswith("entrepot ")]
    for language, body in FENCED.findall(text):
        joined = body.replace("\\\n", " ")
        lines += joined.splitlines() if language in TYPED else re.findall(r"^\$ (.+)$", joined, re.MULTILINE)
    for line in lines:
        for words in COMMAND.findall(line):
            yield [word.strip("[]") for word in words.split()]


def problem_with(words: list[str]) -> str | None:
    """Say what of a command does not exist, or None."""
    command, left = program(), list(words)
    shown = f"entrepot {' '.join(words)}"
    while left and left[0] in GLOBAL_OPTIONS:
        left = left[2:]
    while subcommands := getattr(command, "commands", {}):
        if not left or left[0].startswith("-") or left[0] == "…":
            break
        name = left.pop(0)
        if name not in subcommands:
            return f"{shown}: there is no command {name}"
        command = subcommands[name]
    known = {name for parameter in command.params for name in parameter.opts} | {"--help", "-h"} | GLOBAL_OPTIONS
    given = (word.partition("=")[0] for word in left if word.startswith("-"))
    return next((f"{shown}: there is no option {name}" for name in given if name not in known), None)


@cache
def program() -> Any:
    """Return the command `entrepot`, which typer makes anew each time it is asked."""
    return typer.main.get_command(app)


def is_public(name: str) -> bool:
    """Say whether `entrepot.<name>` is a public name, or a module or an entry point group of that name."""
    groups = (ROOT / "pyproject.toml").read_text(encoding="utf-8") + '"entrepot.tasks"'
    places: Iterable[Path] = ROOT.glob(f"engine/entrepot/{name}*")
    return name in entrepot.__all__ or name in FILE_ENDINGS or any(places) or f'"entrepot.{name}"' in groups


@cache
def all_names_of_tests() -> frozenset[str]:
    return frozenset(name for path in (ROOT / "tests").rglob("test_*.py") for name in names_of_tests(path))


def names_of_tests(path: Path) -> set[str]:
    return {path.stem, *re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)}

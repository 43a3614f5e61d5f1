"""Write docs/reference/commands.md and commands-more.md from the commands themselves, so that they cannot be wrong.

`tests/house/test_generated_pages.py` compares them; `scripts/format` runs this.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from entrepot.cli.program import app

FOLDER = Path(__file__).parent.parent / "docs" / "reference"

HEAD = """\
# {title}

Written by `scripts/describe_commands.py`; `make format` renews it. What commands have in common, and what their exit
codes mean: [command line](../cli.md). {other}

"""
FIRST = HEAD.format(
    title="Commands: processes, repositories, tasks",
    other="Edges, facades, users and plugins: [the other commands](commands-more.md).",
)
SECOND = HEAD.format(
    title="Commands: edges, facades, users, plugins",
    other="Processes, repositories, content and tasks: [the other commands](commands.md).",
)
#: Groups on the second page; two pages, for one would be long.
ON_THE_SECOND = ("deploy", "edge", "facade", "user", "role", "token", "audit", "plugin", "profile")
#: Said once in docs/cli.md, and shown in the usage line.
_OUTPUT = "--output"
#: These are typer's, and so are their words.
_TYPERS = {"--help", "--install-completion", "--show-completion"}


def pages() -> dict[Path, str]:
    """Return both pages as they have to be."""
    program: Any = typer.main.get_command(app)
    groups = [command for command in _visible(program) if _visible(command)]
    first = ["Options that stand before any command:", _list(program), "## entrepot"]
    first += [_command(command, ["entrepot", command.name]) for command in _visible(program) if command not in groups]
    first += [part for group in groups if group.name not in ON_THE_SECOND for part in _group(group)]
    second = [part for group in groups if group.name in ON_THE_SECOND for part in _group(group)]
    return {
        FOLDER / "commands.md": FIRST + "\n\n".join(first) + "\n",
        FOLDER / "commands-more.md": SECOND + "\n\n".join(second) + "\n",
    }


def _group(group: Any) -> Iterator[str]:  # noqa: ANN401 - typer keeps the classes of commands to itself
    yield f"## entrepot {group.name}\n\n{group.help}"
    yield from _below(group, ["entrepot", group.name])


def _below(group: Any, words: list[str]) -> Iterator[str]:  # noqa: ANN401 - as above
    for command in _visible(group):
        path = [*words, command.name]
        if _visible(command):
            yield from _below(command, path)
        else:
            yield _command(command, path)


def _visible(group: Any) -> list[Any]:  # noqa: ANN401 - as above
    return [command for command in getattr(group, "commands", {}).values() if not command.hidden]


def _command(command: Any, words: list[str]) -> str:  # noqa: ANN401 - as above
    arguments = [_shown(parameter) for parameter in command.params if parameter.param_type_name == "argument"]
    options = [parameter for parameter in _options(command) if _OUTPUT not in parameter.opts]
    usage = [*words, *arguments, *(["[OPTIONS]"] if options else [])]
    usage += ["[-o json]"] if len(options) < len(_options(command)) else []
    said, examples = _help(command)
    parts = [f"### {' '.join(words)}", f"`{' '.join(usage)}`", *said, _list(command)]
    if examples:
        parts.append("```sh\n" + "\n".join(examples) + "\n```")
    return "\n\n".join(part for part in parts if part)


def _help(command: Any) -> tuple[list[str], list[str]]:  # noqa: ANN401 - as above
    """Return the paragraphs of a command's help, and its examples."""
    said, examples = [], []
    for paragraph in (command.help or "").replace("\b\n", "").split("\n\n"):
        text = " ".join(paragraph.split())
        if text.startswith("Example"):
            examples.append(re.sub(r"^Examples?: ", "", text))
        elif text:
            said.append(text)
    return said, examples


def _options(command: Any) -> list[Any]:  # noqa: ANN401 - as above
    shown = (parameter for parameter in command.params if parameter.param_type_name == "option")
    return [parameter for parameter in shown if not parameter.hidden and _TYPERS.isdisjoint(parameter.opts)]


def _list(command: Any) -> str:  # noqa: ANN401 - as above
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    options = [parameter for parameter in _options(command) if _OUTPUT not in parameter.opts]
    return "\n".join(f"* `{_shown(parameter)}`: {' '.join(parameter.help.split())}" for parameter in (*arguments, *options))


def _shown(parameter: Any) -> str:  # noqa: ANN401 - as above
    if parameter.param_type_name == "argument":
        name = parameter.metavar or parameter.name.upper()
        return f"{name} …" if parameter.nargs == -1 and not name.endswith("…") else name
    names = ", ".join((*parameter.opts, *parameter.secondary_opts))
    return names if parameter.is_flag else f"{names} {parameter.metavar or 'VALUE'}"


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")

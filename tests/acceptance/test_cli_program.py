"""The command line as a whole: what it says when it is asked wrongly, or where there is nothing."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from entrepot.cli import failures
from entrepot.cli.program import app
from entrepot.cli.tree import TREE
from entrepot.version import __version__


def test_version_is_one_line(run) -> None:
    assert run("version").out == f"entrepot {__version__}\n"


def test_version_can_be_json(run) -> None:
    assert run("version", "-o", "json").document["version"] == __version__


def test_the_module_runs_as_the_command_does() -> None:
    ran = subprocess.run([sys.executable, "-m", "entrepot", "version"], capture_output=True, text=True, check=True)

    assert ran.stdout == f"entrepot {__version__}\n"


def test_help_and_version_load_nothing_heavy() -> None:
    script = (
        "import sys; from entrepot.cli import main; main(['version']); main(['--help']); "
        "print([name for name in ('pydantic', 'peewee', 'uvicorn', 'pycurl', 'entrepot.engine') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ran.stdout.splitlines()[-1] == "[]"


@pytest.fixture(scope="module")
def helps() -> dict[str, str]:
    """What `--help` of each command says, by its words; of one tree, since each run of the program makes it anew."""
    program = typer.main.get_command(app)
    return dict(_every_help(program, program.make_context("entrepot", [], resilient_parsing=True)))


def _every_help(command: Any, context: Any, *above: str) -> Iterator[tuple[str, str]]:
    below = getattr(command, "commands", None)
    if below is None:
        yield " ".join(above), command.get_help(context)
    for name, one in (below or {}).items():
        if not one.hidden:
            inner = one.make_context(name, [], parent=context, resilient_parsing=True)
            yield from _every_help(one, inner, *above, name)


def test_every_command_has_a_help_text_with_an_example(run, helps: dict[str, str]) -> None:
    examples = {name: text.partition("Example")[2] for name, text in helps.items()}

    assert len(examples) > 20
    assert run("repo", "list", "--help").out.strip() == helps["repo list"].strip()
    assert [name for name, text in helps.items() if "\\" in text] == []
    assert [name for name, text in examples.items() if f" {name}" not in text.partition("Options:")[0]] == []


def test_the_tree_tells_of_each_command_what_its_own_help_begins_with() -> None:
    program: Any = typer.main.get_command(app)

    told = {name: (branch.help, program.commands[name]) for name, branch in TREE.items() if not branch.is_hidden}

    assert [name for name, (said, one) in told.items() if not one.help.startswith(said.rstrip("."))] == []
    assert {name for name, branch in TREE.items() if branch.is_hidden} == {"worker-process", "bury-worker"}


def test_the_reference_names_every_command_and_exit_code(helps: dict[str, str]) -> None:
    reference = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
    codes = {value for name, value in vars(failures).items() if name.isupper() and isinstance(value, int)}

    assert [path for path in helps if path not in reference] == []
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", reference, re.MULTILINE)} == {0, *codes}


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["repo", "create"], ["repo", "list", "--nonsense"], ["task", "list", "--limit", "x"]]
)
def test_bad_usage_is_one_message_and_exit_code_2(run, arguments: list[str]) -> None:
    ran = run(*arguments)

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: ")
    assert "--help" in ran.err.splitlines()[-1]


def test_bad_usage_is_json_if_that_was_asked_for(run) -> None:
    ran = run("repo", "show", "-o", "json")

    assert (ran.code, ran.error["code"]) == (2, "PLP0015")


def test_a_command_without_a_data_folder_says_what_to_run(run) -> None:
    ran = run("repo", "list")

    assert ran.code == 6
    assert "hint: Run: entrepot init" in ran.err


def test_init_makes_everything_and_may_run_again(run, tmp_path: Path) -> None:
    first, second = run("init", "-o", "json"), run("init")

    assert first.code == second.code == 0
    assert first.document["data_dir"] == str(tmp_path / "data")
    assert first.document["migrations"]
    assert "it was up to date" in second.out
    assert run("db", "check").code == 0


def test_global_options_stand_before_the_command(run, tmp_path: Path) -> None:
    assert run("--data-dir", tmp_path / "other", "init").code == 0

    assert (tmp_path / "other" / "entrepot.sqlite3").exists()


def test_an_unwritable_data_folder_is_said_and_is_exit_code_6(run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    ran = run("--data-dir", tmp_path / "file" / "data", "init")

    assert ran.code == 6
    assert str(tmp_path / "file") in ran.err
    assert "Traceback" not in ran.err


def test_a_bad_setting_is_named(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTREPOT_WORKER_THREADS", "many")

    ran = run("repo", "list")

    assert ran.code == 2
    assert "ENTREPOT_WORKER_THREADS" in ran.err


def test_a_database_newer_than_the_code_is_refused(run, tmp_path: Path) -> None:
    import sqlite3

    run("init")
    with sqlite3.connect(tmp_path / "data" / "entrepot.sqlite3") as connection:
        connection.execute("INSERT INTO schema_migration (number, name, applied_at) VALUES (9999, 'from_the_future', 0)")
    connection.close()

    ran = run("repo", "list", "-o", "json")

    assert (ran.code, ran.error["code"]) == (6, "PLP2042")


def test_plugins_are_listed_with_their_state(run) -> None:
    plugins = {(one["kind"], one["type_id"]): one["error"] for one in run("plugin", "list", "-o", "json").document}

    assert plugins[("importer", "iso_importer")] is None
    assert plugins[("distributor", "iso_distributor")] is None


def test_a_port_that_is_taken_is_said_before_anything_starts(run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = run("serve", "--port", taken.getsockname()[1])

    assert ran.code == 2
    assert "Choose another with --host or --port" in ran.err


def test_the_content_process_ends_with_its_parent(run, tmp_path: Path) -> None:
    run("init")
    command = [sys.executable, "-m", "entrepot", "api", "--port", "0", "--exit-with-parent"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        assert process.stderr.readline().startswith("entrepot api ready on http://127.0.0.1:")

        process.stdin.close()

        assert process.wait(30) == 0


def test_a_broken_pipe_is_no_error(run) -> None:
    run("init")
    command = f"{sys.executable} -m entrepot plugin list -o json | head -1"
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True, env=dict(os.environ))

    assert ran.stderr == ""


def test_output_that_is_piped_has_no_colour_and_json_is_json(run) -> None:
    run("init")
    run("repo", "create", "zoo", "--importer", "iso_importer", "--feed", "http://127.0.0.1:9/")

    assert "\x1b" not in run("repo", "list").out + run("repo", "show", "zoo").out
    assert json.loads(run("repo", "list", "-o", "json").out)[0]["repository_id"] == "zoo"

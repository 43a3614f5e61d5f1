"""What the shell offers: commands, options and values, silently, and without making or asking anything."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from entrepot.cli import completion, main
from entrepot.engine import Engine
from entrepot.settings import read_settings
from entrepot.tasking import STATES

from .conftest import clean_environment


@pytest.fixture
def offered(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what a shell offers for the last word of a line."""

    def offered(line: str, shell: str = "bash") -> list[str]:
        words = line.split(" ")
        for name, value in {
            completion.VARIABLE: f"complete_{shell}",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
            "_TYPER_COMPLETE_ARGS": line,
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        }.items():
            monkeypatch.setenv(name, value)
        capfd.readouterr()
        with pytest.raises(SystemExit):
            main([])
        for name in (completion.VARIABLE, "COMP_WORDS", "COMP_CWORD"):
            monkeypatch.delenv(name)
        printed = capfd.readouterr()
        assert printed.err == ""
        return printed.out.split("\n")[:-1] if printed.out.strip() else []

    return offered


@pytest.fixture
def engine(run) -> Any:
    """An engine with one of each thing."""
    assert run("init").code == 0
    with Engine(settings=read_settings()) as engine:
        zoo = engine.repositories.create("zoo", importer_type_id="iso_importer", display_name="The zoo")
        zoo.add_distributor("iso_distributor", None, distributor_id="files")
        engine.repositories.create("zoo_2")
        engine.access.create_user("ann")
        engine.access.create_role("keepers")
        engine.edges.add_pop("Europe : Berlin")
        yield engine


def test_commands_options_and_choices_are_offered(offered) -> None:
    assert offered("entrepot ta") == ["task"]
    assert offered("entrepot repo pub") == ["publish", "publications"]
    assert offered("entrepot repo sync zoo --b") == ["--background"]
    assert offered("entrepot task list --state ca") == ["canceled"]
    assert offered("entrepot deploy list --state prop") == ["propagating", "propagated"]
    assert offered("entrepot worker-pro") == []
    assert {"task", "repo", "doctor"} < set(offered("entrepot "))


def test_values_are_those_of_the_engine(offered, engine: Engine) -> None:
    task_id = engine.repositories.get("zoo").sync().task_id
    schedule_id = engine.schedules.create_sync("zoo", "iso_importer", "P1D").schedule_id

    assert offered("entrepot repo show ") == ["zoo", "zoo_2"]
    assert offered("entrepot repo show zoo_") == ["zoo_2"]
    assert offered("entrepot task list --repository zoo") == ["zoo", "zoo_2"]
    assert offered("entrepot repo publish zoo --distributor-id ") == ["files"]
    assert offered("entrepot repo publish zoo_2 --distributor-id ") == []
    assert offered("entrepot task show ") == [task_id]
    assert offered(f"entrepot task show {task_id[:6]}", "fish") == [f"{task_id}\twaiting sync zoo"]
    assert offered("entrepot schedule show ") == [schedule_id]
    assert offered("entrepot user show a") == ["admin", "ann"]
    assert offered("entrepot role show k") == ["keepers"]
    assert offered("entrepot edge pop remove ") == ["Europe : Berlin"]
    assert offered("entrepot repo create new --importer i") == ["iso_importer"]
    assert offered("entrepot repo distributor add zoo edge") == ["edge_distributor"]
    assert offered("entrepot worker drain ") == []


def test_nothing_is_made_and_nothing_said_where_there_is_nothing(offered, tmp_path: Path, monkeypatch) -> None:
    assert offered("entrepot repo show ") == []
    assert offered("entrepot --profile nobody repo show ") == []
    assert offered("entrepot --url http://127.0.0.1:9 repo show ") == []
    assert offered("entrepot --url http://127.0.0.1:9 --user ann repo show ") == []
    assert offered("entrepot --url nonsense repo show ") == []
    assert offered("entrepot --database-url postgresql://127.0.0.1:9/none repo show ") == []
    monkeypatch.setenv("ENTREPOT_CONFIG", str(tmp_path / "config.toml"))
    (tmp_path / "config.toml").write_text("no toml")
    assert offered("entrepot repo show ") == []

    assert not (tmp_path / "data").exists()


def test_a_server_is_asked_in_place_of_the_engine(offered, run, served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion, "_PATIENCE_SECONDS", 10)
    name = f"far-{secrets.token_hex(4)}"
    run("repo", "create", name, "--distributor", "iso_distributor")
    token = run("token", "create", "admin", f"completion-{name}", "-o", "json").document["token"]
    monkeypatch.setenv("ENTREPOT_DATA_DIR", "/nowhere")
    server = f"entrepot --url {served.url} --token {token}"

    assert offered(f"{server} repo show {name[:6]}") == [name]
    assert offered(f"{server} repo publish {name} --distributor-id ") == ["iso_distributor"]
    assert len(offered(f"{server} worker drain ")) == 1
    assert "admin" in offered(f"{server} user show a")
    assert "iso_importer" in offered(f"{server} repo create x --importer iso")
    assert offered(f"{server} role show super") == ["super-users"]


def test_the_data_folder_of_the_settings_file_is_read_as_settings_read_it(tmp_path: Path, monkeypatch) -> None:
    context: Any = SimpleNamespace(find_root=lambda: SimpleNamespace(params={}))
    for environment, text in (
        ({}, ""),
        ({"ENTREPOT_DATA_DIR": str(tmp_path / "a")}, f"data_dir = '{tmp_path}/b'"),
        ({"ENTREPOT_DATABASE_URL": "postgresql://a.test/b"}, ""),
        ({}, f"data_dir = '{tmp_path}/c'"),
        ({}, "database_url = 'sqlite:////srv/d'"),
    ):
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("ENTREPOT_DATA_DIR", raising=False)
            (tmp_path / "config.toml").write_text(text)
            for name, value in {"ENTREPOT_CONFIG": str(tmp_path / "config.toml"), **environment}.items():
                patch.setenv(name, value)

            assert completion._database_url(context) == read_settings().effective_database_url


def test_states_are_those_of_tasks() -> None:
    assert completion.TASK_STATES == STATES


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_by_the_script_that_is_shown(tmp_path: Path) -> None:
    script = subprocess.run(
        [sys.executable, "-m", "entrepot", "--show-completion", "bash"],
        env=clean_environment(_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1"),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    function = next(word for word in script.split() if word.endswith("_completion()")).removesuffix("()")
    typed = f'{script}\nCOMP_WORDS=(entrepot sched); COMP_CWORD=1; {function} entrepot; printf "%s\\n" "${{COMPREPLY[@]}}"'
    ran = subprocess.run(
        ["bash", "--norc", "-c", typed],
        env=clean_environment(PATH=f"{Path(sys.executable).parent}:/usr/bin:/bin"),
        capture_output=True,
        text=True,
        check=True,
    )

    assert ran.stdout.split() == ["scheduler", "schedule"]

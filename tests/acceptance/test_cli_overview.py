"""`doctor`, `status` and `settings`: how the machine and the engine are doing, whatever state they are in."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest


def test_the_doctor_says_what_to_do_where_there_is_nothing_yet_and_makes_nothing(run, tmp_path: Path) -> None:
    ran = run("doctor", "--port", "0")

    assert (ran.code, ran.err) == (1, "")
    assert "✗ failed   schema" in ran.out
    assert "-> Run: entrepot init" in ran.out
    assert not (tmp_path / "data").exists()


def test_the_doctor_ends_well_where_all_is_well(run) -> None:
    run("init")

    ran = run("doctor", "--port", "0", "-o", "json")

    states = {finding["name"]: finding["state"] for finding in ran.document["findings"]}
    assert (ran.code, states["schema"], states["store"], states["database"]) == (0, "ok", "ok", "ok")
    assert ran.document["status"] in ("ok", "warning")
    assert "port" not in states


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"ENTREPOT_WORKER_THREADS": "many"}, "ENTREPOT_WORKER_THREADS"),
        ({"ENTREPOT_DATABASE_URL": "nonsense"}, "nonsense"),
        ({"ENTREPOT_DATABASE_URL": "postgresql://ann:secret@127.0.0.1:9/none"}, "127.0.0.1"),
    ],
)
def test_the_doctor_names_settings_and_databases_that_do_not_work(
    run, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], named: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    ran = run("doctor", "--port", "0")

    assert (ran.code, ran.err) == (1, "")
    assert named in ran.out
    assert "secret" not in ran.out


def test_the_doctor_examines_this_machine_only(run) -> None:
    assert run("--url", "http://127.0.0.1:9", "--token", "t", "doctor").code == 2


def test_the_status_is_that_of_the_engine_or_of_the_server(run, served, feed) -> None:
    name = f"failing-{secrets.token_hex(4)}"
    run("repo", "create", name, "--importer", "iso_importer", "--feed", feed.url)
    assert run("repo", "sync", name).code == 1
    token = run("token", "create", "admin", name, "-o", "json").document["token"]

    local, remote = run("status", "-o", "json"), run("--url", served.url, "--token", token, "status", "-o", "json")

    assert (local.code, remote.code) == (0, 0)
    assert local.document["failures"] == remote.document["failures"]
    assert name in {failure["repository_id"] for failure in local.document["failures"]["failures"]}
    assert (remote.document["server"], local.document["data_dir"]) == (served.url, str(served.data_dir))
    assert [worker["name"] for worker in local.document["workers"]] == [one["name"] for one in remote.document["workers"]]
    assert name in run("status").out


def test_settings_say_where_they_come_from_and_keep_secrets(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "entrepot.toml").write_text(
        "worker_threads = 3\n[plugins.yum_distributor]\ngpg_key = 'hidden'\nsteps = [1]\n", encoding="utf-8"
    )
    monkeypatch.setenv("ENTREPOT_ADMIN_PASSWORD", "hidden too, and long")
    monkeypatch.setenv("ENTREPOT_BROKER_URL", "redis://:hidden@127.0.0.1/0")

    ran, table = run("settings", "-o", "json"), run("settings")

    found = ran.document["settings"]
    assert found["worker_threads"] == {"value": 3, "source": "file"}
    assert found["worker_processes"]["source"] == "default"
    assert found["admin_password"] == {"value": "*****", "source": "ENTREPOT_ADMIN_PASSWORD"}
    assert found["plugins"]["value"] == {"yum_distributor": {"gpg_key": "*****", "steps": [1]}}
    assert "hidden" not in ran.out + table.out
    assert table.code == 0

"""The command line over REST: the same output and the same exit codes as on the machine itself."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def token(run, served) -> str:
    """A token of the administrator's, made on the machine."""
    ran = run("token", "create", "admin", f"remote-{secrets.token_hex(6)}", "-o", "json")
    assert ran.code == 0, ran.err
    return ran.document["token"]


@pytest.fixture
def remotely(run, served, token: str) -> Any:
    """Run a command line over REST, without anything of the machine's own."""

    def remotely(*arguments: object) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ENTREPOT_DATA_DIR", "/nowhere")
            return run("--url", served.url, "--token", token, *arguments)

    return remotely


@pytest.fixture
def zoo(run, remotely, feed, request: pytest.FixtureRequest) -> str:
    """A repository that was made, synced and published twice over REST."""
    name = "far-" + re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:40].strip("-")
    distributor = ("--distributor", "iso_distributor", "--auto-publish")
    feed.offer({"a.iso": name.encode()})
    ran = remotely("repo", "create", name, "--importer", "iso_importer", "--feed", feed.url, *distributor, "--note", "n=1")
    assert (ran.code, ran.err) == (0, "")
    assert remotely("repo", "sync", name).code == 0
    feed.offer({"a.iso": name.encode(), "b.iso": b"b" + name.encode()})
    assert remotely("repo", "sync", name).code == 0
    return name


READ = [
    ("repo", "show", "{zoo}"),
    ("repo", "history", "{zoo}"),
    ("repo", "history", "{zoo}", "--kind", "publish"),
    ("repo", "publications", "{zoo}"),
    ("repo", "importer", "show", "{zoo}"),
    ("repo", "distributor", "list", "{zoo}"),
    ("task", "list", "--repository", "{zoo}"),
    ("task", "list", "--repository", "{zoo}", "--state", "finished", "--limit", "1"),
    ("task", "show", "{task}"),
    ("task", "wait", "{task}"),
    ("task", "watch", "{task}"),
    ("task", "cancel", "{task}"),
    ("version",),
]
REFUSED = [
    (3, ("repo", "show", "nowhere")),
    (3, ("repo", "delete", "nowhere", "--yes")),
    (3, ("repo", "roll-back", "{zoo}", "77")),
    (3, ("repo", "publish", "{zoo}", "--distributor-id", "nowhere")),
    (3, ("task", "show", "00000000-0000-0000-0000-000000000000")),
    (3, ("task", "wait", "0000000")),
    (3, ("group", "show", "0000000")),
    (3, ("worker", "drain", "nobody")),
    (2, ("task", "show", "abc")),
    (2, ("task", "list", "--state", "sleeping")),
    (2, ("repo", "create", "{zoo}")),
    (2, ("repo", "create", "a b")),
    (2, ("repo", "create", "new", "--importer", "nothing")),
    (2, ("repo", "update", "{zoo}", "--importer-config", "max_downloads=0")),
    (2, ("worker", "drain")),
]


def test_what_is_printed_is_the_same(run, remotely, zoo: str) -> None:
    task = run("task", "list", "--repository", zoo, "--limit", "1", "-o", "json").document[0]["task_id"]
    for command in READ:
        arguments = [word.format(zoo=zoo, task=task) for word in command]
        for format_ in ("table", "json"):
            here, there = run(*arguments, "-o", format_), remotely(*arguments, "-o", format_)

            assert (there.code, _steady(there.out), there.err) == (here.code, _steady(here.out), here.err), command


def test_what_is_refused_is_refused_alike(run, remotely, zoo: str) -> None:
    for code, command in REFUSED:
        arguments = [word.format(zoo=zoo) for word in command]
        here, there = run(*arguments), remotely(*arguments)

        assert (there.code, there.out, there.err) == (code, here.out, here.err), command
        assert here.code == code


def test_a_short_id_is_enough(remotely, zoo: str) -> None:
    task = remotely("task", "list", "--repository", zoo, "--limit", "1", "-o", "json").document[0]["task_id"]

    assert remotely("task", "show", task[:-6], "-o", "json").document["task_id"] == task


def test_a_repository_is_changed_published_rolled_back_and_deleted(run, remotely, zoo: str) -> None:
    assert remotely("repo", "update", zoo, "--description", "far", "--distributor-config", "serve_http=true").code == 0
    revisions = [one["revision"] for one in remotely("repo", "publications", zoo, "-o", "json").document]
    assert len(revisions) == 2
    assert remotely("repo", "roll-back", zoo, revisions[1]).code == 0
    assert remotely("repo", "publish", zoo, "-o", "json").document["state"] == "finished"
    assert remotely("repo", "download", zoo, "--verify").code == 0
    assert remotely("repo", "importer", "update", zoo, "--config", "max_downloads=2").code == 0
    assert remotely("repo", "distributor", "update", zoo, "--no-auto-publish").code == 0
    shown = run("repo", "show", zoo, "-o", "json").document
    assert (shown["description"], shown["importer"]["config"]["max_downloads"]) == ("far", 2)
    assert shown["distributors"][0]["auto_publish"] is False

    ran = remotely("repo", "delete", zoo, "--yes")

    assert (ran.code, ran.err) == (0, "")
    assert run("repo", "show", zoo).code == 3


def test_a_sync_that_fails_is_exit_code_1_and_a_wait_without_end_5(remotely, zoo: str, feed) -> None:
    (feed.folder / "b.iso").write_bytes(b"other bytes than the manifest says")
    (feed.folder / "PULP_MANIFEST").write_text("c.iso," + "0" * 64 + ",3\n")

    failed = remotely("repo", "sync", zoo)

    assert failed.code == 1
    assert failed.err.startswith("error: ")
    feed.offer({"held-far.iso": b"held " + zoo.encode()})
    task = remotely("repo", "sync", zoo, "--background").out.strip()
    assert feed.was_asked_for_held.wait(30)
    assert remotely("task", "wait", task, "--timeout", "0.2").code == 5
    assert remotely("task", "cancel", task).code == 0
    feed.release()
    assert remotely("task", "wait", task).code == 4


def test_workers_are_listed_drained_and_resumed(run, remotely) -> None:
    (worker,) = remotely("worker", "list", "-o", "json").document
    assert worker["name"] == run("worker", "list", "-o", "json").document[0]["name"]

    drained = remotely("worker", "drain", worker["name"])

    assert (drained.code, drained.err) == (0, "")
    assert remotely("worker", "resume", worker["name"]).code == 0
    assert run("worker", "list", "--tasks").code == remotely("worker", "list", "--tasks").code == 0


@pytest.mark.parametrize(
    "command",
    [
        ("init",),
        ("serve",),
        ("worker",),
        ("scheduler",),
        ("db", "check"),
        ("db", "migrate"),
        ("user", "list"),
        ("token", "list"),
    ],
)
def test_what_works_on_the_machine_alone_is_refused(remotely, command: tuple[str, ...]) -> None:
    ran = remotely(*command)

    assert (ran.code, ran.out) == (2, "")
    assert "works on the machine that entrepot runs on" in ran.err


def test_who_asks_is_told_by_a_password_too(run, served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTREPOT_PASSWORD", "no such password")

    wrong = run("--url", served.url, "--user", "admin", "repo", "list")
    nobody = run("--url", served.url, "repo", "list")

    assert (wrong.code, "Invalid username or password: admin" in wrong.err) == (2, True)
    assert (nobody.code, "--token TOKEN" in nobody.err) == (2, True)


def test_who_may_sync_and_not_see_the_workers_syncs_and_watches(run, served, zoo: str) -> None:
    login = f"keeper-{secrets.token_hex(4)}"
    run("user", "add", login, "--no-password")
    run("user", "grant", login, f"/v2/repositories/{zoo}/", "read", "execute")
    run("user", "grant", login, "/v2/tasks/", "read")
    token = run("token", "create", login, "far", "-o", "json").document["token"]

    synced = run("--url", served.url, "--token", token, "repo", "sync", zoo)
    refused = run("--url", served.url, "--token", token, "repo", "delete", zoo, "--yes")

    assert (synced.code, synced.err) == (0, "")
    assert (refused.code, "Permission denied" in refused.err) == (2, True)


def test_without_a_password_and_a_terminal_the_command_says_where_it_belongs(run, served) -> None:
    ran = run("--url", served.url, "--user", "admin", "repo", "list")

    assert (ran.code, "ENTREPOT_PASSWORD" in ran.err) == (2, True)


def test_a_server_that_is_away_is_exit_code_6(run) -> None:
    ran = run("--url", "http://127.0.0.1:9", "--token", "t", "repo", "list")

    assert (ran.code, "http://127.0.0.1:9 cannot be reached" in ran.err) == (6, True)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--url", "http://a.test", "--profile", "b"), "--profile"),
        (("--url", "http://a.test", "--token", "t", "--user", "u"), "--user"),
        (("--token", "t"), "--url"),
        (("--url", "a.test"), "url"),
        (("--data-dir", "/nowhere", "--url", "http://a.test"), "--data-dir"),
    ],
)
def test_options_that_contradict_each_other_are_refused(run, options: tuple[str, ...], named: str) -> None:
    ran = run(*options, "repo", "list")

    assert (ran.code, named in ran.err) == (2, True)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the profiles of this test are in."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "entrepot"


def test_a_profile_names_the_server_and_who_asks(run, served, token: str, home: Path) -> None:
    assert run("profile", "add", "near", "--url", served.url, "--token", token).code == 0

    assert run("--profile", "near", "repo", "list", "-o", "json").code == 0
    assert (home / "profiles.toml").stat().st_mode & 0o777 == 0o600
    listed = run("profile", "list")
    assert (served.url in listed.out, token in listed.out) == (True, False)
    assert run("profile", "list", "-o", "json").document == [{"name": "near", "url": served.url, "as": "token", "ca": None}]
    assert run("profile", "remove", "near").code == 0
    assert run("--profile", "near", "repo", "list").code == 3
    assert run("profile", "remove", "near").code == 3


def test_profiles_that_others_may_read_are_refused(run, home: Path) -> None:
    run("profile", "add", "near", "--url", "http://127.0.0.1:9", "--user", "ann")
    (home / "profiles.toml").chmod(0o640)

    ran = run("--profile", "near", "repo", "list")

    assert (ran.code, "chmod 600" in ran.err) == (2, True)


@pytest.mark.parametrize(
    "text", ["[near]\ntoken = 't'\n", "[near]\nurl = 3\n", "near = 3\n", "[near]\nurl = 'x'\nport = '1'\n", "not toml", "\xff"]
)
def test_profiles_that_cannot_be_read_are_refused(run, home: Path, text: str) -> None:
    home.mkdir(parents=True)
    (home / "profiles.toml").write_bytes(text.encode("latin-1"))
    (home / "profiles.toml").chmod(0o600)

    ran = run("--profile", "near", "repo", "list")

    assert (ran.code, "profiles" in ran.err) == (2, True)


def test_what_cannot_be_a_profile_is_not_kept(run, home: Path) -> None:
    for arguments in (
        ("a b", "--url", "http://a.test"),
        ("a", "--url", "a.test"),
        ("a", "--url", "http://a.test", "--ca", "/no"),
    ):
        assert run("profile", "add", *arguments).code == 2

    assert not home.exists()


def test_odd_characters_in_a_profile_are_read_as_they_were_written(run, home: Path) -> None:
    run("profile", "add", "odd", "--url", "http://a.test", "--user", 'ü"\\😀')

    assert run("profile", "list", "-o", "json").document[0]["as"] == 'user ü"\\😀'


def _steady(text: str) -> str:
    """Leave out what grows while one looks: ages, as `12 s` before a time that was taken."""
    return re.sub(r" +\d+ (s|min|h|days)\b", " AGE", text)

"""Users, roles and tokens on the command line; the first administrator's password is said once, and no other ever."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.acceptance.conftest import Ran, Run, clean_environment

from entrepot import Engine
from entrepot.errors import InvalidCredentials, SessionEnded

PASSWORD = re.compile(r"^ +([a-z2-9]{5}(?:-[a-z2-9]{5}){4})$", re.MULTILINE)


@pytest.fixture
def engine(run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An engine whose administrator has the password `mine`."""
    monkeypatch.setenv("ENTREPOT_ADMIN_PASSWORD", "mine")
    assert run("init").code == 0
    with Engine() as engine:
        yield engine


def logs_in(engine: Engine, login: str, password: str) -> bool:
    try:
        engine.access.authenticate_password(login, password, address=None)
    except InvalidCredentials:
        return False
    return True


@pytest.fixture
def run_with_input(run: Run, monkeypatch: pytest.MonkeyPatch):
    """Run a command line that finds a text on standard input."""

    def run_with_input(text: str, *arguments: object) -> Ran:
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        return run(*arguments)

    return run_with_input


@pytest.mark.parametrize("command", [("init",), ("init", "-o", "json")])
def test_the_first_init_says_the_administrators_password_once(run: Run, command: tuple[str, ...]) -> None:
    first, second = run(*command), run(*command)

    (password,) = PASSWORD.findall(first.err)
    assert password not in first.out
    assert "user admin" in first.err
    assert (second.code, second.err) == (0, "")
    with Engine() as engine:
        assert logs_in(engine, "admin", password)
        assert not logs_in(engine, "admin", "admin")


def test_serve_says_it_if_it_is_what_makes_the_database(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "entrepot", "--data-dir", str(tmp_path / "new"), "serve", "--host", "256.0.0.1"]
    ran = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, check=False)

    assert ran.returncode != 0  # no such address: it has made the database, and serves nothing
    assert len(PASSWORD.findall(ran.stderr)) == 1


@pytest.mark.usefixtures("engine")
def test_a_password_in_the_settings_is_not_said(run: Run, engine: Engine) -> None:
    ran = run("db", "migrate")

    assert (ran.code, ran.err) == (0, "")
    assert logs_in(engine, "admin", "mine")


def test_a_user_is_added_shown_and_deleted(run: Run, run_with_input, engine: Engine) -> None:
    made = run_with_input("ann's\n", "user", "add", "ann", "--name", "Ann", "--role", "super-users", "--password-stdin")
    assert (made.code, made.out, made.err) == (0, "Created user ann.\n", "")
    assert logs_in(engine, "ann", "ann's")

    listed = run("user", "list").out.splitlines()
    assert listed[0].split() == ["LOGIN", "NAME", "ROLES", "PASSWORD", "CREATED"]
    assert [line.split()[:4] for line in listed[1:]] == [
        ["admin", "admin", "super-users", "yes"],
        ["ann", "Ann", "super-users", "yes"],
    ]
    shown = run("user", "show", "ann", "-o", "json").document
    assert (shown["login"], shown["roles"]) == ("ann", ["super-users"])
    assert shown["permissions"]["/v2/users/ann/"] == ["READ", "UPDATE"]
    assert "argon2" not in str(shown)

    assert run("user", "delete", "ann").code == 0
    assert run("user", "show", "ann").code == 3


def test_a_password_is_changed_from_standard_input(run_with_input, engine: Engine) -> None:
    assert run_with_input("new\r\n", "user", "passwd", "admin", "--password-stdin").code == 0

    assert logs_in(engine, "admin", "new")
    assert not logs_in(engine, "admin", "mine")


@pytest.mark.usefixtures("engine")
def test_without_a_terminal_a_password_must_come_from_standard_input(run_with_input) -> None:
    for arguments in (("user", "passwd", "admin"), ("user", "add", "ann")):
        ran = run_with_input("mine\n", *arguments)
        assert (ran.code, ran.out) == (2, "")
        assert "--password-stdin" in ran.err
    assert run_with_input("\n", "user", "add", "ann", "--password-stdin").code == 2


@pytest.mark.parametrize("arguments", [("user", "passwd", "admin", "secret"), ("user", "add", "ann", "--password", "secret")])
@pytest.mark.usefixtures("engine")
def test_a_password_is_no_argument(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments).code == 2


def test_on_a_terminal_a_password_is_asked_for_twice_and_not_shown(engine: Engine) -> None:
    ours, theirs = pty.openpty()
    environment = clean_environment(ENTREPOT_DATA_DIR=os.environ["ENTREPOT_DATA_DIR"])
    command = [sys.executable, "-W", "ignore", "-m", "entrepot", "user", "passwd", "admin"]
    process = subprocess.Popen(
        command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, close_fds=True
    )
    os.close(theirs)
    said = b""
    for prompt in (b"New password of admin: ", b"The same again: "):  # the space comes when nothing is shown any more
        while prompt not in said:
            said += os.read(ours, 1000)
        os.write(ours, b"fresh horse\n")
    while b"Changed the password" not in said:
        said += os.read(ours, 1000)
    assert process.wait(60) == 0
    os.close(ours)

    assert b"horse" not in said
    assert logs_in(engine, "admin", "fresh horse")


def test_what_a_user_may_do_is_granted_and_revoked(run: Run, engine: Engine) -> None:
    assert run("user", "add", "ci", "--no-password").code == 0

    granted = run("user", "grant", "ci", "/v2/repositories/zoo", "read", "EXECUTE", "-o", "json")
    assert granted.document["/v2/repositories/zoo/"] == ["READ", "EXECUTE"]
    revoked = run("user", "revoke", "ci", "/v2/repositories/zoo/", "execute", "-o", "json")
    assert revoked.document["/v2/repositories/zoo/"] == ["READ"]
    assert re.search(r"/v2/repositories/zoo/ +READ\n", run("user", "show", "ci").out)


@pytest.mark.usefixtures("engine")
def test_a_role_is_made_given_shown_and_deleted(run: Run) -> None:
    assert run("user", "add", "ci", "--no-password").code == 0
    assert "role grant publishers" in run("role", "add", "publishers", "--description", "May publish.").out

    assert "READ, EXECUTE" in run("role", "grant", "publishers", "/v2/repositories/", "execute", "read").out
    assert run("role", "add-user", "publishers", "ci").out == "Users with the role publishers: ci.\n"
    shown = run("role", "show", "publishers", "-o", "json").document
    assert (shown["permissions"], shown["users"]) == ({"/v2/repositories/": ["READ", "EXECUTE"]}, ["ci"])
    assert "publishers" in run("user", "show", "ci").out
    assert [line.split()[0] for line in run("role", "list").out.splitlines()] == ["ROLE", "publishers", "super-users"]

    assert run("role", "revoke", "publishers", "/v2/repositories/", "execute", "-o", "json").document == {
        "/v2/repositories/": ["READ"]
    }
    assert run("role", "remove-user", "publishers", "ci").out == "Users with the role publishers: nobody.\n"
    assert run("role", "delete", "publishers").code == 0
    assert run("role", "show", "publishers").code == 3


def test_a_token_is_printed_alone_and_once(run: Run, engine: Engine) -> None:
    made = run("token", "create", "admin", "ci", "--days", "90")
    secret = made.out.strip()

    assert made.out == f"{secret}\n"
    assert engine.access.authenticate_token(secret).login == "admin"
    assert "not shown again" in made.err
    listed = run("token", "list")
    assert secret not in listed.out
    assert listed.out.splitlines()[1].split()[:3] == ["admin", "ci", "valid"]
    assert secret not in str(run("token", "list", "admin", "-o", "json").document)

    assert run("token", "revoke", "admin", "ci").out == "Revoked token ci of admin.\n"
    with pytest.raises(InvalidCredentials):
        engine.access.authenticate_token(secret)


def test_a_token_may_come_as_json(run: Run, engine: Engine) -> None:
    document = run("token", "create", "admin", "ci", "-o", "json").document

    assert engine.access.authenticate_token(document["token"]).token_name == document["name"] == "ci"
    assert document["expires"] is None


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("user", "delete", "admin"), 2, "last super user"),
        (("role", "remove-user", "super-users", "admin"), 2, "last super user"),
        (("role", "delete", "super-users"), 2, "cannot be changed"),
        (("role", "grant", "super-users", "/", "read"), 2, "cannot be changed"),
        (("user", "add", "admin", "--no-password"), 2, "Duplicate resource: admin"),
        (("user", "add", "a b", "--no-password"), 2, "login"),
        (("user", "add", "ann", "--no-password", "--role", "x"), 2, "there is no role 'x'"),
        (("user", "grant", "admin", "zoo", "read"), 2, "resource"),
        (("user", "grant", "admin", "/v2/", "write"), 2, "CREATE, READ, UPDATE, DELETE, EXECUTE"),
        (("user", "grant", "nobody", "/v2/", "read"), 2, "there is no user 'nobody'"),
        (("user", "show", "nobody"), 3, "hint: See what there is: entrepot user list"),
        (("user", "passwd", "nobody", "--password-stdin"), 3, "entrepot user list"),
        (("role", "show", "nobody"), 3, "hint: See what there is: entrepot role list"),
        (("token", "list", "nobody"), 3, "entrepot user list"),
        (("token", "revoke", "admin", "ci"), 3, "entrepot token list"),
        (("token", "create", "admin", "ci", "--days", "0"), 2, "--days"),
    ],
)
@pytest.mark.usefixtures("engine")
def test_what_is_refused_is_said(run_with_input, arguments: tuple[str, ...], code: int, said: str) -> None:
    ran = run_with_input("x\n", *arguments)

    assert (ran.code, ran.out) == (code, "")
    assert ran.err.startswith("error: ")
    assert said in ran.err


def test_what_a_command_changes_is_in_the_audit_log_and_what_it_reads_is_not(run: Run, engine: Engine) -> None:
    run("user", "add", "ann", "--no-password", "--name", "secret name")
    run("repo", "create", "zoo")
    run("repo", "list")
    assert run("repo", "create", "zoo").code != 0
    with engine.acting("nightly", "tidy up", "/v2/repositories/"):
        engine.repositories.create("farm")

    entries = run("audit", "list", "-o", "json").document
    told = [(one["login"].partition(":")[0], one["door"], one["action"], one["resource"], one["fields"]) for one in entries]
    assert told == [
        ("program", "python", "tidy up", "/v2/repositories/", []),
        ("local", "cli", "repo create", "/v2/repositories/zoo/", ["repository_id"]),
        ("local", "cli", "user add", "/v2/users/ann/", ["no_password", "name", "login"]),
    ]
    assert "secret name" not in repr(entries)
    assert run("audit", "list", "--resource", "/v2/users/").out.splitlines()[1].split()[2:5] == ["cli", "done", "user"]
    assert "nothing of that kind" in run("audit", "list", "--outcome", "refused").err


def test_browsers_are_seen_and_logged_out(run: Run, engine: Engine) -> None:
    secret, _ = engine.access.begin_session("admin", "mine", address="192.0.2.7", agent="Browser/1")

    assert run("user", "sessions", "admin").out.splitlines()[1].split()[0] == "192.0.2.7"
    assert run("user", "end-sessions", "admin").out == "Ended sessions of admin: 1.\n"

    with pytest.raises(SessionEnded):
        engine.access.authenticate_session(secret)
    assert run("user", "sessions", "admin", "-o", "json").document == []
    assert run("user", "sessions", "nobody").code == 3

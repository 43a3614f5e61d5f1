"""`entrepot edge …` and `entrepot deploy …`: folders are the servers."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

import pytest

POP = "Europe : Berlin (BER)"


@pytest.fixture
def zoo(run, served, feed, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A repository that was synced, and a network of two folders of its own to deploy it to, of which `down` is missing."""
    name = "edge-" + re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:40].strip("-")
    feed.offer({"a.iso": name.encode(), "b.iso": b"b" + name.encode()})
    source = ("--distributor", "iso_distributor", "--auto-publish")
    assert run("repo", "create", name, "--importer", "iso_importer", "--feed", feed.url, *source).code == 0
    config = ("--config", "source=iso_distributor", "--config", f"network={name}", "--config", "retries=0")
    assert run("repo", "distributor", "add", name, "edge_distributor", "--distributor-id", "edge", *config).code == 0
    assert run("repo", "sync", name).code == 0
    (tmp_path / "up").mkdir()
    pop = run("edge", "pop", "add", POP, "--network", name, "-o", "json").document
    assert run("edge", "server", "add", pop["pop_id"], tmp_path / "up", tmp_path / "down").code == 0
    return name


def test_a_deploy_reaches_every_server_and_is_rolled_back(run, zoo: str, feed, tmp_path: Path) -> None:
    (tmp_path / "down").mkdir()
    feed.offer({"a.iso": b"other"})

    first = run("deploy", "start", zoo, "-m", "spring")
    run("repo", "sync", zoo)
    second = run("deploy", "start", zoo, "-o", "json")
    back = run("deploy", "roll-back", zoo, "1")

    number = second.document["deploy_id"] - 1
    assert (first.code, second.code, back.code) == (0, 0, 0), first.err + second.err + back.err
    lines = first.out.splitlines()
    assert lines[0].startswith(f"deploy {number}: ")
    assert f"deploy {number}: {POP}: 2/2 100 %" in lines
    assert re.fullmatch(rf"deploy {number}: propagated in .*: 2 of 2 servers", lines[-1])
    assert (second.document["state"], second.document["revision"], second.document["done"]) == ("propagated", 2, 2)
    assert [(tmp_path / name / zoo / "edge/current/a.iso").read_bytes() for name in ("up", "down")] == [zoo.encode()] * 2
    listed = run("deploy", "list", "--repository", zoo, "-o", "json").document
    assert [(one["revision"], one["message"]) for one in listed] == [(1, None), (2, None), (1, "spring")]


def test_a_server_that_is_down_is_named_and_pushed_to_again(run, zoo: str, tmp_path: Path) -> None:
    ran = run("deploy", "start", zoo)
    number = ran.out.partition(":")[0].removeprefix("deploy ")
    shown = run("deploy", "show", number)
    of_pop = run("deploy", "show", number, "--pop", POP).out.splitlines()
    pushes = run("deploy", "show", number, "-o", "json").document["pushes"]
    (tmp_path / "down").mkdir()
    again = run("deploy", "push-again", number, "--pop", POP)
    watched = run("deploy", "watch", number)

    assert ran.code == 1
    assert f"error: Deploy {number} failed in" in ran.err
    assert f"  {tmp_path / 'down'} in {POP}, failed, tried once: The folder is not there." in ran.err
    assert f"hint: Push to the others again: entrepot deploy push-again {number}" in ran.err
    assert f"{POP}  ██████████░░░░░░░░░░      1/2  50 %       1" in shown.out
    assert f"in {POP}, {tmp_path / 'down'}: failed, tried once\n    The folder is not there." in shown.out
    assert [line.split()[1] for line in of_pop] == ["STATE", "done", "failed"]
    assert {push["url"]: push["state"] for push in pushes} == {str(tmp_path / "up"): "done", str(tmp_path / "down"): "failed"}
    assert (again.code, watched.code) == (0, 0)
    assert f"deploy {number}: propagated in" in watched.out


def test_another_machine_deploys_with_the_same_words(run, served, zoo: str, tmp_path: Path) -> None:
    (tmp_path / "down").mkdir()
    token = run("token", "create", "admin", f"edge-{secrets.token_hex(6)}", "-o", "json").document["token"]
    remotely = ("--url", served.url, "--token", token)

    ran = run(*remotely, "deploy", "start", zoo)
    number = ran.out.partition(":")[0].removeprefix("deploy ")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[-1].endswith(": 2 of 2 servers")
    for words in (("deploy", "show", number), ("deploy", "list", "--repository", zoo), ("edge", "pop", "list")):
        here, there = run(*words), run(*remotely, *words)
        assert (there.code, there.out) == (0, here.out)


@pytest.fixture
def idle(run) -> None:
    """An engine without workers, with a repository to deploy."""
    assert run("init").code == 0
    assert run("repo", "create", "zoo", "--distributor", "iso_distributor").code == 0
    added = run("repo", "distributor", "add", "zoo", "edge_distributor", "--config", "source=iso_distributor")
    assert added.code == 0, added.err


@pytest.mark.usefixtures("idle")
def test_a_deploy_without_a_worker_is_waited_for_in_vain_and_canceled(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("entrepot.cli.deploy_following._PATIENCE_SECONDS", 0.2)
    number = run("deploy", "start", "zoo", "--background").out.strip()

    second = run("deploy", "start", "zoo")
    timed_out = run("deploy", "watch", "--timeout", "0.1")
    unserved = run("deploy", "watch", number)
    canceled = run("deploy", "cancel", number)
    watched = run("deploy", "watch", number)

    assert (second.code, f"Deploy {number} of the distributor 'edge_distributor' is under way." in second.err) == (2, True)
    assert (timed_out.code, timed_out.out.startswith(f"deploy {number}: new, is published, task ")) == (5, True)
    assert (unserved.code, "No worker is running, so deploy" in unserved.err) == (6, True)
    assert canceled.out == f"Canceled deploy {number}; 0 of 0 servers have it.\n"
    assert (watched.code, f"error: Deploy {number} canceled in " in watched.err) == (4, True)
    assert run("deploy", "cancel", number).code == 2
    assert [one["state"] for one in run("deploy", "list", "--state", "canceled", "-o", "json").document] == ["canceled"]


def test_pops_and_servers_are_added_listed_and_removed(run) -> None:
    assert run("init").code == 0
    assert "Next: entrepot edge server add 1 URL" in run("edge", "pop", "add", POP, "--max-pushes", "2").out
    assert run("edge", "pop", "add", POP, "--network", "press").code == 0
    urls = ["sftp://web@one.example.org/srv", "sftp://web@two.example.org/srv"]

    added = run("edge", "server", "add", "1", *urls, "--option", "password=secret")
    refused = run("edge", "server", "add", "1", "sftp://web@three.example.org/srv", urls[0], "--option", "password=secret")

    assert added.out.splitlines()[0] == f"Added server 1 to {POP}: {urls[0]}"
    listed = run("edge", "server", "list", "--pop", "1")
    assert refused.code == 2
    assert [line.split()[0] for line in listed.out.splitlines()[1:]] == ["1", "2"]
    assert ("password=*****" in listed.out, "secret" in listed.out) == (True, False)
    ambiguous = run("edge", "pop", "remove", POP)
    assert (ambiguous.code, "1 of default, 2 of press" in ambiguous.err) == (2, True)
    assert run("edge", "server", "remove", "2").out == "Removed server 2.\n"
    assert run("edge", "pop", "remove", "1").out == f"Removed POP 1, {POP}, with 1 server.\n"
    assert [one["network"] for one in run("edge", "pop", "list", "-o", "json").document] == ["press"]


@pytest.mark.usefixtures("idle")
def test_what_is_not_there_or_not_allowed_is_said(run) -> None:
    run("repo", "create", "plain", "--distributor", "iso_distributor")

    missing = run("deploy", "show", "77")
    assert (missing.code, missing.err.splitlines()[-1]) == (3, "hint: See what there is: entrepot deploy list")
    assert run("deploy", "watch").code == 3
    assert run("deploy", "start", "plain").code == 3
    assert run("deploy", "start", "plain", "--distributor-id", "iso_distributor").code == 2
    assert run("deploy", "roll-back", "zoo", "9").code == 3
    assert run("edge", "pop", "add", "Berlin").code == 2
    assert run("edge", "server", "add", "Europe : Paris", "/srv").code == 3
    assert run("edge", "server", "remove", "77").code == 3

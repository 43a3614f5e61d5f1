"""Repositories on the command line: made, synced, published, changed, deleted; and refused with one clear message."""

from __future__ import annotations

import httpx
import pytest


def _create(run, repository_id: str, feed_url: str, *more: str) -> None:
    distributor = ("--distributor", "iso_distributor", "--auto-publish")
    ran = run("repo", "create", repository_id, "--importer", "iso_importer", "--feed", feed_url, *distributor, *more)
    assert ran.code == 0, ran.err


def test_a_sync_is_followed_to_its_end_and_so_is_the_publish_it_spawns(run, served, feed) -> None:
    feed.offer({"a.iso": b"a", "b.iso": b"bb"})
    _create(run, "followed", feed.url)

    ran = run("repo", "sync", "followed")

    lines = ran.out.splitlines()
    assert (ran.code, ran.err) == (0, "")
    assert lines[0].startswith("sync followed: ")
    assert any(line.endswith(": 2 added, 0 updated, 0 removed") for line in lines)
    assert lines[-1].startswith("publish followed: finished in ")
    assert httpx.get(f"{served.url}/content/followed/b.iso").content == b"bb"


def test_a_sync_as_json_is_one_document_with_the_reports_of_what_it_spawned(run, served, feed) -> None:
    feed.offer({"a.iso": b"a"})
    _create(run, "as-json", feed.url)

    ran = run("repo", "sync", "as-json", "-o", "json")

    document = ran.document
    assert (ran.code, ran.err) == (0, "")
    assert (document["state"], document["result"]["added_count"]) == ("finished", 1)
    assert [report["task_id"] for report in document["spawned_reports"]] == document["spawned"]
    assert [report["state"] for report in document["spawned_reports"]] == ["finished"]


def test_a_second_sync_counts_exactly_what_changed(run, served, feed) -> None:
    feed.offer({"stays.iso": b"1", "changes.iso": b"2", "leaves.iso": b"3"})
    _create(run, "counted", feed.url)
    run("repo", "sync", "counted")
    feed.offer({"stays.iso": b"1", "changes.iso": b"two", "comes.iso": b"4"})

    run("repo", "update", "counted", "--importer-config", "remove_missing=true")
    result = run("repo", "sync", "counted", "-o", "json").document["result"]

    assert (result["added_count"] + result["updated_count"], result["removed_count"] + result["updated_count"]) == (2, 2)
    assert run("repo", "show", "counted", "-o", "json").document["content_unit_counts"] == {"iso": 3}


def test_history_publications_and_roll_back(run, served, feed) -> None:
    feed.offer({"a.iso": b"first"})
    _create(run, "turned", feed.url)
    run("repo", "sync", "turned")
    feed.offer({"a.iso": b"second"})
    run("repo", "sync", "turned")
    kept = run("repo", "publications", "turned", "-o", "json").document
    assert httpx.get(f"{served.url}/content/turned/a.iso").content == b"second"

    ran = run("repo", "roll-back", "turned", kept[1]["revision"])

    assert ran.code == 0
    assert httpx.get(f"{served.url}/content/turned/a.iso").content == b"first"
    assert [one["is_live"] for one in run("repo", "publications", "turned", "-o", "json").document] == [False, True]
    assert [one["result"] for one in run("repo", "history", "turned", "-o", "json").document] == ["success", "success"]
    assert len(run("repo", "history", "turned", "--kind", "publish", "-o", "json").document) == 2


def test_a_repository_is_published_by_hand_and_deleted(run, served, feed) -> None:
    feed.offer({"a.iso": b"a"})
    _create(run, "short-lived", feed.url)
    run("repo", "sync", "short-lived")

    assert run("repo", "publish", "short-lived").code == 0
    assert run("repo", "delete", "short-lived").code == 0

    assert run("repo", "show", "short-lived").code == 3
    assert httpx.get(f"{served.url}/content/short-lived/a.iso").status_code == 404


def test_a_sync_in_the_background_prints_the_task_to_wait_for(run, served, feed) -> None:
    feed.offer({"a.iso": b"a"})
    _create(run, "behind", feed.url)

    started = run("repo", "sync", "behind", "--background")
    task_id = started.out.strip()

    assert (started.code, len(started.out.splitlines())) == (0, 1)
    assert run("task", "wait", task_id, "-o", "json").document["state"] == "finished"
    assert run("task", "show", task_id).out.startswith("Task ")


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code", "words"),
    [
        (["--importer", "nope"], "PLP1008", 2, ["nope", "iso_importer"]),
        (["--importer", "iso_importer", "--distributor", "nope"], "PLP2002", 2, ["nope", "iso_distributor"]),
        (["--feed", "http://x/"], "PLP0016", 2, ["--importer"]),
        (["--auto-publish"], "PLP0016", 2, ["--distributor"]),
        (
            ["--importer", "iso_importer", "--feed", "ftp://x/", "--importer-config", "max_downloads=-1"],
            "PLP1000",
            2,
            ["feed", "max_downloads"],
        ),
    ],
)
def test_a_refused_repository_is_not_made_and_every_cause_is_named(
    run, arguments: list[str], code: str, exit_code: int, words: list[str]
) -> None:
    run("init")

    ran = run("repo", "create", "refused", *arguments, "-o", "json")

    assert (ran.code, ran.out, ran.error["code"]) == (exit_code, "", code)
    assert [word for word in words if word not in ran.error["description"]] == []
    assert run("repo", "list", "-o", "json").document == []


def test_a_taken_id_is_refused(run) -> None:
    run("init")
    run("repo", "create", "zoo")

    assert run("repo", "create", "zoo", "-o", "json").error["code"] == "PLP0018"


@pytest.mark.parametrize("command", ["show", "sync", "publish", "history", "publications", "delete", "update"])
def test_an_unknown_repository_is_exit_code_3_with_where_to_look(run, command: str) -> None:
    run("init")

    ran = run("repo", command, "nowhere")

    assert (ran.code, ran.out) == (3, "")
    assert "repository=nowhere" in ran.err
    assert "hint: See what there is: entrepot repo list" in ran.err


def test_update_merges_and_null_removes_and_secrets_stay_hidden(run) -> None:
    run("init")
    run("repo", "create", "zoo", "--importer", "iso_importer", "--feed", "http://a/", "--note", "team=zoo", "--note", "tier=1")
    run("repo", "update", "zoo", "--feed", "http://b/", "--note", "tier=null", "--description", "Bears")
    secret = ("--importer-config", "basic_auth_username=u", "--importer-config", "basic_auth_password=hush")
    assert run("repo", "update", "zoo", *secret).code == 0

    shown = run("repo", "show", "zoo", "-o", "json")

    assert shown.document["notes"] == {"team": "zoo"}
    assert shown.document["description"] == "Bears"
    assert shown.document["importer"]["config"]["feed"] == "http://b/"
    assert "hush" not in shown.out + run("repo", "show", "zoo").out


def test_the_plugins_of_a_repository_are_set_changed_and_removed(run, served, feed) -> None:
    feed.offer({"a.iso": b"a"})
    run("repo", "create", "plugged")
    steps = [
        ("importer", "set", "plugged", "iso_importer", "--feed", feed.url, "--config", "max_downloads=3"),
        ("importer", "update", "plugged", "--config", "max_downloads=null", "--config", "remove_missing=true"),
        ("distributor", "add", "plugged", "iso_distributor", "--distributor-id", "web", "--config", "relative_url=p/q"),
        ("distributor", "update", "plugged", "--auto-publish", "--config", "relative_url=p/r"),
        ("sync", "plugged"),
        ("download", "plugged", "--verify"),
    ]

    assert [ran.err for ran in (run("repo", *step) for step in steps) if ran.code] == []

    assert run("repo", "importer", "show", "plugged", "-o", "json").document["config"] == {
        "feed": feed.url,
        "remove_missing": True,
    }
    [shown] = run("repo", "distributor", "list", "plugged", "-o", "json").document
    assert (shown["distributor_id"], shown["auto_publish"], shown["base_path"]) == ("web", True, "p/r")
    assert "/content/p/r/" in run("repo", "distributor", "list", "plugged").out
    assert "iso_importer" in run("repo", "importer", "show", "plugged").out
    assert httpx.get(f"{served.url}/content/p/r/a.iso").content == b"a"
    assert run("repo", "distributor", "remove", "plugged").code == 0
    assert run("repo", "importer", "remove", "plugged").code == 0
    assert httpx.get(f"{served.url}/content/p/r/a.iso").status_code == 404
    assert run("repo", "importer", "show", "plugged").code == 3


@pytest.mark.parametrize(
    ("arguments", "exit_code", "code"),
    [
        (("importer", "set", "bare", "nope"), 2, "PLP1008"),
        (("importer", "set", "bare", "iso_importer", "--feed", "gopher://x/"), 2, "PLP1000"),
        (("importer", "update", "bare"), 3, "PLP0009"),
        (("importer", "remove", "bare"), 3, "PLP0009"),
        (("distributor", "add", "bare", "nope"), 2, "PLP2002"),
        (("distributor", "add", "bare", "iso_distributor", "--distributor-id", "a.b"), 2, "PLP0015"),
        (("distributor", "update", "bare"), 3, "PLP0009"),
        (("distributor", "remove", "bare", "--distributor-id", "nobody"), 3, "PLP0009"),
        (("download", "nowhere"), 3, "PLP0009"),
    ],
)
def test_a_change_of_plugins_that_cannot_be_is_refused_at_once(
    run, arguments: tuple[str, ...], exit_code: int, code: str
) -> None:
    run("init")
    run("repo", "create", "bare")

    ran = run("repo", *arguments, "-o", "json")

    assert (ran.code, ran.out, ran.error["code"]) == (exit_code, "", code)


def test_a_feed_that_is_not_there_fails_the_task_with_one_message(run, served, feed) -> None:
    _create(run, "astray", feed.url + "nowhere/")

    ran = run("repo", "sync", "astray")

    assert ran.code == 1
    assert "404" in ran.err
    assert "Traceback" not in ran.out + ran.err
    assert run("repo", "history", "astray", "-o", "json").document[0]["result"] in ("failed", "error")


def test_a_file_that_is_not_as_promised_is_named_and_nothing_is_published(run, served, feed) -> None:
    feed.offer({"good.iso": b"good", "bad.iso": b"promised"})
    (feed.folder / "bad.iso").write_bytes(b"imposter")
    _create(run, "deceived", feed.url)

    ran = run("repo", "sync", "deceived")

    assert ran.code == 1
    assert "bad.iso" in ran.err
    assert httpx.get(f"{served.url}/content/deceived/good.iso").status_code == 404

"""Content on the command line: units listed, copied, removed and uploaded, orphans deleted; on the machine, and over REST."""

from __future__ import annotations

import itertools
import secrets
from pathlib import Path
from typing import Any

import httpx
import pytest

from entrepot.content import uploads
from entrepot.errors import StorageFull

_NAMES = (f"content-{number}" for number in itertools.count(1))


@pytest.fixture(params=["here", "far"])
def door(request: pytest.FixtureRequest, run, served) -> Any:
    """Run a command line on the machine, or over REST without anything of the machine's own."""
    if request.param == "here":
        return run
    token = run("token", "create", "admin", f"content-{secrets.token_hex(6)}", "-o", "json").document["token"]

    def far(*arguments: object) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ENTREPOT_DATA_DIR", "/nowhere")
            return run("--url", served.url, "--token", token, *arguments)

    return far


@pytest.fixture
def zoo(run, served, feed) -> str:
    """A repository that was synced and published: three files, the last of them of 3,000 bytes."""
    name = next(_NAMES)
    feed.offer({f"{name}-a.iso": b"a" * 1000, f"{name}-b.iso": b"b" * 2000, f"{name}-c.iso": b"c" * 3000})
    distributor = ("--distributor", "iso_distributor", "--auto-publish")
    assert run("repo", "create", name, "--importer", "iso_importer", "--feed", feed.url, *distributor).code == 0
    assert run("repo", "sync", name).code == 0
    return name


def names(ran: Any) -> list[str]:
    assert ran.code == 0, ran.err
    return sorted(unit["data"]["name"].rpartition("-")[2] for unit in ran.document)


def test_units_are_listed_chosen_copied_and_removed(door, zoo: str) -> None:
    ark = next(_NAMES)
    assert door("repo", "create", ark, "--importer", "iso_importer").code == 0

    listed = door("repo", "content", "list", zoo)
    chosen = door("repo", "content", "list", zoo, "--match", "size=2000", "-o", "json")
    copied = door("repo", "content", "copy", ark, "--from", zoo, "--filter", '{"size": {"$gt": 1000}}')
    removed = door("repo", "content", "remove", ark, "--match", f"name={zoo}-b.iso")

    head, *lines = [line.split()[:2] for line in listed.out.splitlines()]
    assert (head, sorted(lines)) == (["TYPE", "NAME"], [["iso", f"{zoo}-{one}.iso"] for one in "abc"])
    assert names(chosen) == ["b.iso"]
    assert (copied.code, copied.out.splitlines()[-1].endswith(": 2 units")) == (0, True), copied.out + copied.err
    assert (removed.code, removed.out.splitlines()[-1].endswith(": 1 unit")) == (0, True), removed.out + removed.err
    assert names(door("repo", "content", "list", ark, "-o", "json")) == ["c.iso"]
    assert door("repo", "content", "remove", ark, "--all").code == 0
    assert door("repo", "content", "list", ark).err == f"Repository {ark} holds no such units.\n"


def test_a_removal_asks_for_a_choice_and_bad_choices_are_refused(run) -> None:
    run("init")
    run("repo", "create", "zoo")

    for arguments in ([], ["--all", "--type", "iso"]):
        refused = run("repo", "content", "remove", "zoo", *arguments)
        assert (refused.code, "--all" in refused.err) == (2, True)
    for arguments in (["--match", "name"], ["--filter", "{"], ["--filter", "[]"], ["--filter", '{"a": {"$near": 1}}']):
        assert run("repo", "content", "list", "zoo", *arguments).code == 2
    assert run("repo", "content", "copy", "zoo", "--from", "nowhere").code == 2


def test_a_file_is_uploaded_on_from_where_it_was_cut_off_and_served(door, zoo: str, served, tmp_path: Path) -> None:
    file = tmp_path / "bear.iso"
    file.write_bytes(zoo.encode() * 5000)
    upload_id = door("content", "upload", file).out.strip()
    assert door("content", "uploads", "list", "-o", "json").document[-1]["size"] == file.stat().st_size
    with file.open("ab") as stream:
        stream.write(b"the rest")

    sent = door("repo", "content", "upload", zoo, file, "--type", "iso", "--key", "name=bear.iso", "--resume", upload_id)
    door("repo", "publish", zoo)

    assert (sent.code, sent.err) == (0, ""), sent.out
    assert httpx.get(f"{served.url}/content/{zoo}/bear.iso").content == zoo.encode() * 5000 + b"the rest"
    assert upload_id not in door("content", "uploads", "list").out


def test_what_is_said_of_an_upload_must_be_true(run, zoo: str, tmp_path: Path) -> None:
    file = tmp_path / "bear.iso"
    file.write_bytes(b"bear")
    upload = ("repo", "content", "upload", zoo, file, "--type", "iso")

    nameless = run(*upload)
    wrong = run(*upload, "--key", "name=bear.iso", "--metadata", "size=5")

    assert (nameless.code, wrong.code) == (1, 1)
    assert "needs a name" in nameless.err
    assert "is 4 bytes, and not 5" in wrong.err
    upload_id = wrong.err.rpartition("--resume ")[2].split()[0]
    file.write_bytes(b"cub")
    assert "is another file" in run("content", "upload", file, "--resume", upload_id).err
    assert run("content", "uploads", "delete", upload_id).code == 0
    assert run("content", "uploads", "delete", upload_id).code == 3


def test_an_upload_that_is_cut_off_says_how_to_go_on(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("init")
    file = tmp_path / "large.iso"
    file.write_bytes(bytes(9 << 20))
    write = uploads.write_upload

    def fail_late(database: Any, store: Any, upload_id: str, offset: int, data: Any) -> Any:
        if offset:
            raise StorageFull("There is no room left.")
        return write(database, store, upload_id, offset, data)

    with monkeypatch.context() as patch:
        patch.setattr(uploads, "write_upload", fail_late)
        cut_off = run("content", "upload", file)
    hint = cut_off.err.splitlines()[-1]
    gone_on = run(*hint.partition("To go on: entrepot ")[2].split(), "-o", "json")

    assert (cut_off.code, "8.4 MB have arrived" in hint) == (6, True), cut_off.err
    assert (gone_on.code, gone_on.document["size"]) == (0, 9 << 20)


def test_orphans_are_counted_listed_and_deleted(run, zoo: str) -> None:
    run("repo", "content", "remove", zoo, "--match", f"name={zoo}-a.iso", "--match", "size=1000")
    counted = run("content", "orphans", "list", "-o", "json").document["iso"]

    orphan = next(one for one in run("content", "orphans", "list", "iso", "-o", "json").document if zoo in one["key"]["name"])
    one = run("content", "orphans", "delete", "iso", orphan["unit_id"])

    assert (one.code, counted >= 1) == (0, True), one.err
    assert one.out.splitlines()[-1].endswith(": 1 iso deleted")
    assert run("content", "unit", "show", "iso", orphan["unit_id"]).code == 3
    assert run("content", "orphans", "list").out.splitlines()[0].split() == ["TYPE", "ORPHANS"]
    assert run("content", "orphans", "delete", "wing").code == 3


def test_a_unit_is_shown_with_what_is_kept_with_it(run, zoo: str) -> None:
    (unit,) = run("content", "unit", "list", "iso", "--match", f"name={zoo}-b.iso", "-o", "json").document
    place = ("content", "unit", "metadata", "iso", unit["unit_id"])

    run(*place, "--set", "reviewed=true", "--set", "by=jim")
    kept = run(*place, "--set", "by=null", "-o", "json").document
    shown = run("content", "unit", "show", "iso", unit["unit_id"])

    assert (unit["repository_ids"], kept) == ([zoo], {"reviewed": True})
    assert (shown.code, zoo in shown.out, "reviewed=true" in shown.out) == (0, True, True)
    assert run("content", "unit", "list", "iso", "--match", f"name={zoo}-b.iso").out.splitlines()[1].split()[2:4] == [
        "2.0",
        "kB",
    ]


def test_publications_are_compared_and_sources_listed(run, zoo: str, feed) -> None:
    run("repo", "content", "remove", zoo, "--match", f"name={zoo}-c.iso")
    run("repo", "publish", zoo)

    difference = run("repo", "compare", zoo, "--from", 1, "--to", 2, "-o", "json").document
    shown = run("repo", "compare", zoo, "--from", 1, "--to", 2)

    assert [one["path"] for one in difference["removed"]] == [f"{zoo}-c.iso"]
    assert [one["path"] for one in difference["changed"]] == ["PULP_MANIFEST"]
    assert f"removed  {zoo}-c.iso" in shown.out
    assert "are alike" in run("repo", "compare", zoo, "--from", 1, "--to", 1).err
    assert run("repo", "compare", zoo, "--from", 1, "--to", 77).code == 3
    source = next(one for one in run("content", "source", "list", "-o", "json").document if one["source_id"] == zoo)
    assert (source["base_url"], source["file_count"]) == (feed.url, 3)
    assert run("content", "source", "forget", zoo).out == f"Forgot 3 files of source {zoo}.\n"

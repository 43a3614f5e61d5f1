"""Feeds in folders: only where the settings allow it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from entrepot.content.fetch import FetchOutcome, FetchRequest
from entrepot.content.store import BlobStore
from entrepot.errors import Canceled, ChecksumDiffers, FetchAnswered, FetchError, FetchRefused, SizeDiffers

from .conftest import MakeFetcher, sha256, temporary_files
from .test_store import LARGE


@pytest.fixture
def zoo(tmp_path: Path) -> Path:
    folder = tmp_path / "feeds" / "my zoo"
    folder.mkdir(parents=True)
    (folder / "a b.iso").write_bytes(b"content")
    (folder / "large").write_bytes(LARGE)
    (tmp_path / "secret").write_bytes(b"nobody's business")
    return folder


@pytest.fixture
def allowed(zoo: Path) -> dict[str, object]:
    return {"allowed_file_roots": (zoo.parent,), "retries": 0}


def test_files_below_an_allowed_folder_are_copied_and_checked(
    make_fetcher: MakeFetcher, zoo: Path, store: BlobStore, allowed: dict[str, object]
) -> None:
    fetcher = make_fetcher(zoo.as_uri(), **allowed)
    wanted = [
        FetchRequest("a b.iso", size=7, digests={"sha256": sha256(b"content")}),
        FetchRequest("large", size=len(LARGE)),
        FetchRequest(zoo.as_uri() + "/a%20b.iso"),
        FetchRequest("../my zoo/large"),
    ]

    outcomes = list(fetcher.fetch_all(wanted))

    store.keep([outcome.blob for outcome in outcomes if outcome.blob])
    assert [outcome.error for outcome in outcomes] == [None] * 4
    assert store.read(sha256(LARGE)) == LARGE
    assert fetcher.bytes_received == 2 * 7 + 2 * len(LARGE)


def test_without_an_allowed_folder_the_setting_is_named(make_fetcher: MakeFetcher, zoo: Path) -> None:
    with pytest.raises(FetchRefused, match=r"is refused: .*ENTREPOT_ALLOWED_FILE_ROOTS \(none is named\). Add its folder"):
        make_fetcher(zoo.as_uri()).fetch(FetchRequest("a b.iso"))


@pytest.mark.parametrize("path", ["../../secret", "/etc/passwd", "link", "folder/secret", "../../nothing-there"])
def test_neither_dots_nor_links_lead_out_of_the_allowed_folder(
    make_fetcher: MakeFetcher, zoo: Path, allowed: dict[str, object], path: str
) -> None:
    (zoo / "link").symlink_to(zoo.parent.parent / "secret")
    (zoo / "folder").symlink_to(zoo.parent.parent)

    with pytest.raises(FetchRefused, match="ENTREPOT_ALLOWED_FILE_ROOTS"):
        make_fetcher(zoo.as_uri(), **allowed).fetch(FetchRequest(path))


def test_a_folder_whose_name_begins_like_an_allowed_one_is_not_allowed(
    make_fetcher: MakeFetcher, zoo: Path, allowed: dict[str, object]
) -> None:
    twin = zoo.parent.with_name("feeds2")
    twin.mkdir()
    (twin / "a").write_bytes(b"content")

    with pytest.raises(FetchRefused):
        make_fetcher(twin.as_uri(), **allowed).fetch(FetchRequest("a"))


def test_a_missing_file_is_said_so(make_fetcher: MakeFetcher, zoo: Path, allowed: dict[str, object]) -> None:
    with pytest.raises(FetchAnswered, match="does not exist; check the feed's address"):
        make_fetcher(zoo.as_uri(), **allowed).fetch(FetchRequest("nothing"))


def test_a_missing_optional_file_is_no_error(make_fetcher: MakeFetcher, zoo: Path, allowed: dict[str, object]) -> None:
    wanted = FetchRequest("nothing", optional=True)

    assert list(make_fetcher(zoo.as_uri(), **allowed).fetch_all([wanted])) == [FetchOutcome(wanted)]


def test_what_is_no_regular_file_is_refused(make_fetcher: MakeFetcher, zoo: Path, allowed: dict[str, object]) -> None:
    os.mkfifo(zoo / "pipe")
    fetcher = make_fetcher(zoo.as_uri(), **allowed)

    for path in ("pipe", "."):
        with pytest.raises(FetchError, match="is no regular file"):
            fetcher.fetch(FetchRequest(path))


def test_a_path_with_nul_is_refused(make_fetcher: MakeFetcher, zoo: Path, allowed: dict[str, object]) -> None:
    with pytest.raises(FetchRefused, match="no path of a file"):
        make_fetcher(zoo.as_uri(), **allowed).fetch(FetchRequest("a\0b"))


def test_a_damaged_file_is_refused_and_leaves_no_temporary_file(
    make_fetcher: MakeFetcher, zoo: Path, store: BlobStore, allowed: dict[str, object]
) -> None:
    fetcher = make_fetcher(zoo.as_uri(), **allowed)

    with pytest.raises(ChecksumDiffers):
        fetcher.fetch(FetchRequest("large", digests={"sha256": "0" * 64}))
    with pytest.raises(SizeDiffers):
        fetcher.fetch(FetchRequest("large", size=len(LARGE) - 1))

    assert temporary_files(store) == []


def test_a_checkpoint_stops_a_copy_and_leaves_no_temporary_file(
    make_fetcher: MakeFetcher, zoo: Path, store: BlobStore, allowed: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("entrepot.content.transfers._CHECKPOINT_SECONDS", 0)

    def checkpoint() -> None:
        if fetcher.bytes_received:
            raise Canceled

    fetcher = make_fetcher(zoo.as_uri(), checkpoint=checkpoint, **allowed)

    with pytest.raises(Canceled):
        list(fetcher.fetch_all([FetchRequest("large")] * 3))

    assert temporary_files(store) == []

"""A folder as a target."""

from __future__ import annotations

import errno
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from entrepot.errors import PushFailed
from tests.integration.propagation.targets.contract import FIRST, SECOND, SITE, Edge, Publish, Stopped, TargetContract


class Folder(Edge):
    """A folder of the test's own."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        root.mkdir()
        self.root, self._monkeypatch = root, monkeypatch
        self.url, self.options = str(root), {}

    def read(self, site: str = SITE) -> dict[str, bytes]:
        current = self.root / site / "current"
        return {str(path.relative_to(current)): path.read_bytes() for path in current.rglob("*") if path.is_file()}

    def plant(self, name: str, data: bytes) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_bytes(data)

    def find(self, name: str) -> bytes | None:
        return (self.root / name).read_bytes() if (self.root / name).exists() else None

    @contextmanager
    def down(self) -> Iterator[None]:
        self.root.rename(self.root.with_name("unmounted"))
        yield
        self.root.with_name("unmounted").rename(self.root)

    @contextmanager
    def full(self) -> Iterator[None]:
        def copyfile(blob: Path, place: Path) -> None:
            place.write_bytes(blob.read_bytes()[:10])
            raise OSError(errno.ENOSPC, "No space left on device", str(place))

        with self._monkeypatch.context() as patch:
            patch.setattr(shutil, "copyfile", copyfile)
            yield

    @contextmanager
    def corrupting(self) -> Iterator[None]:
        with self._monkeypatch.context() as patch:
            patch.setattr(shutil, "copyfile", lambda blob, place: place.write_bytes(blob.read_bytes()[:-1] + b"?"))
            yield


@pytest.fixture
def edge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    return Folder(tmp_path / "edge", monkeypatch)


class TestLocal(TargetContract):
    """A folder does what every target does."""


def test_files_that_stay_are_links_and_the_store_is_linked_to_nothing(edge: Folder, publish: Publish) -> None:
    first, second = publish(FIRST), publish(SECOND, revision=2)
    edge.push(first)
    before = (edge.root / SITE / "current" / "b").stat().st_ino
    edge.push(second)

    assert (edge.root / SITE / "current" / "b").stat().st_ino == before
    assert {second.blob(file.sha256).stat().st_nlink for file in second.files()} == {1}


def test_the_release_before_stays_for_its_readers_and_older_ones_go(edge: Folder, publish: Publish) -> None:
    for revision in range(1, 5):
        edge.push(publish({"a": str(revision)}, revision=revision))
    releases = edge.root / SITE / "releases"

    assert sorted(entry.name.split("-")[0] for entry in releases.iterdir() if entry.is_dir()) == ["3", "4"]
    assert len([*releases.iterdir()]) == 4


def test_what_a_stopped_push_copied_is_not_copied_again(edge: Folder, publish: Publish) -> None:
    tree = publish({name: name * 10 for name in "abcdef"})
    tree.stop_at = 5
    with pytest.raises(Stopped):
        edge.push(tree)
    tree.stop_at = 0

    assert edge.push(tree).files == 2


def test_a_file_cut_short_by_a_kill_is_copied_again(edge: Folder, publish: Publish) -> None:
    tree = publish({"a": "whole", "b": "other"})
    tree.stop_at = 2
    with pytest.raises(Stopped):
        edge.push(tree)
    [half] = (edge.root / SITE / "releases").glob("*/a")
    half.write_bytes(b"who")
    tree.stop_at = 0

    assert edge.push(tree).files == 2
    assert edge.read() == tree.data


def test_readers_see_one_publication_or_the_other_whole(edge: Folder, publish: Publish) -> None:
    trees = [publish(dict.fromkeys("abcdefgh", str(number)), revision=number) for number in range(1, 30)]
    edge.push(trees[0])
    site, seen, ended = edge.root / SITE, list[set[bytes]](), threading.Event()

    def follow() -> None:
        while not ended.is_set():
            release = (site / "current").resolve()
            try:
                seen.append({(release / name).read_bytes() for name in "abcdefgh"})
            except FileNotFoundError:  # two flips went by since the link was followed
                assert (site / "current").resolve() != release

    reader = threading.Thread(target=follow)
    reader.start()
    for tree in trees[1:]:
        edge.push(tree)
    ended.set()
    reader.join()

    assert seen
    assert {len(texts) for texts in seen} == {1}


def test_what_stands_where_the_link_belongs_is_left_alone(edge: Folder, publish: Publish) -> None:
    edge.plant(f"{SITE}/current/precious", b"not ours")

    with pytest.raises(PushFailed, match="not a link of ours"):
        edge.push(publish(FIRST))

    assert edge.find(f"{SITE}/current/precious") == b"not ours"


def test_a_file_that_somebody_removed_from_the_release_is_brought_again(edge: Folder, publish: Publish) -> None:
    edge.push(publish(FIRST))
    (edge.root / SITE / "current" / "b").unlink()

    assert edge.push(publish(SECOND, revision=2)).files == 4
    assert edge.read()["b"] == b"same"

"""What every target does, whatever it speaks: inherit `TargetContract` and give it the fixture `edge`."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from entrepot.errors import JSON, PushFailed
from entrepot.propagation import targets
from entrepot.propagation.targets.tree import Changes, File, Pushed

#: Where the publications of these tests are from, unless they say otherwise.
SITE = "zoo/edge"
#: What no message may hold; `Edge.options_refused` has it as its secret.
SECRET = "correct-horse-battery"


class Edge(ABC):
    """A server to push to, and what a test does behind its back."""

    url: str
    options: dict[str, JSON]
    #: What is pushed to when the server refuses the login, or None where nobody logs in.
    options_refused: dict[str, JSON] | None = None

    @abstractmethod
    def read(self, site: str = SITE) -> dict[str, bytes]:
        """Return what readers find of a site, by path; nothing if it is not there."""

    @abstractmethod
    def plant(self, name: str, data: bytes) -> None:
        """Let somebody else put a file there, by its name below the URL."""

    @abstractmethod
    def find(self, name: str) -> bytes | None:
        """Return the file of that name below the URL, or None."""

    @abstractmethod
    def down(self) -> AbstractContextManager[object]:
        """Let it not answer."""

    @abstractmethod
    def full(self) -> AbstractContextManager[object]:
        """Let it take no bytes any more."""

    @abstractmethod
    def corrupting(self) -> AbstractContextManager[object]:
        """Let what is written arrive with a byte that is another, or missing."""

    def push(self, tree: Publication) -> Pushed:
        """Push as a task does."""
        with targets.open_target(self.url, self.options, timeout_seconds=5) as target:
            return target.push(tree)


class Stopped(BaseException):
    """The push is to stop, as a kill would stop it."""


class Publication:
    """A publication of text files, with a store of its own; `stop_at`: the checkpoint that raises, from 1."""

    def __init__(self, store: Path, texts: Mapping[str, str], *, revision: int = 1, site: str = SITE) -> None:
        self._store = store
        self.site, self.revision = site, revision
        self.stop_at = 0
        self.passed = 0
        self.data = {path: text.encode() for path, text in texts.items()}
        self._files = []
        for path in sorted(self.data, key=str.encode):
            sha256 = hashlib.sha256(self.data[path]).hexdigest()
            if not self.blob(sha256).exists():
                self.blob(sha256).write_bytes(self.data[path])
                self.blob(sha256).chmod(0o444)
            self._files.append(File(path, sha256, len(self.data[path])))

    def files(self) -> Iterator[File]:
        return iter(self._files)

    def changes(self, since: int) -> Changes | None:
        return None

    def blob(self, sha256: str) -> Path:
        return self._store / sha256

    def checkpoint(self) -> None:
        self.passed += 1
        if self.passed == self.stop_at:
            raise Stopped


Publish = Callable[..., Publication]


FIRST = {"PULP_MANIFEST": "a,b,gone", "a": "first", "b": "same", "deep/er/gone": "gone"}
SECOND = {"PULP_MANIFEST": "a,b,c", "a": "second", "b": "same", "deep/c": "new"}

#: Names that have broken programs: of spaces, dashes, quotes, patterns, line ends, scripts, and of 255 bytes.
HOSTILE = [
    "-rf",
    "--delete",
    " leading and trailing ",
    "two\nlines",
    "tab\there",
    "quote'quote\"",
    "$(touch owned)`x`;&|",
    "*?[a]{b}",
    "back\\slash",
    "#hash%25?query=1",
    "naïve-ζώο-動物-🐘",
    "cafe\u0301",
    "~",
    "...",
    "-dir/-file",
    "x" * 255,
    "é" * 127,
]


class TargetContract:
    """The tests; `edge` is a fixture of the module that inherits them."""

    #: Every how many checkpoints a push is stopped: more where each takes long.
    stop_step = 1

    def test_a_first_push_brings_every_file(self, edge: Edge, publish: Publish) -> None:
        tree = publish(FIRST)

        pushed = edge.push(tree)

        assert edge.read() == tree.data
        assert pushed == Pushed(4, sum(map(len, tree.data.values())), was_current=False)

    def test_a_second_push_transfers_and_removes_only_what_changed(self, edge: Edge, publish: Publish) -> None:
        edge.push(publish(FIRST))
        tree = publish(SECOND, revision=2)

        pushed = edge.push(tree)

        assert edge.read() == tree.data
        assert pushed == Pushed(3, len("a,b,c") + len("second") + len("new"), was_current=False)

    def test_what_is_there_already_is_not_transferred_again(self, edge: Edge, publish: Publish) -> None:
        edge.push(publish(FIRST))

        assert edge.push(publish(FIRST)) == Pushed(0, 0, was_current=True)

    def test_an_earlier_publication_can_be_pushed_after_a_later_one(self, edge: Edge, publish: Publish) -> None:
        first = publish(FIRST, revision=1)
        for tree in (first, publish(SECOND, revision=2), first):
            edge.push(tree)

        assert edge.read() == first.data

    def test_the_same_number_with_other_files_is_another_publication(self, edge: Edge, publish: Publish) -> None:
        edge.push(publish(FIRST, revision=1))
        of_a_repository_made_again = publish(SECOND, revision=1)

        edge.push(of_a_repository_made_again)

        assert edge.read() == of_a_repository_made_again.data

    def test_a_publication_may_be_empty(self, edge: Edge, publish: Publish) -> None:
        edge.push(publish(FIRST))

        edge.push(publish({}, revision=2))

        assert edge.read() == {}

    def test_a_file_becomes_a_folder_and_a_file_again(self, edge: Edge, publish: Publish) -> None:
        file, folder = publish({"x": "file", "y/z": "1"}), publish({"x/y": "folder", "y": "2"}, revision=2)
        seen = []
        for tree in (file, folder, file):
            edge.push(tree)
            seen.append(edge.read())

        assert seen == [file.data, folder.data, file.data]

    def test_sites_lie_beside_one_another_and_what_is_not_ours_stays(self, edge: Edge, publish: Publish) -> None:
        other = publish(FIRST, site="zoo/other")
        edge.plant("index.html", b"not ours")
        edge.plant("zoo/notes.txt", b"not ours either")
        edge.push(other)
        for number, texts in enumerate((FIRST, SECOND, {}), start=1):
            edge.push(publish(texts, revision=number))

        assert edge.read("zoo/other") == other.data
        assert edge.find("index.html") == b"not ours"
        assert edge.find("zoo/notes.txt") == b"not ours either"

    def test_hostile_names_arrive_as_they_are(self, edge: Edge, publish: Publish) -> None:
        first = publish({name: f"{number}" for number, name in enumerate(HOSTILE)})
        second = publish({name: f"{number // 2 * 2}" for number, name in enumerate(HOSTILE[:-1])}, revision=2)
        seen = []
        for tree in (first, second):
            edge.push(tree)
            seen.append(edge.read())

        assert seen == [first.data, second.data]

    def test_a_path_that_leads_out_is_refused(self, edge: Edge, publish: Publish) -> None:
        with pytest.raises(PushFailed, match="leads out"):
            edge.push(publish({"../../escaped": "x"}))

        assert edge.read() == {}

    def test_a_push_stopped_at_any_point_is_repaired_by_the_next(self, edge: Edge, publish: Publish) -> None:
        """By the same publication pushed again, or by one after it: those turn about."""
        stopped = []
        for stop_at in range(1, 100, self.stop_step):
            first = publish(FIRST, revision=3 * stop_at)
            second = publish(SECOND | {"never": "arrives"}, revision=3 * stop_at + 1)
            third = publish(SECOND | {"b": "third"}, revision=3 * stop_at + 2)
            edge.push(first)
            second.stop_at = stop_at
            try:
                edge.push(second)
            except Stopped:
                stopped.append(stop_at)
            else:
                break
            second.stop_at = 0
            expected = third if len(stopped) % 2 else second
            edge.push(expected)
            assert edge.read() == expected.data

        assert len(stopped) > 2
        assert edge.read() == second.data

    def test_a_file_that_arrives_damaged_is_found_and_brought_again(self, edge: Edge, publish: Publish) -> None:
        first, second = publish(FIRST), publish(FIRST | {"a": "a much longer text"}, revision=2)
        edge.push(first)

        with edge.corrupting(), pytest.raises(PushFailed):
            edge.push(second)
        seen = edge.read()
        edge.push(second)

        assert seen == first.data
        assert edge.read() == second.data

    def test_a_full_server_says_so_keeps_the_old_and_takes_the_rest_later(self, edge: Edge, publish: Publish) -> None:
        first, second = publish(FIRST), publish(FIRST | {"big": "x" * 300_000}, revision=2)
        edge.push(first)

        with edge.full(), pytest.raises(PushFailed, match=r"^\S+: .{15,}"):
            edge.push(second)
        seen = edge.read()
        edge.push(second)

        assert seen == first.data
        assert edge.read() == second.data

    def test_a_server_that_does_not_answer_fails_with_words(self, edge: Edge, publish: Publish) -> None:
        with edge.down(), pytest.raises(PushFailed, match=r"^\S+: .{15,}") as failed:
            edge.push(publish(FIRST))

        assert failed.value.data["url"] == edge.url

    def test_a_refused_login_fails_with_words_and_without_the_secret(self, edge: Edge, publish: Publish) -> None:
        if edge.options_refused is None:
            assert edge.url.startswith(("/", "file:"))
            return
        edge.options = edge.options_refused

        with pytest.raises(PushFailed, match=r"^\S+: .{15,}") as failed:
            edge.push(publish(FIRST))

        assert SECRET not in str(failed.value)
        assert SECRET not in repr(failed.value.document())

"""The command line as people see it: what is typed in `transcripts/*.txt`, and all that comes out.

`scripts/record_transcripts` types the commands anew and keeps what comes out: read the difference before you keep it too.
What differs from run to run (ids, times, spans, folders) is shown as `<id>` and the like, and columns may be wider by it, so
spaces are not compared. How a followed task goes is left out, how it ends is not. A command is `entrepot …`, or `feed NAME…`:
what the feed offers from then on. In a command `$FEED` is the feed's address, `$ID` the id that was printed last. Each file has
a data folder of its own, and a worker.
"""

from __future__ import annotations

import difflib
import getpass
import os
import platform
import re
import shlex
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.normalising import comparable, steady

from entrepot.cli import main
from entrepot.engine import Engine
from entrepot.settings import read_settings
from entrepot.tasking.worker import Worker

from .conftest import Feed

FOLDER = Path(__file__).parent / "transcripts"
FILES = sorted(FOLDER.glob("*.txt"))
IS_RECORDING = os.environ.get("RECORD_TRANSCRIPTS") == "1"
#: What only these commands print, and what differs in it.
MORE = [
    (re.compile(r"\b[0-9a-f]{24}\b"), "<schedule>"),
    (re.compile(r"\b[0-9a-f]{16}\b"), "<request>"),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{8}\b"), "<start>"),
    (re.compile(r"\bept_[A-Za-z0-9_-]{20,}"), "<token>"),
    (re.compile(r"\b\d+\.\d MB\b"), "<size>"),
    (re.compile(r"\b\d+ (h|min)\b"), "<span>"),
    (re.compile(r"\bin [\d,]+ days\b"), "in <days>"),
    (re.compile(rf"\b{os.getpid()}\b"), "<pid>"),
    (re.compile(rf"\b{re.escape(platform.node())}\b"), "<host>"),
    (re.compile(rf"\blocal:{re.escape(getpass.getuser())}\b"), "local:<user>"),
]
#: Lines that come out or not, as somebody looks at the right moment.
FLEETING = re.compile(r": waiting, task |: running by |: in progress\b")
IDS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{24}\b")


class Typist:
    """Types commands, one after the other, and returns what comes out as it is kept."""

    def __init__(self, folder: Path, feed: Feed, capfd: pytest.CaptureFixture[str]) -> None:
        self._folder = folder
        self._feed = feed
        self._capfd = capfd
        self._id = ""

    def type(self, command: str) -> str:
        program, *arguments = shlex.split(command)
        if program == "feed":
            self._feed.offer({name: name.encode() for name in arguments})
            return ""
        assert program == "entrepot"
        given = [word.replace("$FEED", self._feed.url).replace("$ID", self._id) for word in arguments]
        self._capfd.readouterr()
        code = main(given)
        printed = self._capfd.readouterr()
        said = printed.out + printed.err
        self._id = ([self._id, *IDS.findall(said)])[-1]
        return self._kept(said) + (f"(exit code {code})\n" if code else "")

    def _kept(self, printed: str) -> str:
        text = steady(printed.replace(str(self._folder), "/srv/entrepot").replace(self._feed.url, "http://feed.test/"))
        for pattern, stand_in in MORE:
            text = pattern.sub(stand_in, text)
        return "".join(f"{line.rstrip()}\n" for line in text.splitlines() if not FLEETING.search(line))


@pytest.fixture
def typist(tmp_path: Path, feed: Feed, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Typist]:
    """Types at a new engine, whose worker runs in threads of this process."""
    folder = tmp_path / "data"
    for name, value in {
        "ENTREPOT_DATA_DIR": str(folder),
        "COLUMNS": "80",
        "ENTREPOT_ADMIN_PASSWORD": "a secret of 24 h",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with Engine(settings=read_settings()) as engine:
        engine.initialise()
        engine.access.ensure_administrator()
        worker = Worker(
            engine.tasks, engine.settings, name="reserved_resource_worker-7.7@zoo.test", threads=2, give_up=lambda: None
        )
        worker.start()
        yield Typist(folder, feed, capfd)
        assert worker.drain(timedelta(seconds=20))


def said(text: str) -> Iterator[tuple[str, str]]:
    """Yield the commands of a transcript, each with what it shows to come out."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield command, shown


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_comes_out_is_what_the_transcript_shows(file: Path, typist: Typist) -> None:
    shown = file.read_text(encoding="utf-8")

    typed = "".join(f"$ {command}\n{typist.type(command)}" for command, _ in said(shown))

    if IS_RECORDING:
        file.write_text(typed, encoding="utf-8")
    here, there = ([comparable(line) for line in text.splitlines()] for text in (shown, typed))
    assert IS_RECORDING or "\n".join(difflib.unified_diff(here, there, "transcript", "now", lineterm="")) == ""


def test_all_groups_of_commands_are_helped_in_a_transcript() -> None:
    from entrepot.cli.tree import TREE

    helped = {command for command, _ in said((FOLDER / "help.txt").read_text(encoding="utf-8"))}
    groups = [name for name, branch in TREE.items() if branch.place.endswith(":app")]

    assert {f"entrepot {name} --help" for name in groups} - helped == set()

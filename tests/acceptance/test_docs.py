"""The pages keep their word: every block of Python runs, and the commands of a walk say what the page shows.

In a page that is walked, `sh` and `console` blocks are typed into one shell, in order. A `console` block also shows what
comes out: each line after a command must come out of it, in this order, with others between them. Times, ids and the like
are not compared, and `…` stands for anything. A command that ends in `&` runs beside the others; any other must succeed,
unless the page shows its error. A block of Python whose first line is `# name.py` is that file; any other is run, all of a
page in one namespace.
"""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.normalising import comparable

from entrepot import Engine
from entrepot.settings import read_settings

ROOT = Path(__file__).parents[2]
#: Pages whose commands are typed; in the others a command need only exist (tests/house/test_docs.py).
WALKED = (
    *("tutorial.md", "access.md", "remote.md", "facades.md"),
    *("howto/mirror-rpm.md", "howto/backup-restore.md", "howto/move-from-pulp2.md"),
)
WALKS = [ROOT / "README.md", *(ROOT / "docs" / name for name in WALKED)]
#: Walked as well, with the tests' PostgreSQL and Redis.
SCALE_OUT = ROOT / "docs" / "howto" / "scale-out.md"
OTHERS = sorted(
    page for page in {*(ROOT / "docs").rglob("*.md")} - {*WALKS, SCALE_OUT} if "```python\n" in page.read_text(encoding="utf-8")
)
#: Programs that a page has people type, and that not every machine has.
NEEDED = {"mirror-rpm": ("rpmbuild", "createrepo_c", "dnf")}
#: The folder that the pages' author seems to work in.
SHOWN_FOLDER = "/home/ann/zoo"
PORTS = ("8000", "8080", "8081")

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"# (\w+\.py)\n")
#: Stands in where a machine has no curl, which the pages use as `curl [-s] [-H HEADER] URL`.
CURL = f"""#!{sys.executable}
import sys, urllib.request
headers = dict(sys.argv[at + 1].split(": ", 1) for at, word in enumerate(sys.argv) if word == "-H")
sys.stdout.buffer.write(urllib.request.urlopen(urllib.request.Request(sys.argv[-1], headers=headers)).read())
"""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def file_name(self) -> str | None:
        """The name of the file that the block is, if it is one."""
        found = FILE_NAME.match(self.text) if self.language == "python" else None
        return found[1] if found else None

    def commands(self) -> Iterator[tuple[str, list[str]]]:
        """Yield each command with the lines that are to come out of it."""
        if self.language == "sh":
            yield self.text.strip(), []
            return
        first, *others = re.split(r"^\$ ", self.text, flags=re.MULTILINE)
        assert not first, f"{self.place}: a console block begins with a command: $ …"
        for part in others:
            lines = part.splitlines()
            typed = next(number for number, line in enumerate(lines, 1) if not line.endswith("\\"))
            yield "\n".join(lines[:typed]), [line for line in lines[typed:] if line.strip(" …")]


class Shell:
    """A bash in a folder of its own, and what is typed into it."""

    _MARK = "the command has ended:"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        #: What stands in for addresses that the page names.
        self.stand_ins: dict[str, str] = {}
        self._ports = {f":{shown}": f":{free_port()}" for shown in PORTS}
        self._background = 0
        home = {name: value for name, value in os.environ.items() if not name.startswith("ENTREPOT_")}
        path = os.pathsep.join((str(programs(folder)), str(Path(sys.executable).parent), home["PATH"]))
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env=home
            | {"PATH": path, "COLUMNS": "120", "ENTREPOT_WORKER_PROCESSES": "1", "XDG_CONFIG_HOME": f"{folder}/.config"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def type(self, command: str) -> tuple[int, str]:
        """Run a command; return its exit code and what it printed. One that ends in `&` is waited for until it serves."""
        typed = self._as_typed_here(command)
        if not command.endswith("&"):
            code, printed = self._type(typed)
            return code, self._as_shown(printed)
        self._background += 1
        log = self.folder.parent / f"background-{self._background}.log"
        log.touch()
        code, printed = self._type(f"{typed[:-1]} >{log} 2>&1 &")
        self._wait_for(command, log)
        return code, self._as_shown(printed + log.read_text())

    def close(self) -> None:
        """End the shell and all that it started."""
        os.killpg(self._process.pid, signal.SIGTERM)
        self._process.communicate(timeout=30)

    def _type(self, command: str) -> tuple[int, str]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"(exit ${{code:-0}})\n{command}\ncode=$?; printf '\\n%s %s\\n' '{self._MARK}' $code\n")
        self._process.stdin.flush()
        printed = []
        for line in self._process.stdout:
            if line.startswith(self._MARK):
                return int(line.split()[-1]), "".join(printed)
            printed.append(line)
        pytest.fail(f"the shell ended at: {command}\n{''.join(printed)}")

    def _wait_for(self, command: str, log: Path) -> None:
        if "http.server" in command:
            port = int(self._ports[":8000"][1:])
            wait_until(lambda: listens(port), command)
        if "entrepot serve" in command or "entrepot api" in command:
            wait_until(lambda: " ready on " in log.read_text(), command)
        if "entrepot serve" in command or "entrepot worker" in command:
            data_dir, database_url = (self._value(name) for name in ("ENTREPOT_DATA_DIR", "ENTREPOT_DATABASE_URL"))
            with Engine(settings=read_settings(data_dir=data_dir, database_url=database_url)) as engine:
                wait_until(lambda: any(worker.alive for worker in engine.workers()), command)

    def _value(self, variable: str) -> str:
        return self._type(f'printf %s "${variable}"')[1].strip()

    def _as_typed_here(self, command: str) -> str:
        command = re.sub(r"\bhttp\.server 8000\b", f"http.server {self._ports[':8000'][1:]}", command)
        command = re.sub(r"\bentrepot serve\b", f"entrepot serve --port {self._ports[':8080'][1:]}", command)
        for shown, free in self._ports.items():
            command = command.replace(shown, free).replace(f"--port {shown[1:]}", f"--port {free[1:]}")
        for shown, here in self.stand_ins.items():
            command = command.replace(shown, here)
        return command

    def _as_shown(self, printed: str) -> str:
        for shown, free in self._ports.items():
            printed = printed.replace(free, shown)
        return printed.replace(str(self.folder), SHOWN_FOLDER)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    folder = tmp_path / "walk"
    folder.mkdir()
    shell = Shell(folder)
    yield shell
    shell.close()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("page", WALKS, ids=lambda page: page.name)
def test_every_command_of_a_walk_says_what_the_page_shows(
    page: Path, shell: Shell, client_program: Callable[[str], str]
) -> None:
    for program in NEEDED.get(page.stem, ()):
        client_program(program)

    walk(page, shell)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_the_walk_with_postgresql_and_redis_says_what_the_page_shows(
    empty_database_url: str, redis_server: str, redis_prefix: str, shell: Shell
) -> None:
    shell.stand_ins = {
        "postgresql://entrepot:secret@db.example.org/entrepot": f"'{empty_database_url}'",
        "redis://:secret@redis.example.org:6379/0": f"{redis_server} ENTREPOT_BROKER_PREFIX={redis_prefix}",
    }

    walk(SCALE_OUT, shell)


def walk(page: Path, shell: Shell) -> None:
    """Type what the page shows, and compare what comes out."""
    for block in blocks(page):
        if block.file_name:
            (shell.folder / block.file_name).write_text(block.text, encoding="utf-8")
        elif block.language in ("sh", "console"):
            for command, shown in block.commands():
                code, printed = shell.type(command)
                said = f"{block.place}: $ {command}\n{printed}"
                assert (code != 0) is any(line.startswith("error:") for line in shown), f"exit code {code} at {said}"
                assert first_missing(shown, printed) is None, f"{first_missing(shown, printed)!r} did not come out of {said}"
        else:
            known = ("text", "json", "toml")
            assert block.language in known, f"{block.place}: a walk has sh, console, files, {known}; this is {block.language}"


@pytest.mark.parametrize("page", OTHERS, ids=lambda page: page.name)
def test_every_block_of_python_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    namespace: dict[str, object] = {"__name__": "page"}
    known = set(sys.modules)

    for block in blocks(page):
        if block.file_name:
            (tmp_path / block.file_name).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            lines_above = "\n" * block.line  # a traceback then names the line of the page
            exec(compile(lines_above + block.text, str(page), "exec", dont_inherit=True), namespace)  # noqa: S102 - our own documentation

    for block in blocks(page):
        if block.file_name and block.file_name.removesuffix(".py") not in known:
            sys.modules.pop(block.file_name.removesuffix(".py"), None)


def test_a_line_that_does_not_come_out_is_found() -> None:
    printed = "one  2.5 s\ntwo\nthree\n"

    assert first_missing(["one 0.01 s", "th…"], printed) is None
    assert first_missing(["two", "one 1 s"], printed) == "one 1 s"
    assert first_missing(["tw"], printed) == "tw"


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [Block(page, text[: found.start()].count("\n") + 1, found[1], found[2]) for found in BLOCK.finditer(text)]


def first_missing(shown: list[str], printed: str) -> str | None:
    """Return the first of the lines `shown` that does not come out, in this order, or None."""
    lines = iter(comparable(line) for line in printed.splitlines())
    for line in shown:
        pattern = re.sub(r"([\[\]?*])", r"[\1]", comparable(line)).replace("…", "*")
        if not any(fnmatch.fnmatchcase(candidate, pattern) for candidate in lines):
            return line
    return None


def programs(folder: Path) -> Path:
    """Return a folder with a stand-in for what this machine has not."""
    stand_ins = folder.parent / "programs"
    stand_ins.mkdir()
    if shutil.which("curl") is None:
        (stand_ins / "curl").write_text(CURL, encoding="utf-8")
        (stand_ins / "curl").chmod(0o755)
    return stand_ins


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def listens(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, f"this did not get ready within a minute: {what}"
        time.sleep(0.02)

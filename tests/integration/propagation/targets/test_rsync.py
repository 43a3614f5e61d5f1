"""A server with rsync as a target: Debian's rsync on both ends, with a shell in place of ssh."""

from __future__ import annotations

import os
import shlex
import shutil
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from entrepot.errors import InvalidValue, PushFailed
from entrepot.propagation import targets
from tests.integration.propagation.targets.contract import FIRST, SECOND, SECRET, SITE, Edge, Publish, Stopped, TargetContract

pytestmark = pytest.mark.skipif("CI" not in os.environ and shutil.which("rsync") is None, reason="rsync is not installed")

#: What stands in for ssh: it is called as `remote-shell [-l user] host command…` and runs the command here. The file beside it
#: says what goes wrong.
REMOTE_SHELL = """#!/bin/sh
fault=$(cat {faults})
while [ "$1" = -l ]; do
  [ "$2" != refused ] || fault=refused
  shift 2
done
shift
case "$fault" in
  down) echo "ssh: connect to host edge.example.org port 22: Connection refused" >&2; exit 255 ;;
  refused) echo "mirror@edge.example.org: Permission denied (publickey)." >&2; exit 255 ;;
  no-rsync) echo "sh: 1: rsync: not found" >&2; exit 127 ;;
  full) ulimit -f 128; trap '' XFSZ ;;
  banner) echo "Authorised use only." >&2 ;;
  chatty) yes "Authorised use only." | head -c 10000000 >&2 ;;
esac
exec sh -c "$*"
"""
#: What stands in for a disk that loses bytes: once files have arrived, one of them is cut short.
LOSSY_SHELL = """#!/bin/sh
while [ "$1" = -l ]; do shift 2; done
shift
sh -c "$*"
status=$?
find {root} -name a -path '*/releases/*' -newer {faults} -exec sh -c 'printf "?" >"$1"' - '{{}}' ';'
exit $status
"""


class Rsync(Edge):
    """A folder of the test's own, behind a shell."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "srv and more"
        self.root.mkdir(parents=True)
        self._faults = folder / "faults"
        self._faults.write_text("")
        self._shell(folder / "remote-shell", REMOTE_SHELL)
        self._shell(folder / "lossy-shell", LOSSY_SHELL)
        self.url = f"rsync+ssh://mirror@edge.example.org{str(self.root).replace(' ', '%20')}"
        self.options = {"rsh": str(folder / "remote-shell")}
        self.options_refused = {"rsh": f"{folder / 'remote-shell'} -l {SECRET} -l refused"}
        self._folder = folder

    def _shell(self, path: Path, text: str) -> None:
        path.write_text(text.format(faults=self._faults, root=shlex.quote(str(self.root))))
        path.chmod(0o755)

    def read(self, site: str = SITE) -> dict[str, bytes]:
        current = self.root / site / "current"
        return {str(path.relative_to(current)): path.read_bytes() for path in current.rglob("*") if path.is_file()}

    def plant(self, name: str, data: bytes) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_bytes(data)

    def find(self, name: str) -> bytes | None:
        return (self.root / name).read_bytes() if (self.root / name).exists() else None

    @contextmanager
    def fault(self, fault: str) -> Iterator[None]:
        self._faults.write_text(fault)
        yield
        self._faults.write_text("")

    def down(self):
        return self.fault("down")

    def full(self):
        return self.fault("full")

    @contextmanager
    def corrupting(self) -> Iterator[None]:
        self._faults.write_text("")  # what is newer is damaged
        self.options["rsh"] = str(self._folder / "lossy-shell")
        yield
        self.options["rsh"] = str(self._folder / "remote-shell")


@pytest.fixture
def edge(tmp_path: Path) -> Rsync:
    return Rsync(tmp_path / "edge")


class TestRsync(TargetContract):
    """It does what every target does."""

    stop_step = 3


def test_a_refused_login_is_told_in_the_servers_words(edge: Rsync, publish: Publish) -> None:
    with edge.fault("refused"), pytest.raises(PushFailed, match=r"refused the login.*Permission denied \(publickey\)"):
        edge.push(publish(FIRST))


def test_a_server_without_rsync_says_so(edge: Rsync, publish: Publish) -> None:
    with edge.fault("no-rsync"), pytest.raises(PushFailed, match="rsync"):
        edge.push(publish(FIRST))


def test_what_the_server_says_to_everybody_is_not_taken_for_damage(edge: Rsync, publish: Publish) -> None:
    tree = publish(FIRST)
    with edge.fault("banner"):
        edge.push(tree)

    assert edge.read() == tree.data


def test_of_what_a_server_says_only_the_end_is_kept(edge: Rsync, publish: Publish) -> None:
    tracemalloc.start()
    try:
        with edge.fault("chatty"):
            edge.push(publish(FIRST))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 4 << 20


@pytest.mark.parametrize("planted", ["manifest", "releases"])
def test_a_link_that_the_server_sends_is_not_followed_here(edge: Rsync, publish: Publish, tmp_path: Path, planted: str) -> None:
    tree = publish(FIRST)
    edge.push(tree)
    [manifest] = (edge.root / SITE / "releases").glob("*.manifest")
    manifest.rename(tmp_path / manifest.name)
    if planted == "manifest":
        manifest.symlink_to(tmp_path / manifest.name)
    else:
        shutil.rmtree(manifest.parent)
        manifest.parent.symlink_to(tmp_path)

    with suppress(PushFailed):
        assert not edge.push(tree).was_current


def test_files_that_stay_are_links_to_those_before(edge: Rsync, publish: Publish) -> None:
    edge.push(publish(FIRST))
    before = (edge.root / SITE / "current" / "b").stat()
    edge.push(publish(SECOND, revision=2))
    after = (edge.root / SITE / "current" / "b").stat()

    assert (after.st_ino, after.st_nlink) == (before.st_ino, 2)


def test_files_are_readable_for_the_web_server_of_the_edge(edge: Rsync, publish: Publish) -> None:
    edge.push(publish(FIRST))
    release = edge.root / SITE / "current"

    assert {path.stat().st_mode & 0o777 for path in (release.resolve(), release / "deep/er")} == {0o755}
    assert (release / "deep/er/gone").stat().st_mode & 0o777 == 0o644


def test_the_release_before_stays_for_its_readers_and_older_ones_go(edge: Rsync, publish: Publish) -> None:
    edge.plant(f"{SITE}/releases/notes", b"not ours")
    for revision in range(1, 4):
        edge.push(publish({"a": str(revision), "deep/b": "x"}, revision=revision))
    releases = edge.root / SITE / "releases"

    assert sorted(entry.name.split("-")[0] for entry in releases.iterdir() if entry.is_dir()) == ["2", "3"]
    assert len([*releases.iterdir()]) == 5


def test_a_file_that_somebody_removed_from_the_release_is_brought_again(edge: Rsync, publish: Publish) -> None:
    edge.push(publish(FIRST))
    (edge.root / SITE / "current" / "b").unlink()
    tree = publish(SECOND, revision=2)
    edge.push(tree)

    assert edge.read() == tree.data


def test_readers_see_one_publication_or_the_other_whole(edge: Rsync, publish: Publish) -> None:
    trees = [publish(dict.fromkeys("abcdefgh", str(number)), revision=number) for number in range(1, 5)]
    edge.push(trees[0])
    site, seen, ended = edge.root / SITE, list[set[bytes]](), threading.Event()

    def follow() -> None:
        while not ended.is_set():
            release = (site / "current").resolve()
            seen.append({(release / name).read_bytes() for name in "abcdefgh"})

    reader = threading.Thread(target=follow)
    reader.start()
    for tree in trees[1:]:
        edge.push(tree)
    ended.set()
    reader.join()

    assert len(seen) > 1
    assert {len(texts) for texts in seen} == {1}


def test_a_push_is_stopped_while_rsync_runs(edge: Rsync, publish: Publish, tmp_path: Path) -> None:
    silent = tmp_path / "silent-shell"
    silent.write_text("#!/bin/sh\nexec sleep 60\n")
    silent.chmod(0o755)
    edge.options["rsh"] = str(silent)
    tree = publish(FIRST)
    tree.stop_at = 2

    with pytest.raises(Stopped):
        edge.push(tree)

    assert tree.passed == 2


def test_a_server_that_is_silent_is_given_up(edge: Rsync, publish: Publish, tmp_path: Path) -> None:
    silent = tmp_path / "silent-shell"
    silent.write_text("#!/bin/sh\nexec sleep 60\n")
    silent.chmod(0o755)
    edge.options["rsh"] = str(silent)

    with targets.open_target(edge.url, edge.options, timeout_seconds=1) as target, pytest.raises(PushFailed, match="silent"):
        target.push(publish(FIRST))


def test_the_program_is_asked_for_when_it_is_missing(edge: Rsync, publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(PushFailed, match="rsync is missing on this machine"):
        edge.push(publish(FIRST))


@pytest.mark.skipif("CI" not in os.environ and shutil.which("ssh") is None, reason="ssh is not installed")
def test_without_another_shell_ssh_is_used_and_its_failure_told(publish: Publish) -> None:
    options = {"private_key": SECRET, "known_hosts": "x"}

    target = targets.open_target("rsync+ssh://127.0.0.1:1/srv", options, timeout_seconds=5)

    with target, pytest.raises(PushFailed, match=r"ssh: connect to host 127\.0\.0\.1 port 1") as failed:
        target.push(publish(FIRST))

    assert SECRET not in str(failed.value)


@pytest.mark.parametrize("options", [{"password": SECRET}, {"rsh": "ssh", "private_key": SECRET}])
def test_options_that_contradict_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(InvalidValue, match=r"password|own flags") as refused:
        targets.check("rsync+ssh://host/srv", options)

    assert SECRET not in str(refused.value)

"""A server with rsync, over ssh: `rsync+ssh://user@host:port/srv/edge`, by the programs `rsync` and `ssh`.

Everything is done by rsync itself, so that a key which may run nothing else (`rrsync`) is enough. The walk of a push: fetch
the link `current` and the manifests; send the new manifest; let the server link what stays (`--link-dest`); send what changed;
compare digests; send the link, which rsync renames into place; remove old releases. See `release` for what lies where.

The option `rsh` replaces `ssh` with its flags, for those who need others. It is a command that this machine runs, so
whoever may add servers may run commands here.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from entrepot import failpoints
from entrepot.errors import InvalidValue
from entrepot.propagation.targets import manifest
from entrepot.propagation.targets.manifest import Marker
from entrepot.propagation.targets.release import (
    CURRENT,
    MANIFEST,
    RELEASES,
    open_manifest,
    release_name,
    release_of_entry,
    release_of_link,
)
from entrepot.propagation.targets.ssh import SSHOptions, SSHTarget
from entrepot.propagation.targets.tree import File, Pushed

if TYPE_CHECKING:
    from entrepot.errors import JSON
    from entrepot.propagation.targets.address import Address
    from entrepot.propagation.targets.tree import Tree

#: How often a running rsync is asked whether the push is to stop, seconds.
_LOOK_SECONDS = 0.2
#: Bytes of what rsync said that an error shows, at most: its last words.
_SAID = 600
#: Bytes of what rsync listed that are read, at most.
_LISTED = 1 << 20
#: Bytes of a socket's path, at most, with what ssh adds to it while it makes one. Source: unix(7), which gives 108 in all.
_LONGEST_SOCKET = 80
#: What the numbers mean that rsync ends with. Source: rsync(1), "EXIT VALUES".
_CONNECTION_FAILED = 255
_PARTIAL = 23
_PROTOCOL = 12
_REASONS = {
    10: "The connection broke",
    11: "It cannot write, its disk may be full",
    _PROTOCOL: "The connection failed: it refused the login, or rsync is missing there",
    30: "It was silent for too long",
    35: "It did not answer in time",
    126: "rsync cannot be run there",
    127: "rsync is missing there",
    _CONNECTION_FAILED: "It cannot be reached, or refused the login",
}


class RsyncOptions(SSHOptions):
    """How to log in, how the server is known, and `rsh`: the remote shell, with its flags, that takes the place of `ssh`."""

    rsh: str | None = None


class RsyncTarget(SSHTarget):
    """A server with rsync."""

    options_type = RsyncOptions

    def __init__(self, address: Address, options: Mapping[str, JSON], *, timeout_seconds: float) -> None:
        """Keep where and how; see `Target`."""
        super().__init__(address, options, timeout_seconds=timeout_seconds)
        self._options = RsyncOptions.model_validate(dict(options))

    @classmethod
    def check(cls, address: Address, options: Mapping[str, JSON]) -> None:
        """Raise `InvalidValue` unless it names a host and an absolute path; `rsh` comes without ssh's own options."""
        super().check(address, options)
        if options.get("rsh") is not None and len(options) > 1:
            raise InvalidValue("options", why="with rsh, keys and known hosts are given by its own flags")

    def __enter__(self) -> Self:
        """Make a folder for what is on its way; the connections come with the steps. Raises `PushFailed`."""
        for program in ("rsync", *(() if self._options.rsh else ("ssh",))):
            if shutil.which(program) is None:
                raise self.failed(f"The program {program} is missing on this machine. Install the package of that name.")
        self._folder = tempfile.TemporaryDirectory(prefix="entrepot-push-")
        self._work = Path(self._folder.name)
        self._shell = self._options.rsh or self._ssh()
        return self

    def __exit__(self, *_error: object) -> None:
        """Close the connection and remove the folder."""
        control = self._work / "control"
        if control.exists():
            command = ["ssh", "-o", f"ControlPath={control}", "-O", "exit", "-"]
            with suppress(subprocess.TimeoutExpired):
                subprocess.run(command, check=False, capture_output=True, timeout=self.timeout_seconds)
        self._folder.cleanup()

    def push(self, tree: Tree) -> Pushed:
        """Send what changed into a new release, link what did not, and flip; see the module and `Target.push`."""
        marker = Marker.of(tree)
        name = release_name(marker)
        before, held_marker, held, found = self._fetch(tree)
        if held_marker is not None and held_marker.digest == marker.digest:
            return Pushed(0, 0, was_current=True)
        self._send_manifest(tree, marker, name)
        wanted = {file.path: file for file in tree.files()}
        same = [file for path, file in wanted.items() if held.get(path) == file]
        changed = [file for path, file in wanted.items() if held.get(path) != file]
        self._stage(tree, wanted.values())
        if before is not None and same:
            self._send_files(tree, name, same, "--size-only", f"--link-dest={self._path(f'{tree.site}/{RELEASES}/{before}')}")
        if changed:
            self._send_files(tree, name, changed, "--ignore-times")
            self._verify(tree, name, changed)
        failpoints.reach("push.transferred")
        self._flip(tree, name)
        self._tidy(tree, found - {name, before})
        return Pushed(len(changed), sum(file.size for file in changed), was_current=False)

    def _fetch(self, tree: Tree) -> tuple[str | None, Marker | None, dict[str, File], set[str]]:
        """Return the release that readers see, its marker and files, and the names of all releases."""
        here = self._work / "held"
        here.mkdir()
        chosen = [f"/{CURRENT}", f"/{RELEASES}/", f"/{RELEASES}/*{MANIFEST}"]
        filters = [*(f"--include={pattern}" for pattern in chosen), "--exclude=*"]
        status, _, said = self._run(tree, "--recursive", "--links", *filters, self._remote(f"{tree.site}/"), f"{here}/")
        if status in (_PARTIAL, _PROTOCOL) and "No such file or directory" in said:
            return None, None, {}, set()  # nothing was ever pushed; should that not be why, the next step says so
        self._require(status, said)
        releases, link = here / RELEASES, here / CURRENT
        is_folder = releases.is_dir() and not releases.is_symlink()
        names = {release_of_entry(path.name) for path in releases.iterdir()} if is_folder else set()
        found = {name for name in names if name is not None}
        if not os.path.lexists(link):
            return None, None, {}, found
        before = release_of_link(str(link.readlink())) if link.is_symlink() else None
        if before is None:
            raise self.failed(f"{tree.site}/{CURRENT} is not a link of ours, so it is left alone. Move it away.")
        try:
            with open_manifest(releases / f"{before}{MANIFEST}") as reading:
                return before, Marker.read(reading.readline()), manifest.read_files(reading), found
        except (FileNotFoundError, ValueError):
            return before, None, {}, found

    def _send_manifest(self, tree: Tree, marker: Marker, name: str) -> None:
        """Send the manifest, and make the folders on the way to it and of the release."""
        top = self._work / "manifest"
        (top / tree.site / RELEASES / name).mkdir(parents=True)
        with (top / tree.site / RELEASES / f"{name}{MANIFEST}").open("wb") as writing:
            writing.writelines(manifest.written(marker, tree.files()))
        self._do(tree, "--recursive", "--relative", "--chmod=D755,F644", f"{top}/./{tree.site}", self._remote(""))

    def _send_files(self, tree: Tree, name: str, files: Iterable[File], *flags: str) -> None:
        """Send files into a release; only their bytes, for neither their times nor their owners are the edge's."""
        self._do(tree, *self._chosen(files), *flags, "--chmod=D755,F644", *self._ends(tree, name))

    def _verify(self, tree: Tree, name: str, files: list[File]) -> None:
        """Raise `PushFailed` if a file there has another digest than the one here; each is read on both sides."""
        flags = ["--checksum", "--dry-run", "--out-format=%n"]
        listed = self._do(tree, *self._chosen(files), *flags, *self._ends(tree, name))
        damaged = [line for line in listed.splitlines() if line and not line.endswith("/")]
        if damaged:
            raise self.failed(f"{len(damaged)} files arrived damaged, {damaged[0]!r} first. Check the server's disk.")

    def _stage(self, tree: Tree, files: Iterable[File]) -> None:
        """Lay out the publication here: links, by its paths, to the blobs."""
        top = self._work / "staged"
        folders = set[Path]()
        for file in files:
            place = top / file.path
            if place.parent not in folders:
                place.parent.mkdir(parents=True, exist_ok=True)
                folders.add(place.parent)
            place.symlink_to(tree.blob(file.sha256))

    def _chosen(self, files: Iterable[File]) -> list[str]:
        """Return the flags that let rsync send these files, the blobs that the links lead to."""
        names = self._work / "names"
        # A name may begin as comments do (`#`), so it is written from the folder on.
        names.write_bytes(b"".join(b"./" + os.fsencode(file.path) + b"\0" for file in files))
        return ["--copy-links", "--from0", f"--files-from={names}"]

    def _ends(self, tree: Tree, name: str) -> list[str]:
        return [f"{self._work}/staged/", self._remote(f"{tree.site}/{RELEASES}/{name}/")]

    def _flip(self, tree: Tree, name: str) -> None:
        """Let `current` lead to the release: rsync writes a link aside and renames it."""
        link = self._work / CURRENT
        link.symlink_to(f"{RELEASES}/{name}")
        self._do(tree, "--links", str(link), self._remote(f"{tree.site}/"))

    def _tidy(self, tree: Tree, releases: set[str]) -> None:
        """Remove releases, finished or not."""
        if not releases:
            return
        nothing = self._work / "nothing"
        nothing.mkdir()
        chosen = [pattern for name in sorted(releases) for pattern in (f"/{name}/***", f"/{name}{MANIFEST}")]
        filters = [*(f"--include={pattern}" for pattern in chosen), "--exclude=*"]
        self._do(tree, "--recursive", "--delete", *filters, f"{nothing}/", self._remote(f"{tree.site}/{RELEASES}/"))

    def _do(self, tree: Tree, *arguments: str) -> str:
        """Run rsync, and return what it listed; raises `PushFailed`."""
        status, listed, said = self._run(tree, *arguments)
        self._require(status, said)
        return listed

    def _require(self, status: int, said: str) -> None:
        if status != 0:
            reason = _REASONS.get(status, "Not all arrived" if status == _PARTIAL else "rsync failed")
            words = " ".join(said.split())
            raise self.failed(f"{reason} (rsync ended with {status}): {words} The next push goes on from here.")

    def _run(self, tree: Tree, *arguments: str) -> tuple[int, str, str]:
        """Run rsync until it ends or the push is to stop; return how it ended, what it listed, and its last words.

        Among the words are those of the server, which may greet everybody who comes.
        """
        tree.checkpoint()
        timeout = f"--timeout={max(1, round(self.timeout_seconds))}"
        command = ["rsync", "--no-old-args", timeout, f"--rsh={self._shell}", *arguments]
        with tempfile.TemporaryFile(dir=self._work) as listed, tempfile.TemporaryFile(dir=self._work) as said:
            environment = os.environ | {"LC_ALL": "C"}
            with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=listed, stderr=said, env=environment) as running:
                status = _wait(running, tree.checkpoint)
            listed.seek(0)
            said.seek(max(0, said.seek(0, os.SEEK_END) - _SAID))
            return status, listed.read(_LISTED).decode(errors="replace"), said.read(_SAID).decode(errors="replace")

    def _remote(self, path: str) -> str:
        user = f"{self.address.user}@" if self.address.user else ""
        host = f"[{self.address.host}]" if ":" in str(self.address.host) else self.address.host
        return f"{user}{host}:{self._path(path)}"

    def _path(self, path: str) -> str:
        return f"{self.address.path.rstrip('/')}/{path}"

    def _ssh(self) -> str:
        """Return the command of ssh: it asks nobody anything, and one connection serves all steps."""
        options, seconds = self._options, max(1, round(self.timeout_seconds))
        flags = ["BatchMode=yes", f"ConnectTimeout={seconds}", f"ServerAliveInterval={seconds}"]
        control = self._work / "control"
        if len(str(control)) <= _LONGEST_SOCKET:
            flags += ["ControlMaster=auto", f"ControlPath={control}", "ControlPersist=60"]
        if options.accept_any_host_key:
            flags += ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"]
        else:
            flags.append("StrictHostKeyChecking=yes")
        if options.known_hosts is not None and not options.accept_any_host_key:
            flags += [
                f"UserKnownHostsFile={self._written('known_hosts', options.known_hosts)}",
                "GlobalKnownHostsFile=/dev/null",
            ]
        if options.private_key is not None:
            flags += [f"IdentityFile={self._written('key', options.private_key)}", "IdentitiesOnly=yes"]
        port = ["-p", str(self.address.port)] if self.address.port else []
        return shlex.join(["ssh", *port, *(part for flag in flags for part in ("-o", flag))])

    def _written(self, name: str, text: str) -> Path:
        """Write a file that only its owner may read."""
        path = self._work / name
        path.touch(0o600)
        path.write_text(text if text.endswith("\n") else f"{text}\n", encoding="utf-8")
        return path


def _wait(running: subprocess.Popen[bytes], checkpoint: Callable[[], None]) -> int:
    """Return how the program ended; end it if `checkpoint` raises."""
    while True:
        try:
            return running.wait(_LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            try:
                checkpoint()
            except BaseException:
                running.terminate()
                raise

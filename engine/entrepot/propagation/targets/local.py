"""A folder on this machine, or one that is mounted: `/srv/edge` or `file:///srv/edge`.

The folder must be there: one that is missing is a server that is down, a disk that is not mounted say. Files are copied and
read back, never linked from the store, whose blobs nobody else may touch. See `release` for what lies where.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from entrepot import failpoints
from entrepot.content.durability import sync_file_system, sync_files
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
from entrepot.propagation.targets.target import Options, Target
from entrepot.propagation.targets.tree import File, Pushed

if TYPE_CHECKING:
    from entrepot.errors import JSON
    from entrepot.propagation.targets.address import Address
    from entrepot.propagation.targets.tree import Tree

#: `old` is not there, has as many links as it can have, or stands where there are none: then it is copied.
_UNLINKABLE = (errno.ENOENT, errno.EMLINK, errno.EPERM, errno.ENOTSUP, errno.EXDEV)


class LocalOptions(Options):
    """There are none."""


class LocalTarget(Target):
    """A folder."""

    options_type = LocalOptions

    @classmethod
    def check(cls, address: Address, options: Mapping[str, JSON]) -> None:
        """Raise `InvalidValue` unless it names a folder by an absolute path."""
        super().check(address, options)
        if address.host not in (None, "localhost") or not address.path.startswith("/"):
            raise InvalidValue("url", why="it must be the absolute path of a folder on this machine, as file:///srv/edge")

    def push(self, tree: Tree) -> Pushed:
        """Copy what changed into a new release, link what did not, and flip; see `Target.push`."""
        marker = Marker.of(tree)
        with self._told_as_failure():
            return self._push(tree, marker)

    def _push(self, tree: Tree, marker: Marker) -> Pushed:
        root = Path(self.address.path)
        if not root.is_dir():
            raise self.failed("The folder is not there. Make it, or mount what belongs there.")
        site = root / tree.site
        before = self._current(site)
        held_marker, held = (None, {}) if before is None else _read_manifest(site / RELEASES, before)
        if held_marker is not None and held_marker.digest == marker.digest:
            return Pushed(0, 0, was_current=True)
        name = release_name(marker)
        release = site / RELEASES / name
        self._make_folders(root, release)
        written = site / RELEASES / f"{name}{MANIFEST}"
        written.unlink(missing_ok=True)
        with written.open("xb") as writing:
            writing.writelines(manifest.written(marker, tree.files()))
        old = None if before is None else site / RELEASES / before
        pushed = self._fill(release, tree, old, held)
        if not sync_file_system(str(release)):  # pragma: no cover - not on Linux
            sync_files([str(path) for path in release.rglob("*") if path.is_file()])
        failpoints.reach("push.transferred")
        _flip(site, name)
        _tidy(site / RELEASES, keep={name, before})
        return pushed

    def _make_folders(self, root: Path, folder: Path) -> None:
        """Make a folder below `root`, and those that it lies in; none of them may lead elsewhere: not what is ours lies there.

        Raises `PushFailed`.
        """
        for place in [*reversed([one for one in folder.parents if one.is_relative_to(root) and one != root]), folder]:
            try:
                place.mkdir()
            except FileExistsError:
                if not stat.S_ISDIR(place.lstat().st_mode):
                    msg = f"{place} is a link or a file where a folder of ours belongs, so it is left alone. Move it away."
                    raise self.failed(msg) from None

    def _current(self, site: Path) -> str | None:
        """Return the release that readers see; raises `PushFailed` if what they see is not ours."""
        link = site / CURRENT
        if not os.path.lexists(link):
            return None
        release = release_of_link(str(link.readlink())) if link.is_symlink() else None
        if release is None:
            raise self.failed(f"{link} is not a link of ours, so it is left alone. Move it away.")
        return release

    def _fill(self, release: Path, tree: Tree, old: Path | None, held: dict[str, File]) -> Pushed:
        """Put every file of `tree` into `release`, from the release `old` where it is the same; return what was copied."""
        files, size, folders, old_folders = 0, 0, {release}, set[Path]()
        for file in tree.files():
            tree.checkpoint()
            place = release / file.path
            if place.parent not in folders:
                self._make_folders(release, place.parent)
                folders.add(place.parent)
            same = old is not None and held.get(file.path) == file
            if old is not None and same and _is_below(old, file.path, old_folders) and _link(old / file.path, place, file.size):
                continue
            if _is_whole(place, file):  # an earlier push came so far
                continue
            place.unlink(missing_ok=True)
            self._copy(tree.blob(file.sha256), place, file)
            files, size = files + 1, size + file.size
        return Pushed(files, size, was_current=False)

    def _copy(self, blob: Path, place: Path, file: File) -> None:
        shutil.copyfile(blob, place)
        if not _is_whole(place, file):
            place.unlink(missing_ok=True)
            msg = f"{file.path!r} arrived damaged: its bytes are not those of SHA-256 {file.sha256}. Check disk and store."
            raise self.failed(msg)

    @contextmanager
    def _told_as_failure(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            where = f" ({error.filename})" if isinstance(error.filename, str) else ""
            raise self.failed(f"{error.strerror or error}{where}. Mend that; the next push goes on from here.") from error


def _read_manifest(releases: Path, release: str) -> tuple[Marker | None, dict[str, File]]:
    """Return what a release was said to hold; nothing if that cannot be read."""
    try:
        with open_manifest(releases / f"{release}{MANIFEST}") as reading:
            return Marker.read(reading.readline()), manifest.read_files(reading)
    except (FileNotFoundError, ValueError):
        return None, {}


def _is_below(release: Path, path: str, known: set[Path]) -> bool:
    """Say whether no link leads to the folder of a file in a release; `known` are folders to which none does."""
    folder = (release / path).parent
    if folder not in known:
        if folder.resolve() != release.parent.resolve() / folder.relative_to(release.parent):
            return False
        known.add(folder)
    return True


def _link(old: Path, place: Path, size: int) -> bool:
    """Link `place` to `old`, and answer whether that could be done: not if `old` is missing or of another size."""
    try:
        status = old.lstat()
        if status.st_size != size or old.is_symlink():
            return False
        if place.exists() and place.samefile(old):
            return True
        place.unlink(missing_ok=True)
        os.link(old, place)
    except OSError as error:
        if error.errno in _UNLINKABLE:
            return False
        raise
    return True


def _is_whole(place: Path, file: File) -> bool:
    try:
        status = place.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size != file.size:
            return False
        with place.open("rb") as reading:
            return hashlib.file_digest(reading, "sha256").hexdigest() == file.sha256
    except FileNotFoundError:
        return False


def _flip(site: Path, release: str) -> None:
    """Let `current` lead to the release, at once and for good."""
    link = site / f".{CURRENT}"
    link.unlink(missing_ok=True)  # of a push that was killed right here
    link.symlink_to(f"{RELEASES}/{release}")
    link.replace(site / CURRENT)
    sync_files([str(site)])


def _tidy(releases: Path, *, keep: set[str | None]) -> None:
    """Remove the releases, finished or not, that are not among those to keep."""
    for entry in [*releases.iterdir()]:
        release = release_of_entry(entry.name)
        if release is None or release in keep:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink(missing_ok=True)

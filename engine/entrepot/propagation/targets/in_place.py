"""A server whose files are changed one by one: each whole at any moment, the publication as a whole not.

    <root>/<repository>/<distributor>/...                       the files
    <root>/.entrepot/<repository>/<distributor>/marker          which publication that is
                                               /manifest        its files, compressed
                                               /journal-000001  what a push that has not ended began and did

The walk of a push: say in the journal which paths are about to change; transfer what is new, then what is replaced, and note
in the journal what has arrived; write the manifest, then the marker; remove what is gone; remove the journal. So whatever a
killed push left is known: the next one takes what arrived as given and what was only begun as unknown, and is at its end
where this one would have been. A reader finds what the old publication's index names until the new index has arrived.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING

from entrepot import failpoints
from entrepot.propagation.targets import manifest
from entrepot.propagation.targets.manifest import Marker
from entrepot.propagation.targets.target import Target
from entrepot.propagation.targets.tree import File, Pushed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from entrepot.propagation.targets.tree import Tree

#: The folder of what is remembered, beside those of the repositories.
STATE = ".entrepot"
#: What has arrived is noted after so many files, or so many bytes: that much at most is transferred twice.
_NOTE_FILES = 64
_NOTE_BYTES = 16 << 20
#: Bytes of what is remembered that are read at most: enough for some millions of files, and a server may send without end.
MOST_STATE_BYTES = 256 << 20
#: A file of the journal counts as so many bytes at least, so that there is an end of them as well.
_JOURNAL_FILE_BYTES = 4096
#: So many files of the journal that are none, one after the other, are what a server shows for every name; a kill damages one.
_MOST_DAMAGED = 8


class InPlaceTarget(Target):
    """A server that keeps bytes by name; names are relative to the URL, with `/` between their parts.

    Its methods raise `PushFailed` for whatever goes wrong.
    """

    @abstractmethod
    def read(self, name: str, most_bytes: int) -> bytes | None:
        """Return a small file, or None if there is none; one of more than `most_bytes` is cut off there."""

    @abstractmethod
    def write(self, name: str, data: bytes) -> None:
        """Write a small file, whole or not at all, over one that is there."""

    @abstractmethod
    def put(self, name: str, blob: Path, file: File) -> None:
        """Transfer a file, verify it, and only then let readers see it, over one that is there."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove a file; one that is not there is fine."""

    def remove_folder(self, name: str) -> None:
        """Remove a folder if it is empty; where there are no folders, nothing is done."""

    def push(self, tree: Tree) -> Pushed:
        """Change what differs, file by file; see the module and `Target.push`."""
        marker = Marker.of(tree)
        if tree.site.partition("/")[0].casefold() == STATE:
            raise self.failed(f"A repository cannot be called {STATE}: what the server remembers of others is kept there.")
        state = f"{STATE}/{tree.site}"
        journal = _Journal(self, f"{state}/journal", tree.checkpoint)
        held_marker = Marker.read(self.read(f"{state}/marker", _JOURNAL_FILE_BYTES) or b"")
        if held_marker is not None and held_marker.digest == marker.digest and journal.is_empty:
            return Pushed(0, 0, was_current=True)
        held, unknown = journal.replay(self._read_manifest(state))
        wanted = {file.path: file for file in tree.files()}
        changed = [file for path, file in wanted.items() if held.get(path) != file]
        gone = sorted((held.keys() | unknown) - wanted.keys())
        journal.begin([*(file.path for file in changed), *gone])
        # What is a file there and to be a folder goes first, and what lies in a folder that is to be a file; a path that is a
        # folder by now is not removed, for some servers would remove all that lies in it.
        folders, coming = _folders(wanted), {file.path for file in changed}
        made = folders & _folders(held)
        self._remove(tree, [path for path in gone if path in folders - made or _parents(path) & coming])
        additions_first = sorted(changed, key=lambda file: file.path in held)
        self._transfer(tree, additions_first, journal)
        failpoints.reach("push.transferred")
        self.write(f"{state}/manifest", gzip.compress(b"".join(manifest.written(marker, wanted.values())), mtime=0))
        self.write(f"{state}/marker", marker.written())
        self._remove(tree, [path for path in gone if path not in folders])
        journal.remove()
        return Pushed(len(changed), sum(file.size for file in changed), was_current=False)

    def _read_manifest(self, state: str) -> dict[str, File]:
        """Return what the server was said to hold; nothing if that cannot be read."""
        packed = self.read(f"{state}/manifest", MOST_STATE_BYTES)
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(packed or b"")) as reading:
                data = reading.read(MOST_STATE_BYTES + 1)
            return {} if len(data) > MOST_STATE_BYTES else manifest.read_files(data.splitlines(keepends=True)[1:])
        except (OSError, EOFError, ValueError, zlib.error):
            return {}

    def _transfer(self, tree: Tree, files: Iterable[File], journal: _Journal) -> None:
        try:
            for file in files:
                tree.checkpoint()
                self.put(f"{tree.site}/{file.path}", tree.blob(file.sha256), file)
                journal.note(file)
        finally:  # should this fail as well, more is transferred twice
            journal.save()

    def _remove(self, tree: Tree, paths: Iterable[str]) -> None:
        """Remove files, and the folders that are empty then; below the site's only."""
        paths = list(paths)
        for path in paths:
            tree.checkpoint()
            self.remove(f"{tree.site}/{path}")
        for folder in sorted(_folders(paths), reverse=True):
            self.remove_folder(f"{tree.site}/{folder}")


class _Journal:
    """What a push that has not ended began and did, in numbered files of lines.

    A line of a manifest is a file that has arrived; a line of JSON is a list of paths that are about to change.
    """

    def __init__(self, target: InPlaceTarget, name: str, checkpoint: Callable[[], None]) -> None:
        self._target, self._name = target, name
        #: What each file says, in order; None for one that is damaged.
        self._found = list[list[list[str] | File] | None]()
        self._read(checkpoint)
        self._count = len(self._found)
        self._noted, self._noted_bytes = list[bytes](), 0

    def _read(self, checkpoint: Callable[[], None]) -> None:
        left, damaged = MOST_STATE_BYTES, 0
        while (text := self._target.read(self._file(len(self._found) + 1), max(left, 0))) is not None:
            said = _said(text)
            self._found.append(said)
            left -= max(len(text), _JOURNAL_FILE_BYTES)
            damaged = damaged + 1 if said is None else 0
            if left < 0 or damaged == _MOST_DAMAGED:
                what = f"{self._file(1)} and those after it are no journal of ours, or one without an end"
                raise self._target.failed(f"{what}. Remove them, or look whether the server has a page for every name.")
            checkpoint()

    @property
    def is_empty(self) -> bool:
        return not self._found

    def replay(self, held: dict[str, File]) -> tuple[dict[str, File], set[str]]:
        """Return what the server holds for sure, after `held`, and the paths of which that is unknown."""
        sure, unknown = dict(held), set[str]()
        for entry in (entry for said in self._found for entry in said or ()):
            if isinstance(entry, File):
                sure[entry.path] = entry
                unknown.discard(entry.path)
            else:
                unknown.update(entry)
                sure = {path: file for path, file in sure.items() if path not in unknown}
        if None in self._found:  # it is damaged: nothing is sure
            return {}, unknown | sure.keys() | held.keys()
        return sure, unknown

    def begin(self, paths: list[str]) -> None:
        """Write down which paths are about to change."""
        self._noted.append(json.dumps(paths).encode() + b"\n")
        self.save()

    def note(self, file: File) -> None:
        """Write down, sooner or later, that the file has arrived."""
        self._noted.append(manifest.line(file))
        self._noted_bytes += file.size
        if len(self._noted) >= _NOTE_FILES or self._noted_bytes >= _NOTE_BYTES:
            self.save()

    def save(self) -> None:
        """Write down what was noted."""
        if self._noted:
            self._count += 1
            self._target.write(self._file(self._count), b"".join(self._noted))
            self._noted, self._noted_bytes = [], 0

    def remove(self) -> None:
        """Remove it, the last file first: what is left at any moment is true, or says that too little has arrived."""
        for number in range(self._count, 0, -1):
            self._target.remove(self._file(number))

    def _file(self, number: int) -> str:
        return f"{self._name}-{number:06d}"


def _said(text: bytes) -> list[list[str] | File] | None:
    """Return what a file of the journal says: paths that were about to change, files that arrived; None if it is damaged."""
    said = list[list[str] | File]()
    try:
        for line in text.splitlines(keepends=True):
            if line.startswith(b"["):
                paths = json.loads(line)
                if not all(map(manifest.is_path, paths)):
                    return None
                said.append(paths)
            else:
                said.extend(manifest.read_files([line]).values())
    except (ValueError, RecursionError):
        return None
    return said


def _folders(paths: Iterable[str]) -> set[str]:
    """Return the folders that hold the paths, without the site's."""
    return set[str]().union(*map(_parents, paths))


def _parents(path: str) -> set[str]:
    """Return the folders that the path lies in, without the site's."""
    parts = path.split("/")
    return {"/".join(parts[:depth]) for depth in range(1, len(parts))}

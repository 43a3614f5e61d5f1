"""What a target remembers: which publication it holds (the marker), and with which files (the manifest).

A manifest is a line of JSON, the marker, and then a line for each file: its SHA-256, its size in bytes, its path as JSON.
The marker's digest is over those lines, so that two publications are the same when their digests are, whatever their numbers:
a repository that was removed and made again counts from 1 again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

from entrepot.errors import PushFailed
from entrepot.propagation.targets.tree import File

if TYPE_CHECKING:
    from entrepot.propagation.targets.tree import Tree

#: What a marker says.
_FACTS = {"site": str, "revision": int, "digest": str}


@dataclass(frozen=True, slots=True)
class Marker:
    """Which publication it is; `digest` is the SHA-256 (hex) of its manifest's lines."""

    site: str
    revision: int
    digest: str

    @classmethod
    def of(cls, tree: Tree) -> Self:
        """Read all of a publication's files, and return its marker; raises `PushFailed` for a path that leads out of it."""
        check_path(tree.site)
        digest = hashlib.sha256()
        for file in tree.files():
            check_path(file.path)
            digest.update(line(file))
        return cls(tree.site, tree.revision, digest.hexdigest())

    @classmethod
    def read(cls, text: bytes) -> Self | None:
        """Return the marker that `written` wrote, or None if that is not one."""
        try:
            values = json.loads(text)
        except (ValueError, RecursionError):
            return None
        if not isinstance(values, dict) or {name: type(value) for name, value in values.items()} != _FACTS:
            return None
        return cls(**values)

    def written(self) -> bytes:
        """Return the marker as a line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"


def line(file: File) -> bytes:
    """Return the line of a file."""
    return f"{file.sha256} {file.size} {json.dumps(file.path)}\n".encode()


def written(marker: Marker, files: Iterable[File]) -> Iterator[bytes]:
    """Yield the lines of a manifest."""
    yield marker.written()
    yield from map(line, files)


def read_files(lines: Iterable[bytes]) -> dict[str, File]:
    """Return the files by path, from the lines of a manifest after its first.

    Raises `ValueError` if one is not whole, or names what no publication has: it may be a stranger who wrote it, and what a
    manifest names is removed when it is gone.
    """
    files = {}
    for text in lines:
        if not text.endswith(b"\n"):
            msg = "the manifest ends within a line"
            raise ValueError(msg)
        sha256, size, path = text.split(b" ", 2)
        file = File(_path(path), sha256.decode(), int(size))
        files[file.path] = file
    return files


def is_path(value: object) -> bool:
    """Say whether `value` leads to a place below the folder it is relative to."""
    return isinstance(value, str) and "\0" not in value and not any(part in ("", ".", "..") for part in value.split("/"))


def check_path(path: str) -> None:
    """Raise `PushFailed` unless `path` leads to a place below the folder it is relative to."""
    if not is_path(path):
        msg = f"The path {path!r} leads out of its folder or nowhere, so it is not pushed. Publish it by another path."
        raise PushFailed(msg, path=path)


def _path(text: bytes) -> str:
    try:
        path = json.loads(text)
    except RecursionError as error:
        raise ValueError(*error.args) from error
    if not is_path(path):
        msg = "the manifest names what is no path of a publication"
        raise ValueError(msg)
    return str(path)

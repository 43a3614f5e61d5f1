"""What a target is asked to hold: the files of one publication, and what changed since an earlier one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class File:
    """A file of a publication: its path below the site, the SHA-256 of its bytes (hex), and its size in bytes."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What a publication has that an earlier one had not, or otherwise, and the paths that it has no longer."""

    added: list[File]
    replaced: list[File]
    removed: list[str]


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push transferred; `was_current` says that the target had it all before."""

    files: int
    bytes: int
    was_current: bool


class Tree(Protocol):
    """One publication, as a target reads it."""

    @property
    def site(self) -> str:
        """Whose publications these are: "repository/distributor"."""

    @property
    def revision(self) -> int:
        """The number of this one among them."""

    def files(self) -> Iterator[File]:
        """Yield every file, sorted by path."""

    def changes(self, since: int) -> Changes | None:
        """Return the difference to publication `since`, or None if that one is not known any more."""

    def blob(self, sha256: str) -> Path:
        """Return where the bytes of that digest lie; the file is read only."""

    def checkpoint(self) -> None:
        """Raise if the push is to stop; called between files."""

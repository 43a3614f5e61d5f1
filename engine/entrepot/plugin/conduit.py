"""What the engine offers to a running importer and distributor, and nothing else.

Every call is also a place where a cancel takes effect: it may raise `Canceled`, which is a `BaseException`, so that no
`except Exception` swallows it. A conduit belongs to one run and one thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from entrepot.plugin.unit_type import Unit

UnitT = TypeVar("UnitT", bound=Unit)


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """A file of the feed that was fetched whole and verified; it may be read until the run ends, and not changed."""

    path: Path
    sha256: str  # of what was received, whatever was promised
    size: int  # bytes


class SyncConduit(Protocol):
    """What an importer may ask for while it syncs one repository."""

    @property
    def repository_id(self) -> str:
        """The repository that is synced."""

    @property
    def config(self) -> Any:  # noqa: ANN401 - an instance of the importer's own Config, which only the importer knows
        """The configuration in force: an instance of the importer's `Config`, the overrides of this run included."""

    @property
    def feed(self) -> str:
        """The address of the feed; paths are below it as below a folder, with or without a slash at its end."""

    def fetch(self, url: str, *, size: int | None = None, **digests: str) -> FetchedFile:
        """Fetch one file of metadata now: `url` is absolute, or a path below the feed, not percent-encoded; digests are hex.

        Credentials, proxy, TLS, limits and retries follow the configuration.

        Raises:
            FetchError: the file could not be had, or is not what was promised.

        """

    def unchanged(self, token: str) -> bool:
        """Say whether the feed is as it was: then the importer may return at once, and the repository stays as it is.

        True when the last sync that ended well gave the same `token` (say, the digest of an index) under the same
        configuration, and the repository was not changed since. Never true under `force_full`.
        """

    def error(self, item: str, why: str) -> None:
        """Refuse one item of the feed; the run goes on to find the others, then ends in error and changes nothing."""

    def checkpoint(self) -> None:
        """Let a cancel take effect; for long stretches without any other call."""


class PublishConduit(Protocol):
    """What a distributor may ask for, and the publication that it fills; nothing is visible before it returns."""

    @property
    def repository_id(self) -> str:
        """The repository that is published."""

    @property
    def config(self) -> Any:  # noqa: ANN401 - an instance of the distributor's own Config, which only it knows
        """The configuration in force: an instance of the distributor's `Config`, the overrides of this run included."""

    @property
    def incremental(self) -> bool:
        """True: the publication starts as a copy of the previous one. False: it starts empty."""

    def added(self, unit_type: type[UnitT]) -> Iterator[UnitT]:
        """Return the units that came since the previous publication, oldest first; all of them when not incremental."""

    def removed(self, unit_type: type[UnitT]) -> Iterator[UnitT]:
        """Return the units that left since the previous publication; none when not incremental."""

    def units(self, unit_type: type[UnitT]) -> Iterator[UnitT]:
        """Return all units of a type that the repository holds, oldest first."""

    def add(self, path: str, unit: Unit, file: str | None = None) -> None:
        """Publish a file of `unit` under `path`, in place of what the previous publication had there; once a run.

        `file` is the path that the importer declared it with; it may be left out when the unit has only one.
        """

    def remove(self, path: str) -> None:
        """Take `path` out of the publication; no matter if it is not there."""

    def copy(self, distributor_id: str) -> None:
        """Publish all that another distributor of the repository serves; what is added or written takes the place of its files.

        Only the distributor that the configuration names as its `source` can be copied (see `DeployConfig`): what that one
        serves is then a part of what decides whether there is anything new to publish.

        Raises:
            PluginError: it is another distributor, or it serves nothing yet.

        """

    def read(self, path: str) -> bytes | None:
        """Return a file of the previous publication, or None when it is not there or the publication is not incremental."""

    def write(self, path: str, data: bytes) -> None:
        """Publish `data`, made by the distributor, under `path`; once a run, in place of what was there before it."""

    def checkpoint(self) -> None:
        """Let a cancel take effect; for long stretches without any other call."""

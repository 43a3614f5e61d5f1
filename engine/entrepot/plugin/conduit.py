"""What the engine offers to a running importer and distributor, and nothing else.

Every call is also a place where a cancel takes effect: it may raise `Canceled`, which is a `BaseException`, so that no
`except Exception` swallows it. A conduit belongs to one run and one thread.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Any, Protocol, TypeVar

from entrepot.plugin.unit_files import FetchedFile
from entrepot.plugin.unit_type import Unit

UnitT = TypeVar("UnitT", bound=Unit)


class ImportConduit(Protocol):
    """What an importer may ask for in whatever it does: a sync, a copy, an upload."""

    @property
    def repository_id(self) -> str:
        """The repository that units come into."""

    @property
    def config(self) -> Any:  # noqa: ANN401 - an instance of the importer's own Config, which only the importer knows
        """The configuration in force: an instance of the importer's `Config`, the overrides of this run included."""

    def units(
        self, unit_type: type[UnitT], *, names: Collection[str] | None = None, documents: bool = False
    ) -> Iterator[UnitT]:
        """Return the units of a type that the repository held when the run began, oldest first.

        `names`: only those whose name is among them. `documents`: with what the plugin keeps beside them.
        """

    def checkpoint(self) -> None:
        """Let a cancel take effect; for long stretches without any other call."""


class SyncConduit(ImportConduit, Protocol):
    """What an importer may ask for while it syncs one repository."""

    @property
    def feed(self) -> str:
        """The address of the feed; paths are below it as below a folder, with or without a slash at its end."""

    @property
    def now(self) -> datetime:
        """When the run began, aware UTC; for what a feed says of its own age, and for nothing that is kept."""

    def fetch(self, url: str, *, size: int | None = None, accept: str | None = None, **digests: str) -> FetchedFile:
        """Fetch one file of metadata now: `url` is absolute, or a path below the feed, not percent-encoded; digests are hex.

        Credentials, proxy, TLS, limits and retries follow the configuration. `accept` is sent as the header `Accept`.

        Raises:
            FetchError: the file could not be had, or is not what was promised.

        """

    def find(self, url: str, *, size: int | None = None, accept: str | None = None, **digests: str) -> FetchedFile | None:
        """Fetch one file of metadata that the feed need not have; None if the server says that there is none.

        Raises:
            FetchError: as `fetch`.

        """

    def find_all(self, urls: Iterable[str], *, accept: str | None = None) -> Iterator[tuple[str, FetchedFile | None]]:
        """Fetch many files of metadata, several at once, and yield each with its address when it is there; None: no such file.

        Raises:
            FetchError: as `fetch`, for the first that fails.

        """

    def unchanged(self, token: str) -> bool:
        """Say whether the feed is as it was: then the importer may return at once, and the repository stays as it is.

        True when the last sync that ended well gave the same `token` (say, the digest of an index) under the same
        configuration, and the repository was not changed since. Never true under `force_full`.
        """

    def error(self, item: str, why: str) -> None:
        """Refuse one item of the feed; the run goes on to find the others, then ends in error and changes nothing."""


class CopyConduit(ImportConduit, Protocol):
    """What an importer may ask for while units are copied from another repository into its own."""

    @property
    def source_id(self) -> str:
        """The repository that the units come from."""

    def source_units(
        self, unit_type: type[UnitT], *, names: Collection[str] | None = None, documents: bool = False
    ) -> Iterator[UnitT]:
        """Return the units of a type that the source holds, as `units` does those of the destination."""

    def renewed(self, unit: UnitT, **changes: object) -> UnitT:
        """Return a new unit with some other fields, and with the files and the document of `unit`.

        Raises:
            ValueError: the changes do not fit the unit type.

        """


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

    @property
    def revision(self) -> int:
        """The revision of the repository that is published: one more with each change of its contents."""

    @property
    def date(self) -> datetime:
        """When that revision came to be, aware UTC: the only clock that a distributor may use, for it stands still."""

    def added(self, unit_type: type[UnitT], *, documents: bool = False) -> Iterator[UnitT]:
        """Return the units that came since the previous publication, oldest first; all of them when not incremental.

        `documents`: with what the plugin keeps beside them.
        """

    def removed(self, unit_type: type[UnitT], *, documents: bool = False) -> Iterator[UnitT]:
        """Return the units that left since the previous publication; none when not incremental."""

    def units(
        self,
        unit_type: type[UnitT],
        *,
        names: Collection[str] | None = None,
        by_name: bool = False,
        documents: bool = False,
    ) -> Iterator[UnitT]:
        """Return all units of a type that the repository holds, oldest first, or `by_name`: by the bytes of their names.

        `names`: only those whose name is among them.
        """

    def add(self, path: str, unit: Unit, file: str | None = None) -> None:
        """Publish a file of `unit` under `path`, in place of what the previous publication had there; once a run.

        `file` is the path that the importer declared it with; it may be left out when the unit has only one. Its bytes need
        not be here yet: then they are fetched when a client asks for them.
        """

    def remove(self, path: str) -> None:
        """Take `path` out of the publication; no matter if it is not there."""

    def copy(self, distributor_id: str) -> None:
        """Publish all that another distributor of the repository serves; what is added or written takes the place of its files.

        Only the distributor that the configuration names as its `source` can be copied (see `DeployConfig`): what that one
        serves is then a part of what decides whether there is anything new to publish.

        Raises:
            PluginError: it is another distributor, or it serves nothing yet, or not all of that has been downloaded.

        """

    def read(self, path: str) -> bytes | None:
        """Return a file of the previous publication, or None when it is not there or the publication is not incremental."""

    def read_file(self, unit: Unit, file: str | None = None) -> bytes:
        """Return the bytes of a file of `unit`; `file` as for `add`.

        Raises:
            PluginError: they have not been downloaded.

        """

    def write(self, path: str, data: bytes) -> None:
        """Publish `data`, made by the distributor, under `path`; once a run, in place of what was there before it."""

    def draft(self) -> Draft:
        """Return a new file to be written piece by piece, and published by `put` when its name is known."""

    def put(self, path: str, draft: Draft) -> None:
        """Publish what was written to `draft`, as `write` does, and finish it; one draft may be put at many paths."""

    def checkpoint(self) -> None:
        """Let a cancel take effect; for long stretches without any other call."""


class Draft(Protocol):
    """A file that a distributor writes piece by piece. What is never put is thrown away."""

    def write(self, data: bytes) -> None:
        """Append `data`."""

    def finish(self) -> tuple[str, int]:
        """Return the SHA-256 in hex and the size in bytes of what was written; nothing can be written any more."""

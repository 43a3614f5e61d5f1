"""What is to be fetched, how, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from entrepot.content.writer import WrittenBlob
from entrepot.errors import FetchError, StorageError


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """How one sync fetches; the defaults are those of `settings`.

    * `feed`: the folder that relative addresses are below. A user name in it counts as basic authentication.
    * `max_speed`: bytes a second, for all transfers of the sync together. `retries`: repetitions of one file.
    * `ssl_*`: PEM text. `proxy_host`: a host or `http://host`. No proxy is read from the environment.
    * `headers`, `basic_auth_*` and the client certificate go to the feed's scheme, host and port only.
    * `allowed_file_roots`: folders that `file://` may read. `blocked_networks`: CIDR.
    """

    feed: str
    max_downloads: int = 5
    max_speed: int | None = None
    connect_timeout_seconds: float = 10
    total_timeout_seconds: float = 24 * 3600
    low_speed_bytes: int = 1
    low_speed_seconds: int = 30
    retries: int = 4
    ssl_validation: bool = True
    ssl_ca_cert: str | None = field(default=None, repr=False)
    ssl_client_cert: str | None = field(default=None, repr=False)
    ssl_client_key: str | None = field(default=None, repr=False)
    proxy_host: str | None = None
    proxy_port: int | None = None
    proxy_username: str | None = None
    proxy_password: str | None = field(default=None, repr=False)
    basic_auth_username: str | None = None
    basic_auth_password: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    allowed_file_roots: tuple[Path, ...] = ()
    blocked_networks: tuple[str, ...] = ("169.254.0.0/16", "fe80::/10")


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """One file to fetch.

    `url`: absolute, or a path below the feed, not percent-encoded. `size` (bytes) and `digests` (algorithm:
    hexadecimals): what is promised, and checked. `key` is the caller's and comes back with the outcome. `optional`: that
    there is no such file is no error. `accept` is sent as the header `Accept`.
    `at_most`: a longer file is refused, in bytes.
    """

    url: str
    size: int | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    key: object = None
    optional: bool = False
    accept: str | None = None
    at_most: int | None = None


@dataclass(frozen=True, slots=True)
class FetchOutcome:
    """What became of a request: a written blob, or an error, or neither if the file is optional and does not exist.

    The blob is the receiver's: to keep, or to discard.
    """

    request: FetchRequest
    blob: WrittenBlob | None = None
    error: FetchError | StorageError | None = None

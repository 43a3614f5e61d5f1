"""A bucket of S3, or of what speaks like it: `s3://bucket/prefix`.

An object is replaced at once when all its bytes have arrived, large ones in parts. Each request is signed together with the
SHA-256 of what it sends, so a bucket takes nothing that was changed on the way. Keys that no option gives are looked for where
all programs for S3 do: in the environment, and in the role of the machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from entrepot.errors import InvalidValue
from entrepot.propagation.targets.in_place import InPlaceTarget
from entrepot.propagation.targets.sending import chunks, first_bytes, is_same
from entrepot.propagation.targets.tls import TlsOptions
from entrepot.propagation.targets.tree import File
from entrepot.version import __version__

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config, S3Store

    from entrepot.errors import JSON
    from entrepot.propagation.targets.address import Address

#: A file with more bytes is sent in parts of as many, of which some are under way at once.
_PART_BYTES = 8 << 20
_PARTS_AT_ONCE = 4
#: A bucket takes 10,000 parts of one file at most. Source: Amazon S3 User Guide, multipart upload limits.
_MOST_PARTS = 9_000
#: How often a request is sent again that no answer or a 5xx came to; the push as a whole is tried again by its task.
_RETRIES = 1
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{1,254}")


class S3Options(TlsOptions):
    """The options of a bucket."""

    endpoint: str | None = Field(
        None, description="Address of the server, for one that is not Amazon's: https://minio.example.org"
    )
    region: str | None = Field(None, description="Region of the bucket; us-east-1 if none is given.")
    access_key_id: str | None = Field(None, description="Access key.")
    secret_access_key: str | None = Field(None, description="The secret of that key.")
    session_token: str | None = Field(None, description="Token of a key that is temporary.")
    verify: Literal["head", "get"] = Field("head", description="Look at the size of what was written, or read it all back.")

    @field_validator("endpoint")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value is not None:
            parts = urlsplit(value)
            if (
                parts.scheme not in ("http", "https")
                or not parts.hostname
                or "@" in parts.netloc
                or parts.query
                or parts.fragment
            ):
                msg = "it must be an address such as https://minio.example.org:9000, with no login in it"
                raise ValueError(msg)
        return value


class S3Target(InPlaceTarget):
    """A bucket, or a part of one."""

    options_type = S3Options

    def __init__(self, address: Address, options: Mapping[str, JSON], *, timeout_seconds: float) -> None:
        """Keep where and how; raises `InvalidValue`. No request of at most 8 MiB takes longer than `timeout_seconds`."""
        super().__init__(address, options, timeout_seconds=timeout_seconds)
        self._options = S3Options.model_validate(dict(options))

    @classmethod
    def check(cls, address: Address, options: Mapping[str, JSON]) -> None:
        """Raise `InvalidValue` unless it names a bucket and both halves of a key, or neither."""
        super().check(address, options)
        if address.host is None or not _BUCKET.fullmatch(address.host) or address.user is not None or address.port is not None:
            raise InvalidValue("url", why="it must be s3://bucket or s3://bucket/prefix; give keys and endpoint as options")
        if (options.get("access_key_id") is None) != (options.get("secret_access_key") is None):
            raise InvalidValue("options", why="access_key_id and secret_access_key belong together: give both or neither")

    def __enter__(self) -> Self:
        """Make ready to send requests; raises `PushFailed`."""
        self._store = self._opened()
        return self

    def read(self, name: str, most_bytes: int) -> bytes | None:
        """Return a small object, or None if there is none; see `InPlaceTarget.read`."""
        import obstore

        try:
            with self._told(f"reading {name}"):
                return first_bytes(map(bytes, obstore.get(self._store, name)), most_bytes)
        except FileNotFoundError as error:
            self._require_bucket(error)
            return None

    def write(self, name: str, data: bytes) -> None:
        """Write a small object."""
        import obstore

        with self._told(f"writing {name}"):
            obstore.put(self._store, name, data, use_multipart=False)

    def put(self, name: str, blob: Path, file: File) -> None:
        """Send a file and verify what the bucket then has."""
        import obstore

        with self._told(f"writing {name}"):
            if file.size <= _PART_BYTES:
                obstore.put(self._store, name, b"".join(chunks(blob, file)), use_multipart=False)
            else:
                size = max(_PART_BYTES, file.size // _MOST_PARTS + 1)
                obstore.put(self._store, name, chunks(blob, file), chunk_size=size, max_concurrency=_PARTS_AT_ONCE)
        with self._told(f"verifying {name}"):
            if self._options.verify == "get":
                is_whole = is_same(file, map(bytes, obstore.get(self._store, name)))
            else:
                is_whole = obstore.head(self._store, name)["size"] == file.size
        if not is_whole:
            raise self.failed(f"{file.path!r} arrived damaged. Look what changes objects of that bucket.")

    def remove(self, name: str) -> None:
        """Remove an object."""
        import obstore

        try:
            with self._told(f"removing {name}"):
                obstore.delete(self._store, name)
        except FileNotFoundError:  # some servers that speak like S3 say so
            return

    def _opened(self) -> S3Store:
        try:
            from obstore.store import S3Store
        except ImportError as error:
            msg = "Pushing to S3 needs the package obstore, which is not installed here: pip install 'entrepot[edge]'."
            raise self.failed(msg) from error
        options = self._options
        given = {
            "endpoint": options.endpoint,
            "region": options.region,
            "access_key_id": options.access_key_id,
            "secret_access_key": options.secret_access_key,
            "session_token": options.session_token,
        }
        config: S3Config = {name: value for name, value in given.items() if value is not None}  # type: ignore[assignment] # its keys
        config["disable_bulk_delete"] = True  # one at a time is what every server that speaks like S3 understands
        client: ClientConfig = {
            "timeout": timedelta(seconds=self.timeout_seconds),
            "connect_timeout": timedelta(seconds=self.timeout_seconds),
            "user_agent": f"entrepot/{__version__}",
            "allow_http": (options.endpoint or "").startswith("http://"),
            "allow_invalid_certificates": not options.verify_tls,
        }
        if options.ca_certificate is not None:
            client["root_certificate"] = options.ca_certificate
        retries: RetryConfig = {"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=self.timeout_seconds)}
        prefix = self.address.path.strip("/") or None
        with self._told("getting ready"):
            return S3Store(str(self.address.host), prefix=prefix, config=config, client_options=client, retry_config=retries)

    def _require_bucket(self, error: FileNotFoundError) -> None:
        """Raise `PushFailed` if it is the bucket that is not there."""
        if "NoSuchBucket" in str(error):
            raise self.failed(f"There is no bucket {self.address.host}. Make it, or mend the address.") from error

    @contextmanager
    def _told(self, doing: str) -> Iterator[None]:
        """Turn what the library says into `PushFailed`, but for an object that is not there."""
        from obstore.exceptions import BaseError

        try:
            yield
        except FileNotFoundError as error:
            self._require_bucket(error)
            raise
        except (BaseError, OSError, ValueError) as error:
            raise self.failed(f"{_words(str(error), self.timeout_seconds)} That was while {doing}.") from error


def _words(text: str, timeout_seconds: float) -> str:
    """Return, for people, what the library says: a sentence, then a dump in which the cause is found."""
    sentence, _, dump = text.partition("\n")
    if status := re.search(r"status code: (\d{3} [A-Za-z ]+)", sentence):
        code, message = (re.search(f"<{name}>([^<]*)</{name}>", text) for name in ("Code", "Message"))
        said = ": ".join(found[1] for found in (code, message) if found)
        return f"It refuses: {status[1].strip()}{f' ({said})' if said else ''}. {_ADVICE.get(status[1][:3], '')}".rstrip()
    if "TimedOut" in dump or "kind: Timeout" in dump:
        return f"It did not answer within {timeout_seconds:g} seconds. Look whether it is overloaded."
    if "InvalidCertificate" in dump:
        return "Its certificate is not trusted. Give the one that signed it as `ca_certificate`."
    if "kind: Connect" in dump:
        cause = re.search(r'(?:message|error): "([^"]+)"', dump)
        return f"It cannot be reached{f' ({cause[1]})' if cause else ''}. Look whether it runs, and at `endpoint`."
    if "kind:" in dump:
        return "The connection broke off. Look at the network and at the server's log."
    return f"{sentence.rstrip('.')}."


#: What to do next, by status.
_ADVICE = {
    "400": "Look at `region` and `endpoint`.",
    "401": "Check `access_key_id` and `secret_access_key`.",
    "403": "Check `access_key_id` and `secret_access_key`, and that they may read, write and remove there.",
    "503": "It is overloaded: let fewer pushes go to its POP at once.",
    "507": "Make room there.",
}

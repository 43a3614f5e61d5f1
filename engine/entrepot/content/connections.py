"""libcurl handles, set up once and used again, so that connections are too.

There are two kinds: those for the feed's own scheme, host and port carry its credentials, client certificate and
headers; those for anywhere else (redirects, absolute addresses) never do.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pycurl

from entrepot.content.networks import BlockedNetworks
from entrepot.content.pace import Pace
from entrepot.content.requests import FetchOptions
from entrepot.content.storage_faults import storage_error
from entrepot.content.store import BlobStore
from entrepot.content.writer import BlobWriter
from entrepot.errors import FetchRefused
from entrepot.version import __version__

#: libcurl's receive buffer, bytes; its own default (16 KiB) makes large files slower.
_BUFFER_BYTES = 128 * 1024
_PEM_MODE = 0o600
_NO_CACHE = ("Cache-Control: no-cache", "Pragma: no-cache")


class Connection:
    """One libcurl handle, and what its callbacks met during the present transfer."""

    __slots__ = ("_has_more_headers", "_lines", "_size", "curl", "failure", "headers", "is_own", "pace", "refusal", "writer")

    def __init__(self, curl: Any, *, is_own: bool, headers: list[str], pace: Pace) -> None:  # noqa: ANN401 - untyped library
        """Take a handle that is set up."""
        self.curl = curl
        self.is_own = is_own
        self.headers = headers
        self.pace = pace
        self.writer: BlobWriter | None = None
        #: What went wrong while the bytes were written, if anything: libcurl cannot pass exceptions on.
        self.failure: BaseException | None = None
        self._size: int | None = None
        self._has_more_headers = False
        self._lines: list[bytes] = []
        curl.setopt(pycurl.WRITEFUNCTION, self.write)
        curl.setopt(pycurl.HEADERFUNCTION, self._lines.append)
        #: The address and network that were refused, if so.
        self.refusal: str | None = None

    def begin(self, url: str, writer: BlobWriter, *, size: int | None, past_caches: bool, accept: str | None = None) -> None:
        """Set up the next transfer; `accept` has been checked by `check_header`."""
        self.writer, self.failure, self.refusal = writer, None, None
        self._lines.clear()
        curl = self.curl
        curl.setopt(pycurl.URL, url)
        if size != self._size:
            curl.setopt(pycurl.MAXFILESIZE_LARGE, size or 0)
            self._size = size
        if past_caches or accept is not None:
            more = [*(() if accept is None else (f"Accept: {accept}",)), *(_NO_CACHE if past_caches else ())]
            curl.setopt(pycurl.HTTPHEADER, [*self.headers, *more])
            self._has_more_headers = True

    def end(self) -> None:
        """Forget the transfer."""
        self.writer = None
        if self._has_more_headers:
            self.curl.setopt(pycurl.HTTPHEADER, self.headers)
            self._has_more_headers = False

    @property
    def media_type(self) -> str | None:
        """What the server called the file that came, without parameters."""
        found = self.curl.getinfo(pycurl.CONTENT_TYPE)
        return found.partition(";")[0].strip().lower() or None if found else None

    @property
    def location(self) -> str | None:
        """Where the answer points to, as it says so; libcurl tells only if the answer's body was taken whole."""
        found = None
        for line in self._lines:
            name, colon, value = line.partition(b":")
            if not colon and name.startswith(b"HTTP/"):
                found = None  # the proxy's answer, or an interim one, came before
            elif name.lower() == b"location":
                found = value.strip().decode(errors="replace")
        return found or None

    def write(self, data: bytes) -> int | None:
        """Take bytes from libcurl; 0 stops the transfer."""
        try:
            self.writer.write(data)  # type: ignore[union-attr]  # bytes come only between begin and end
            if self.pace.is_limited:
                self.pace.count(len(data))
            else:  # for each piece of each file: without a call
                self.pace.bytes_received += len(data)
        except BaseException as error:  # noqa: BLE001 - raised again by the fetcher: libcurl would swallow it
            self.failure = error
            return 0
        return None


class Connections:
    """The handles of one fetcher; made when needed, closed with it."""

    def __init__(
        self,
        options: FetchOptions,
        store: BlobStore,
        *,
        user: tuple[str, str] | None,
        pace: Pace,
    ) -> None:
        """Prepare; `user` is the basic authentication in the feed's address; `pace` is told of each piece's bytes.

        Raises `FetchRefused` for headers that are none, `InvalidSettings` for networks that are none.
        """
        self._options = options
        self._store = store
        self._pace = pace
        self._blocked = BlockedNetworks(options.blocked_networks)
        self._user = (options.basic_auth_username, options.basic_auth_password or "") if options.basic_auth_username else user
        self._headers = [check_header(name, value) for name, value in options.headers.items()]
        self._idle: dict[bool, list[Connection]] = {True: [], False: []}
        self._files: list[str] = []

    def take(self, *, is_own: bool) -> Connection:
        """Return an idle handle; `is_own`: for the feed's own scheme, host and port."""
        idle = self._idle[is_own]
        return idle.pop() if idle else self._make(is_own=is_own)

    def give_back(self, connection: Connection) -> None:
        """Keep a handle for the next transfer."""
        self._idle[connection.is_own].append(connection)

    def close(self) -> None:
        """Close the idle handles and remove what was written for them."""
        for idle in self._idle.values():
            while idle:
                idle.pop().curl.close()
        while self._files:
            with contextlib.suppress(OSError):
                Path(self._files.pop()).unlink()

    def _make(self, *, is_own: bool) -> Connection:
        options = self._options
        curl = pycurl.Curl()
        headers = ["Accept-Encoding: identity", *(self._headers if is_own else ())]
        connection = Connection(curl, is_own=is_own, headers=headers, pace=self._pace)
        for option, value in (
            (pycurl.NOSIGNAL, 1),
            (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
            (pycurl.FOLLOWLOCATION, 0),
            (pycurl.FAILONERROR, 1),
            (pycurl.USERAGENT, f"entrepot/{__version__}"),
            (pycurl.HTTPHEADER, headers),
            (pycurl.BUFFERSIZE, _BUFFER_BYTES),
            (pycurl.CONNECTTIMEOUT_MS, int(options.connect_timeout_seconds * 1000)),
            (pycurl.TIMEOUT_MS, int(options.total_timeout_seconds * 1000)),
            (pycurl.OPENSOCKETFUNCTION, _socket_opener(self._blocked, connection)),
        ):
            curl.setopt(option, value)
        self._set_speed(curl)
        self._set_proxy(curl)
        self._set_tls(curl, is_own=is_own)
        if is_own and self._user is not None:
            curl.setopt(pycurl.HTTPAUTH, pycurl.HTTPAUTH_BASIC)
            curl.setopt(pycurl.USERNAME, self._user[0])
            curl.setopt(pycurl.PASSWORD, self._user[1])
        return connection

    def _set_speed(self, curl: Any) -> None:  # noqa: ANN401 - untyped library
        options = self._options
        lowest = options.low_speed_bytes
        if options.max_speed:
            share = max(1, options.max_speed // options.max_downloads)
            curl.setopt(pycurl.MAX_RECV_SPEED_LARGE, share)
            lowest = min(lowest, share // 2)
        curl.setopt(pycurl.LOW_SPEED_LIMIT, lowest)
        curl.setopt(pycurl.LOW_SPEED_TIME, options.low_speed_seconds)

    def _set_proxy(self, curl: Any) -> None:  # noqa: ANN401 - untyped library
        options = self._options
        curl.setopt(pycurl.NOPROXY, "")
        if not options.proxy_host:
            curl.setopt(pycurl.PROXY, "")  # without it libcurl would read http_proxy from the environment
            return
        curl.setopt(pycurl.PROXY, options.proxy_host if "://" in options.proxy_host else f"http://{options.proxy_host}")
        if options.proxy_port:
            curl.setopt(pycurl.PROXYPORT, options.proxy_port)
        if options.proxy_username:
            curl.setopt(pycurl.PROXYUSERNAME, options.proxy_username)
            curl.setopt(pycurl.PROXYPASSWORD, options.proxy_password or "")

    def _set_tls(self, curl: Any, *, is_own: bool) -> None:  # noqa: ANN401 - untyped library
        options = self._options
        if not options.ssl_validation:
            curl.setopt(pycurl.SSL_VERIFYPEER, 0)
            curl.setopt(pycurl.SSL_VERIFYHOST, 0)
        elif options.ssl_ca_cert:
            self._set_pem(curl, pycurl.CAINFO_BLOB, pycurl.CAINFO, options.ssl_ca_cert)
        else:
            self._set_authorities(curl)
        if is_own and options.ssl_client_cert:
            self._set_pem(curl, pycurl.SSLCERT_BLOB, pycurl.SSLCERT, options.ssl_client_cert)
            key = options.ssl_client_key or options.ssl_client_cert
            self._set_pem(curl, pycurl.SSLKEY_BLOB, pycurl.SSLKEY, key)

    def _set_authorities(self, curl: Any) -> None:  # noqa: ANN401 - untyped library
        """Trust the machine's authorities: libcurl in a wheel does not know where this system keeps them."""
        paths = ssl.get_default_verify_paths()
        if paths.cafile:
            curl.setopt(pycurl.CAINFO, paths.cafile)
        if paths.capath:
            curl.setopt(pycurl.CAPATH, paths.capath)

    def _set_pem(self, curl: Any, blob_option: int, path_option: int, pem: str) -> None:  # noqa: ANN401 - untyped library
        try:
            curl.setopt(blob_option, pem.encode())
        except pycurl.error:  # libcurl on a TLS library that reads files only
            curl.setopt(path_option, self._write_pem(pem))

    def _write_pem(self, pem: str) -> str:
        path = self._store.temporary_path()
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PEM_MODE)
            self._files.append(path)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(pem)
        except OSError as error:
            raise storage_error(error, self._store.root) from error
        return path


class _HandedOver(socket.socket):
    """A socket of which libcurl keeps a duplicate: this one is closed, without a warning, when pycurl lets go of it."""

    def __del__(self) -> None:
        self.close()


def _socket_opener(blocked: BlockedNetworks, connection: Connection) -> Callable[[int, Any], socket.socket | int]:
    def open_socket(_purpose: int, address: Any) -> socket.socket | int:  # noqa: ANN401 - untyped library
        try:
            host = str(address.addr[0])
            network = blocked.blocking(host)
            if network is None:
                return _HandedOver(address.family, address.socktype, address.protocol)
            connection.refusal = f"it leads to {host}, in the network {network} of ENTREPOT_BLOCKED_NETWORKS."
        except OSError:  # no IPv6 here, or no descriptor left: libcurl tries the next address, then reports
            pass
        except BaseException as error:  # noqa: BLE001 - raised again by the fetcher: libcurl would swallow it
            connection.failure = error
        return int(pycurl.SOCKET_BAD)

    return open_socket


def check_header(name: str, value: str) -> str:
    """Return the line of a header; raises `FetchRefused` if it has characters that no header has."""
    header = f"{name}: {value}"
    if not name or any(ord(character) < ord(" ") and character != "\t" for character in header) or not header.isascii():
        msg = f"The header {name!r} is refused: it has characters that no header has."
        raise FetchRefused(msg)
    return header

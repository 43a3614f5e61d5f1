"""A folder of a web server that takes files by HTTP PUT: `https://host/folder`, with WebDAV or without.

A server that says it does WebDAV gets each file under a name that nobody asks for, is asked what arrived, and then moves it to
its place, which is at once. Any other gets it at its place right away; what readers see meanwhile is that server's affair, and
most keep the old file until the new one is whole. Source: RFC 9110 (PUT, DELETE), RFC 4918 (WebDAV).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self
from urllib.parse import quote, urlsplit

from pydantic import Field

from entrepot.errors import InvalidValue, PushFailed
from entrepot.propagation.targets.in_place import STATE, InPlaceTarget
from entrepot.propagation.targets.sending import chunks, first_bytes, is_same
from entrepot.propagation.targets.tls import TlsOptions, tls_context
from entrepot.propagation.targets.tree import File
from entrepot.version import __version__

if TYPE_CHECKING:
    import httpx

    from entrepot.errors import JSON
    from entrepot.propagation.targets.address import Address

#: Where files wait to be moved; no repository is called so, for ids have no plus.
_INCOMING = f"{STATE}/+incoming"
#: Servers close connections that were idle for 5 seconds; one that is younger is used again.
_KEEP_ALIVE_SECONDS = 3.0
_OK = range(200, 300)
_NOT_THERE = (404, 410)
#: What a folder that is missing makes a server answer: WebDAV says 409, others 404.
_NO_FOLDER = (404, 409)
_EXISTS = 412
_BROKEN = 500
_ELSEWHERE = (301, 302, 303, 307, 308)
_NO_SUCH_METHOD = 501
#: Some servers (wsgidav is one) cut a move's destination off at these, however they are encoded; such files are not moved.
_CUT_SHORT = re.compile(r"[?;\x00-\x1f\x7f-\x9f]")
#: Bytes of an answer that are read at most, where it is not a file that was asked for.
_LONGEST_ANSWER = 1 << 20
_RESPONSE = re.compile(rb"<(?:[\w.-]+:)?response[\s>]")
_COLLECTION = re.compile(rb"<(?:[\w.-]+:)?collection[\s/>]")


class WebdavOptions(TlsOptions):
    """The options of a web server."""

    username: str | None = Field(None, description="Who logs in; the user of the URL if none is given.")
    password: str | None = Field(None, description="The password of that user.")
    token: str | None = Field(None, description="A bearer token, instead of user and password.")
    verify: Literal["head", "get"] = Field("head", description="Ask for the size of what was written, or read it all back.")


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a server answered; of a long `content` the first bytes."""

    status_code: int
    reason: str
    headers: Mapping[str, str]
    content: bytes = b""

    @classmethod
    def of(cls, received: httpx.Response, most_bytes: int = 0) -> Self:
        """Read no more of an answer than that."""
        content = first_bytes(received.iter_bytes(), most_bytes) if most_bytes else b""
        return cls(received.status_code, received.reason_phrase, received.headers, content)


class WebdavTarget(InPlaceTarget):
    """A folder of a web server; it is made if it is not there."""

    options_type = WebdavOptions

    def __init__(self, address: Address, options: Mapping[str, JSON], *, timeout_seconds: float) -> None:
        """Keep where and how; raises `InvalidValue`."""
        super().__init__(address, options, timeout_seconds=timeout_seconds)
        self._options = WebdavOptions.model_validate(dict(options))
        host = urlsplit(address.url).netloc.rpartition("@")[2]
        self._origin = f"{address.scheme}://{host}"
        self._root = [part for part in address.path.split("/") if part]
        self._is_webdav = False
        self._has_incoming = False
        self._made = set[str]()

    @classmethod
    def check(cls, address: Address, options: Mapping[str, JSON]) -> None:
        """Raise `InvalidValue` unless it names a host, and one way to log in at most."""
        super().check(address, options)
        if address.host is None or any(part in (".", "..") for part in address.path.split("/")):
            raise InvalidValue("url", why="it must be an address such as https://edge.example.org/folder")
        user, password, token = (options.get(name) for name in ("username", "password", "token"))
        if token is not None and (user is not None or password is not None or address.user is not None):
            raise InvalidValue("options", why="give a token, or a user with a password, not both")
        if (user is not None or address.user is not None) != (password is not None):
            raise InvalidValue("options", why="user and password belong together: give both or neither")
        if isinstance(token, str) and not (token.isascii() and token.isprintable()):
            raise InvalidValue("options", why="a token has letters, digits and signs of ASCII only")

    def __enter__(self) -> Self:
        """Ask what the server can do; raises `PushFailed`."""
        import httpx

        options, headers = self._options, {"user-agent": f"entrepot/{__version__}", "accept-encoding": "identity"}
        login = None
        if options.password is not None:
            login = httpx.BasicAuth(options.username or self.address.user or "", options.password)
        if options.token is not None:
            headers["authorization"] = f"Bearer {options.token}"
        self._client = httpx.Client(
            auth=login,
            headers=headers | {"cache-control": "no-cache"},
            verify=tls_context(options),
            timeout=self.timeout_seconds,
            limits=httpx.Limits(keepalive_expiry=_KEEP_ALIVE_SECONDS),
        )
        try:
            answer = self._ask("OPTIONS", "")
            if answer.status_code >= _BROKEN and answer.status_code != _NO_SUCH_METHOD:
                raise self._refused("OPTIONS", "", answer)
        except BaseException:
            self._client.close()
            raise
        self._is_webdav = "1" in re.split(r"[\s,]+", answer.headers.get("dav", ""))
        return self

    def __exit__(self, *_error: object) -> None:
        """Hang up."""
        self._client.close()

    def read(self, name: str, most_bytes: int) -> bytes | None:
        """Return a small file, or None if there is none; see `InPlaceTarget.read`."""
        answer = self._ask("GET", name, most_bytes=max(most_bytes, 1))
        if answer.status_code in _NOT_THERE:
            return None
        return self._require("GET", name, answer).content

    def write(self, name: str, data: bytes) -> None:
        """Write a small file."""
        with self._arriving(name) as place:
            self._send(place, len(data), lambda: iter([data]))

    def put(self, name: str, blob: Path, file: File) -> None:
        """Send a file, verify what the server has, and let it take its place."""
        with self._arriving(name) as place:
            self._send(place, file.size, lambda: chunks(blob, file))
            self._verify(place, file)

    def remove(self, name: str) -> None:
        """Remove a file; a folder that is there by this name is not ours, and stays."""
        if self._is_webdav and not _is_note(name) and self._is_folder(name):
            return
        answer = self._ask("DELETE", name)
        if answer.status_code not in _NOT_THERE:
            self._require("DELETE", name, answer)

    def remove_folder(self, name: str) -> None:
        """Remove a folder if it is empty, where the server can say so."""
        if not self._is_webdav:
            return
        answer = self._ask("PROPFIND", f"{name}/", headers={"depth": "1"})
        if answer.status_code in _OK and len(_RESPONSE.findall(answer.content)) == 1 and _COLLECTION.search(answer.content):
            self._ask("DELETE", f"{name}/")  # one that stays does no harm

    @contextmanager
    def _arriving(self, name: str) -> Iterator[str]:
        """Give the name that a file is sent to; it takes its place when that went well."""
        if not self._is_webdav or _CUT_SHORT.search(name):
            yield name
            return
        if not self._has_incoming:
            self._ask("DELETE", f"{_INCOMING}/")  # what a push left that was killed
            self._make_folders(f"{_INCOMING}/")
            self._has_incoming = True
        incoming = f"{_INCOMING}/{secrets.token_hex(16)}"
        try:
            yield incoming
            self._move(incoming, name)
        except PushFailed:
            self._drop(incoming)
            raise

    def _send(self, name: str, size: int, content: Callable[[], Iterator[bytes]]) -> None:
        headers = {"content-length": str(size), "content-type": "application/octet-stream"}
        answer = self._ask("PUT", name, headers=headers, content=content())
        if answer.status_code in _NO_FOLDER and self._make_folders(name):
            answer = self._ask("PUT", name, headers=headers, content=content())
        self._require("PUT", name, answer)

    def _verify(self, name: str, file: File) -> None:
        if self._options.verify == "head":
            answer = self._ask("HEAD", name)
            size = answer.headers.get("content-length") if answer.status_code in _OK else None
            if size == str(file.size):
                return
            if size is not None:
                raise self.failed(
                    f"{file.path!r} arrived damaged: with {size} bytes, not {file.size}. Look at the server's log."
                )
        with self._told("GET", name), self._client.stream("GET", self._url(name)) as received:
            self._require("GET", name, _Answer.of(received))
            if not is_same(file, received.iter_bytes()):
                raise self.failed(f"{file.path!r} arrived damaged: its bytes are others. Look at the server's log.")

    def _move(self, incoming: str, name: str) -> None:
        """Let a file take its place; one that is there is replaced, a folder never, for all in it would be lost."""

        def move(overwrite: str) -> _Answer:
            return self._ask("MOVE", incoming, headers={"destination": self._url(name), "overwrite": overwrite})

        first = "T" if _is_note(name) else "F"
        answer = move(first)
        if answer.status_code in _NO_FOLDER and self._make_folders(name):
            answer = move(first)
        if answer.status_code == _EXISTS:
            if self._is_folder(name):
                raise self.failed(f"{name} is a folder there, and not ours, so it is left alone. Move it away.")
            answer = move("T")
        self._require("MOVE", name, answer)

    def _drop(self, incoming: str) -> None:
        """Remove a file that will not take its place; should that fail, the next push does."""
        try:
            self._ask("DELETE", incoming)
        except PushFailed:
            return

    def _is_folder(self, name: str) -> bool:
        answer = self._ask("PROPFIND", name, headers={"depth": "0"})
        if answer.status_code in _NOT_THERE:
            return False
        return answer.status_code not in _OK or _COLLECTION.search(answer.content) is not None

    def _make_folders(self, name: str) -> bool:
        """Make the folders that `name` lies in, and answer whether the last one was made now."""
        return self._make_folder([*self._root, *name.split("/")[:-1]])

    def _make_folder(self, parts: list[str]) -> bool:
        folder = "/".join(parts) + "/"
        if not parts or folder in self._made:
            return False
        self._made.add(folder)
        answer = self._ask("MKCOL", folder, is_from_root=True)
        if answer.status_code in _NO_FOLDER and self._make_folder(parts[:-1]):
            answer = self._ask("MKCOL", folder, is_from_root=True)
        return answer.status_code in _OK

    def _url(self, name: str, *, is_from_root: bool = False) -> str:
        parts = name.split("/") if is_from_root else [*self._root, *name.split("/")]
        return f"{self._origin}/{'/'.join(quote(part, safe='') for part in parts)}"

    def _ask(
        self,
        method: str,
        name: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: Iterable[bytes] | None = None,
        is_from_root: bool = False,
        most_bytes: int = _LONGEST_ANSWER,
    ) -> _Answer:
        url = self._url(name, is_from_root=is_from_root)
        with self._told(method, name), self._client.stream(method, url, headers=headers, content=content) as received:
            return _Answer.of(received, most_bytes)

    def _require(self, method: str, name: str, answer: _Answer) -> _Answer:
        if answer.status_code not in _OK:
            raise self._refused(method, name, answer)
        return answer

    def _refused(self, method: str, name: str, answer: _Answer) -> Exception:
        status = f"{answer.status_code} {answer.reason}".strip()
        if answer.status_code in _ELSEWHERE:
            advice = f"It sends on to {answer.headers.get('location', 'nowhere')}: give the address where it does not."
        else:
            advice = _ADVICE.get(answer.status_code, "Look at the server's log.")
        return self.failed(f"It answered {status} to {method} {name or '/'}. {advice}")

    @contextmanager
    def _told(self, method: str, name: str) -> Iterator[None]:
        import httpx

        try:
            yield
        except httpx.TimeoutException as error:
            what = f"It did not answer {method} {name or '/'} within {self.timeout_seconds:g} seconds."
            raise self.failed(f"{what} Look whether it is overloaded.") from error
        except httpx.ConnectError as error:
            hint = (
                "Give the one that signed it as `ca_certificate`." if "CERTIFICATE" in str(error) else "Look whether it runs."
            )
            raise self.failed(f"It cannot be reached: {error}. {hint}") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            what = f"The connection broke off during {method} {name or '/'}: {str(error) or type(error).__name__}."
            raise self.failed(f"{what} Look at the server's log.") from error


def _is_note(name: str) -> bool:
    return name.startswith(f"{STATE}/")


#: What to do next, by status.
_ADVICE = {
    401: "Check `username` and `password`, or `token`.",
    403: "Let this login read, write and remove there.",
    404: "Make that folder there, or mend the address.",
    405: "Let it take PUT and DELETE there, or mend the address.",
    409: "Make that folder there, or move away what is in its place.",
    411: "Let it take what is sent with its length.",
    413: "Let it take files of that size.",
    423: "Somebody has locked that file: let them unlock it.",
    502: "If it stands behind a proxy, let that pass the header Destination on.",
    507: "Make room there.",
}

"""Send requests to one server and return what it answers, or raise what it refuses.

A request that changes nothing, or is sent under a key that stands for one task, is sent again when the connection fails; any
other may have been done, so it is not.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote, urlsplit

import httpx

from entrepot.client.refusals import refusal
from entrepot.errors import JSON, InvalidValue, MissingResource, ServerUnavailable
from entrepot.version import __version__

#: The beginning of all paths. Source: the Pulp 2 REST contract, 1.1.
_PREFIX = "/pulp/api/v2/"
#: What says how many were canceled or removed.
_COUNT = "x-entrepot-count"
#: Requests in all, for one that may be sent again; seconds between two.
_TRIES = 3
_PAUSE_SECONDS = 0.25
#: A server closes a connection that was idle for 5 seconds; one that is younger is used again.
_KEEP_ALIVE_SECONDS = 3.0
_ERROR = 400
#: Servers and proxies that cannot answer now.
_UNAVAILABLE = (502, 503, 504)

Query: TypeAlias = "Sequence[tuple[str, str]]"
#: A JSON document that is sent, or bytes as they are.
Sent: TypeAlias = "dict[str, Any] | list[Any] | bytes"
Certificate: TypeAlias = "tuple[str | Path, str | Path] | str | Path"
Verify: TypeAlias = "bool | str | Path | ssl.SSLContext"


@dataclass(frozen=True, slots=True)
class Answered:
    """What a server answered: the document, and of what was canceled or removed how many there were."""

    document: Any
    count: int


class Connection:
    """The way to one server; safe to share between threads."""

    def __init__(
        self,
        url: str,
        *,
        auth: tuple[str, str] | None = None,
        token: str | None = None,
        cert: Certificate | None = None,
        verify: Verify = True,
        timeout: float = 30.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Connect to nothing yet; `timeout` is in seconds, `transport` takes the place of the network in tests.

        Raises `InvalidValue` that names what cannot be used.
        """
        self.url = _server(url)
        self.timeout = timeout
        if auth is not None and token is not None:
            raise InvalidValue("auth", "token", why="give a login with its password, or a token, not both")
        headers = {"user-agent": f"entrepot/{__version__}", "accept": "application/json"}
        if token is not None:
            headers["authorization"] = f"Bearer {_plain(token)}"
        self._client = httpx.Client(
            auth=None if auth is None else httpx.BasicAuth(*auth),
            headers=headers,
            verify=_tls(cert, verify),
            timeout=timeout,
            limits=httpx.Limits(keepalive_expiry=_KEEP_ALIVE_SECONDS),
            transport=transport,
        )

    def get(self, *segments: str, query: Query = (), patience: float = 0.0) -> Any:  # noqa: ANN401 - parsed JSON
        """Return the document at a path; the server may take `patience` seconds more than others."""
        return self.ask("GET", segments, query=query, patience=patience).document

    def search(self, *segments: str, body: dict[str, Any]) -> Any:  # noqa: ANN401 - parsed JSON
        """Return what a request finds that changes nothing, though it is a POST."""
        return self.ask("POST", segments, body=body, is_safe=True).document

    def post(self, *segments: str, body: Sent | None = None, is_safe: bool = False, query: Query = ()) -> Any:  # noqa: ANN401 - parsed JSON
        """Return the document that answers a POST."""
        return self.ask("POST", segments, body=body, is_safe=is_safe, query=query).document

    def put(self, *segments: str, body: Sent, query: Query = (), is_safe: bool = False) -> Any:  # noqa: ANN401 - parsed JSON
        """Return the document that answers a PUT."""
        return self.ask("PUT", segments, body=body, query=query, is_safe=is_safe).document

    def delete(self, *segments: str, query: Query = ()) -> Answered:
        """Return what answers a DELETE."""
        return self.ask("DELETE", segments, query=query)

    def ask(
        self,
        method: str,
        segments: Sequence[str],
        *,
        query: Query = (),
        body: Sent | None = None,
        is_safe: bool = False,
        patience: float = 0.0,
    ) -> Answered:
        """Send a request; `is_safe` says of one other than GET that it may be sent twice.

        Raises the error that the server names, `ServerUnavailable`, and `InvalidValue` for a body that is no JSON.
        """
        content = body if body is None or isinstance(body, bytes) else _encoded(body)
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        request = self._client.build_request(
            method,
            self._address(segments),
            params=list(query) or None,
            content=content,
            headers={} if content is None else {"content-type": kind},
            timeout=httpx.Timeout(self.timeout, read=self.timeout + patience),
        )
        response = self._sent(request, tries=_TRIES if is_safe or method == "GET" else 1)
        return Answered(self._document(response), _count(response))

    @contextmanager
    def lines(self, *segments: str, query: Query = (), silence: float) -> Iterator[Iterator[str]]:
        """Give the lines of a stream as they come; a `silence` of more seconds than that ends it.

        Raises the error that the server names, `ServerUnavailable`; what breaks off on the way only ends.
        """
        request = self._client.build_request(
            "GET",
            self._address(segments),
            params=list(query),
            headers={"accept": "text/event-stream"},
            timeout=httpx.Timeout(self.timeout, read=silence),
        )
        response = self._sent(request, tries=_TRIES, is_stream=True)
        try:
            if response.status_code >= _ERROR:
                response.read()
                self._document(response)
            yield _until_it_breaks(response)
        finally:
            response.close()

    @contextmanager
    def raw(
        self, method: str, path: str, *, content: bytes | None, headers: Mapping[str, str], silence: float = 180.0
    ) -> Iterator[httpx.Response]:
        """Give the answer to one request as it comes, whatever its status; `path` is whole, with its query.

        The answer may take `silence` seconds to begin, and between two pieces. Raises `ServerUnavailable`.
        """
        timeout = httpx.Timeout(self.timeout, read=silence)
        request = self._client.build_request(method, self.url + path, content=content, headers=dict(headers), timeout=timeout)
        response = self._sent(request, tries=1, is_stream=True)
        try:
            yield response
        finally:
            response.close()

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def _address(self, segments: Sequence[str]) -> str:
        return self.url + _PREFIX + "".join(f"{_quoted(segment)}/" for segment in segments)

    def _sent(self, request: httpx.Request, *, tries: int, is_stream: bool = False) -> httpx.Response:
        for number in range(1, tries + 1):
            try:
                return self._client.send(request, stream=is_stream)
            except httpx.TimeoutException as error:
                text = f"The server at {self.url} does not answer within {self.timeout:g} s."
                raise ServerUnavailable(text, url=self.url) from error
            except httpx.TransportError as error:
                if number == tries:
                    text = f"The server at {self.url} cannot be reached: {error}. Is it running, and is that its address?"
                    raise ServerUnavailable(text, url=self.url) from error
                time.sleep(_PAUSE_SECONDS)
        raise AssertionError("unreachable")

    def _document(self, response: httpx.Response) -> Any:  # noqa: ANN401 - parsed JSON
        try:
            document = response.json() if response.content else None
            is_understood = True
        except ValueError:
            document, is_understood = None, False
        if response.status_code >= _ERROR and isinstance(document, dict) and isinstance(document.get("error"), dict):
            raise refusal(document["error"])
        if response.is_success and is_understood:
            return document
        text = f"The server at {self.url} answers {response.status_code} in a way that entrepot does not."
        if response.status_code in _UNAVAILABLE:
            text = f"The server at {self.url} is not available now: it answers {response.status_code}."
        raise ServerUnavailable(f"{text} Is that its address?", url=self.url, http_status=response.status_code)


def _until_it_breaks(response: httpx.Response) -> Iterator[str]:
    try:
        yield from response.iter_lines()
    except httpx.TransportError:
        return  # whoever reads on asks again from the last event


def _server(url: str) -> str:
    """Return scheme, host and port of a server, and the path before the API's; raises `InvalidValue`."""
    given = url.strip()
    try:
        parts = urlsplit(given)
        has_host = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        has_host = False
    if not has_host:
        raise InvalidValue("url", why=f"{url!r} is no address of a server, such as https://packages.example.org")
    if "@" in parts.netloc:
        raise InvalidValue("url", why="it must hold no password; give that apart")
    if parts.query or parts.fragment:
        raise InvalidValue("url", why=f"{url!r} must end with the host, or with a path")
    return given.rstrip("/").removesuffix(_PREFIX.rstrip("/")).rstrip("/")


def _tls(cert: Certificate | None, verify: Verify) -> ssl.SSLContext | bool:
    """Return how servers are checked and which certificate is shown to them; raises `InvalidValue`."""
    if isinstance(verify, ssl.SSLContext):
        context = verify
    elif verify is False or verify is True:
        if cert is None:
            return verify
        context = httpx.create_ssl_context(verify=verify)
    else:
        context = _trusting(Path(verify))
    if cert is not None:
        files = cert if isinstance(cert, tuple) else (cert,)
        try:
            context.load_cert_chain(*files)
        except (OSError, ssl.SSLError) as error:
            raise InvalidValue("cert", why=f"{', '.join(map(str, files))} cannot be used: {error}") from error
    return context


def _trusting(authorities: Path) -> ssl.SSLContext:
    try:
        if authorities.is_dir():
            return ssl.create_default_context(capath=str(authorities))
        return ssl.create_default_context(cafile=str(authorities))
    except (OSError, ssl.SSLError) as error:
        raise InvalidValue("verify", why=f"{authorities} cannot be used: {error}") from error


def _plain(token: str) -> str:
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise InvalidValue("token", why="it is none: it is empty, or holds what no token does")
    return token


def _quoted(segment: object) -> str:
    """Return a segment that stays one: no empty one, and none that leads elsewhere; raises `MissingResource`."""
    if not isinstance(segment, str) or not segment:
        raise MissingResource(resource_id=str(segment or ""))
    return segment.replace(".", "%2E") if segment in (".", "..") else quote(segment, safe="")


def _encoded(body: dict[str, Any] | list[Any]) -> bytes:
    try:
        return json.dumps(body, allow_nan=False, ensure_ascii=False, default=_plainly).encode()
    except (TypeError, ValueError, RecursionError) as error:
        refused = [name for name, value in body.items() if not _is_json(value)] if isinstance(body, dict) else ["items"]
        raise InvalidValue(*refused, why=f"it must be JSON ({error})") from error


def _is_json(value: JSON) -> bool:
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False, default=_plainly).encode()
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _plainly(value: object) -> dict[str, JSON]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


def _count(response: httpx.Response) -> int:
    text = response.headers.get(_COUNT, "")
    return int(text) if text.isascii() and text.isdigit() else 0

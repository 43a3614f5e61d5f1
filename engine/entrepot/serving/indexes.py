"""A folder that is a simple index is answered with its page, not with a listing; as JSON or as HTML, as the client prefers.

It is one if its publication has an `index.v1_json` in it; the HTML page is its `index.html`. Source: PEP 691.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from entrepot.serving.preferences import weight_of, weights

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from entrepot.repositories.reports import PublishedFile
    from entrepot.repositories.service import Repositories

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"
PLAIN_HTML = "text/html"
_JSON_NAME, _HTML_NAME = "index.v1_json", "index.html"
_LATEST = {JSON: "application/vnd.pypi.simple.latest+json", HTML: "application/vnd.pypi.simple.latest+html"}


def preferred(accept: str) -> str:
    """Return the media type to answer with: HTML unless JSON is preferred, and plain HTML unless the other is named.

    What a client accepts none of is answered with HTML, as PEP 691 allows: it shows a person what is wrong.
    """
    wanted = weights(accept)
    as_json = max(wanted.get(JSON, 0.0), wanted.get(_LATEST[JSON], 0.0))
    as_html = max(wanted.get(HTML, 0.0), wanted.get(_LATEST[HTML], 0.0))
    as_plain_html = weight_of(PLAIN_HTML, wanted)
    if as_json > max(as_html, as_plain_html):
        return JSON
    return HTML if as_html > as_plain_html else PLAIN_HTML


def find_index(
    repositories: Repositories, folder: str, request_headers: Mapping[str, str], *, scheme: str
) -> tuple[PublishedFile, str] | None:
    """Return the page of a folder (no slash at its ends) with its media type, or None if the folder is no simple index.

    Who prefers `application/json` is given the listing that every folder has.
    """
    if not folder:
        return None
    pages = repositories.find_published_files((f"{folder}/{name}", scheme) for name in (_JSON_NAME, _HTML_NAME))
    as_json, as_html = (pages.get((f"{folder}/{name}", scheme)) for name in (_JSON_NAME, _HTML_NAME))
    if as_json is None:
        return None
    kind = preferred(request_headers.get("accept", ""))
    return (as_json, JSON) if kind == JSON or as_html is None else (as_html, kind)


class IndexAnswer:
    """The answer with a page: that with its file, but for the media type, and that caches are told what it depends on."""

    def __init__(self, answer: ASGIApp, media_type: str) -> None:
        """Send what `answer` sends."""
        self._answer = answer
        self._media_type = media_type.encode("ascii")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""

        async def send_as_index(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [(name, self._media_type if name == b"content-type" else value) for name, value in message["headers"]]
                message = {**message, "headers": [*headers, (b"vary", b"Accept")]}
            await send(message)

        await self._answer(scope, receive, send_as_index)

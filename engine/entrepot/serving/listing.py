"""Answer with the listing of a published folder, as a page that `wget -r -np` can follow or as JSON.

The listing is written whole, page by page, into memory or a nameless file before its first byte is sent: a slow client then
holds no database transaction open, and an error gives a clear answer instead of a listing that ends in the middle, which
a mirror would take for a folder with fewer files.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from html import escape
from itertools import islice
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from entrepot import clock
from entrepot.serving.conditions import NOT_MODIFIED, refusal

if TYPE_CHECKING:
    from entrepot.repositories.reports import ListedItem, PublishedDirectory

#: A longer listing goes through a file, bytes.
MEMORY_BYTES = 1024 * 1024
#: Items that are written at once.
_PAGE_ITEMS = 500
_CHUNK_BYTES = 256 * 1024

_STYLE = (
    ":root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}"
    "h1{font-size:1.2rem;overflow-wrap:anywhere}table{border-collapse:collapse;width:100%}"
    "td,th{padding:.15rem .6rem;text-align:left}"
    "td+td,th+th{white-space:nowrap;font-variant-numeric:tabular-nums}td:last-child,th:last-child{text-align:right}"
    "td:first-child{overflow-wrap:anywhere}tr:hover{background:#8882}a{text-decoration:none}a:hover{text-decoration:underline}"
)
_STYLE_DIGEST = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
#: A listing shows names that others chose: nothing in it may run or load anything.
_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_DIGEST}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def listing_response(
    folder: PublishedDirectory, request_headers: Mapping[str, str], *, as_json: bool, is_head: bool, spool: Path
) -> Response:
    """Return the answer for a folder; called in a thread, inside `Engine.visit()`.

    A long listing is kept in a nameless file in the folder `spool` while it is sent.
    """
    pages = _json_pages(folder) if as_json else _html_pages(folder)
    text = SpooledTemporaryFile(max_size=MEMORY_BYTES, dir=str(spool))  # noqa: SIM115 - closed by who sends it
    try:
        digest = hashlib.sha256()
        for page in pages:
            data = page.encode()
            digest.update(data)
            text.write(data)
        headers = {
            "content-type": "application/json" if as_json else "text/html; charset=utf-8",
            "content-length": str(text.tell()),
            "etag": f'"{digest.hexdigest()}"',
            "cache-control": "no-cache",
            "vary": "Accept",
            "x-content-type-options": "nosniff",
            "content-security-policy": _POLICY,
        }
        if refusal(request_headers, headers["etag"], "") == NOT_MODIFIED:
            text.close()
            kept = {name: headers[name] for name in ("etag", "cache-control", "vary")}
            return Response(status_code=NOT_MODIFIED, headers=kept)
        if is_head:
            text.close()
            return Response(headers=headers)
    except BaseException:
        text.close()
        raise
    return StreamingResponse(_chunks(text), headers=headers)


def link(item: ListedItem) -> str:
    """Return the address of `item` relative to its folder, percent-encoded; a folder's ends with a slash."""
    return quote(item.name, safe="+,=@~") + ("/" if item.is_directory else "")


def _html_pages(folder: PublishedDirectory) -> Iterator[str]:
    title = escape("/content/" + (folder.path.strip("/") + "/" if folder.path.strip("/") else ""))
    yield (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>Index of {title}</title>\n<style>{_STYLE}</style>\n'
        f"</head>\n<body>\n<h1>Index of {title}</h1>\n"
        f"<table>\n<thead><tr><th>Name</th><th>Modified (UTC)</th><th>Bytes</th></tr></thead>\n<tbody>\n"
    )
    if folder.path.strip("/"):
        yield '<tr><td><a href="../">../</a></td><td></td><td></td></tr>\n'
    while page := list(islice(folder.items, _PAGE_ITEMS)):
        yield "".join(map(_html_row, page))
    yield "</tbody>\n</table>\n</body>\n</html>\n"


def _html_row(item: ListedItem) -> str:
    name = escape(item.name + ("/" if item.is_directory else ""))
    modified = item.modified.strftime("%Y-%m-%d %H:%M") if item.modified else ""
    size = "" if item.size is None else item.size
    return f'<tr><td><a href="{escape(link(item))}">{name}</a></td><td>{modified}</td><td>{size}</td></tr>\n'


def _json_pages(folder: PublishedDirectory) -> Iterator[str]:
    yield f'{{"path": {json.dumps(folder.path.strip("/"))}, "items": ['
    separator = "\n"
    while page := list(islice(folder.items, _PAGE_ITEMS)):
        yield separator + ",\n".join(map(_json_row, page))
        separator = ",\n"
    yield "\n]}\n"


def _json_row(item: ListedItem) -> str:
    return json.dumps(
        {
            "name": item.name,
            "type": "directory" if item.is_directory else "file",
            "href": link(item),
            "size": item.size,
            "modified": clock.iso(item.modified) if item.modified else None,
        }
    )


def _chunks(text: SpooledTemporaryFile[bytes]) -> Iterator[bytes]:
    with text:
        text.seek(0)
        while chunk := text.read(_CHUNK_BYTES):
            yield chunk

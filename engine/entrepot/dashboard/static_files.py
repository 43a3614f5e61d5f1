"""The style sheet, the scripts and the icon, each under an address with its digest, so that browsers keep them for good."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).with_name("static")
#: What is served, and the files that it is made of: scripts are one request.
_FILES = {
    "app.css": ("text/css; charset=utf-8", ("app.css",)),
    "app.js": ("text/javascript; charset=utf-8", ("htmx-2.0.11.min.js", "htmx-ext-sse-2.2.4.js", "app.js")),
    "icon.svg": ("image/svg+xml", ("icon.svg",)),
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file as it is served; `version` is the beginning of its digest."""

    content_type: str
    body: bytes
    version: str


@cache
def static_file(name: str) -> StaticFile | None:
    """Return the file of this name, None if there is none."""
    if name not in _FILES:
        return None
    content_type, parts = _FILES[name]
    body = b";\n".join((_FOLDER / part).read_bytes() for part in parts)  # a script may end without its semicolon
    return StaticFile(content_type, body, hashlib.sha256(body).hexdigest()[:12])


def static_path(name: str) -> str:
    """Return the path of a file with its version; raises `KeyError` for one that there is not."""
    found = static_file(name)
    if found is None:
        raise KeyError(name)
    return f"/static/{name}?v={found.version}"

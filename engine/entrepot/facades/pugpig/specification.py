"""The page that sums up the values of a publication's monitoring, for whoever sets a dashboard up.

Source: Pugpig's help centre, "Distribution monitoring API".
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from entrepot.facades.pugpig.addresses import UPDATE
from entrepot.facades.pugpig.polling import BUSY_SECONDS, IDLE_SECONDS
from entrepot.logs import MASK

if TYPE_CHECKING:
    from entrepot.errors import JSON
    from entrepot.facades.pugpig.monitor import Publication

HTML_TYPE = "text/html; charset=utf-8"
#: The page loads and runs nothing.
POLICY = ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
_STYLE = "body{font-family:sans-serif;margin:2em}th{text-align:left;padding-right:2em}td{font-family:monospace}"


def specification(publication: Publication, base_url: str) -> dict[str, JSON]:
    """Return the codes and the addresses; `base_url` is where the endpoints are."""
    return {
        **publication.head,
        "api_key": MASK,
        "urls": {
            "activity": f"{base_url}/activity",
            "progress": f"{base_url}/progress.json",
            "completed": f"{base_url}/completed.json",
            "update_content": f"{base_url}/{UPDATE}",
        },
        "polling": {"in_process_seconds": BUSY_SECONDS, "idle_seconds": IDLE_SECONDS},
    }


def page(publication: Publication, base_url: str) -> bytes:
    """Return the same as a page for people."""
    rows = {
        "account_code": publication.account,
        "publication_code": publication.code,
        "endpoint_prefix": publication.prefix,
        "api_key": MASK,
        "activity": f"{base_url}/activity",
        "progress": f"{base_url}/progress.json",
        "completed": f"{base_url}/completed.json",
        "update_content (POST)": f"{base_url}/{UPDATE}",
        "poll": f"every {BUSY_SECONDS} s while something goes on, else every {IDLE_SECONDS} s",
    }
    title = escape(f"Monitoring of {publication.code}")
    table = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>\n" for name, value in rows.items())
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style></head>\n'
        f"<body><h1>{title}</h1>\n<table>\n{table}</table></body></html>\n"
    ).encode("utf-8", "backslashreplace")

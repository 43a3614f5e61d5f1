"""Read what a form sends: `application/x-www-form-urlencoded`, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from entrepot.dashboard.browser import header
from entrepot.errors import BodyTooLarge, InvalidValue

if TYPE_CHECKING:
    from starlette.types import Receive, Scope

#: Forms are small; a plugin's configuration with keys and certificates may take some tens of kilobytes.
LARGEST_FORM_BYTES = 1_000_000
#: Fields of a form; the most that a page has are the tasks that are ticked on it.
_MOST_FIELDS = 2_000


async def read_body(scope: Scope, receive: Receive) -> bytes | None:
    """Return the body, None if the client goes before its end; raises `BodyTooLarge` as soon as that is known."""
    announced = header(scope, "content-length")
    size, is_more, parts = int(announced) if announced.isdigit() else 0, True, list[bytes]()
    read = 0  # counted on: it may come byte by byte
    while is_more:
        if max(size, read) > LARGEST_FORM_BYTES:
            text = f"The form is larger than {LARGEST_FORM_BYTES} bytes, the limit of this server."
            raise BodyTooLarge(text, limit=LARGEST_FORM_BYTES)
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        read += len(parts[-1])
        is_more = message.get("more_body", False)
    return b"".join(parts)


def read_form(scope: Scope, body: bytes) -> dict[str, list[str]]:
    """Return the fields of a form; those that are empty are among them. Raises `InvalidValue`."""
    if not body:
        return {}
    if header(scope, "content-type").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise InvalidValue("content-type", why="the dashboard reads forms only; programs use the REST API")
    try:
        return parse_qs(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise InvalidValue("form", why=f"it cannot be read: {error}") from error


def read_query(query: bytes) -> dict[str, list[str]]:
    """Return the parameters of a query; those that are empty are left out. Raises `InvalidValue`."""
    try:
        return parse_qs(query.decode("ascii"), max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise InvalidValue("query", why=f"it cannot be read: {error}") from error

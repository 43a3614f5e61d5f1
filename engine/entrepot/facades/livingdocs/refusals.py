"""What is answered when a request cannot be, byte for byte as clients know it.

Source: Livingdocs' public API, "Common Errors"; the texts that it does not give are ours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from entrepot.facades.door import Answer, json_bytes

if TYPE_CHECKING:
    from entrepot.errors import JSON

JSON_TYPE = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is no answer to what was asked."""

    status: int
    document: dict[str, JSON]
    headers: tuple[tuple[str, str], ...] = ()

    def answer(self) -> Answer:
        """Return what is sent."""
        return Answer(self.status, json_bytes(self.document), JSON_TYPE, self.headers)


def bad_query(faults: Mapping[str, str]) -> Refusal:
    """Say of each parameter that is refused what it must be."""
    return _refusal(HTTPStatus.BAD_REQUEST, dict(faults))


def no_token() -> Refusal:
    """Say that a token is needed."""
    return _unauthorized("The access token is missing.")


def unknown_token() -> Refusal:
    """Say that nobody has the token."""
    return _unauthorized("The access token is invalid.")


def expired_token() -> Refusal:
    """Say that the token was good, and is no longer."""
    return _unauthorized("The access token expired.")


def lower_privileges() -> Refusal:
    """Say that the token may not do that."""
    return _refusal(HTTPStatus.FORBIDDEN, {"access_token": "The request requires higher privileges"})


def no_such_route(url: str) -> Refusal:
    """Say that nothing is at the path `url`."""
    return _refusal(HTTPStatus.NOT_FOUND, {"url": url})


def no_such_channel() -> Refusal:
    """Say that the project has no such channel, or none that is the default."""
    return Refusal(404, {"name": "NotFound", "message": "Channel Not Found"})


def wrong_method(method: str) -> Refusal:
    """Say that one may only read."""
    return _refusal(HTTPStatus.METHOD_NOT_ALLOWED, {"method": f"{method} is not allowed"}, ("Allow", "GET, HEAD"))


def gone(url: str) -> Refusal:
    """Say that the version in `url` was retired."""
    return _refusal(HTTPStatus.GONE, {"url": url})


def events_removed(first_kept: int) -> Refusal:
    """Say that events that were asked for are no longer kept, so that nobody takes the gap for an end."""
    return Refusal(410, {"message": f"Events before id {first_kept} were removed"})


def too_large() -> Refusal:
    """Refuse a body that nobody asked for."""
    return _refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"body": "must be smaller"})


def too_many(seconds: float) -> Refusal:
    """Say when one may ask again."""
    wait = str(max(1, math.ceil(seconds)))
    return _refusal(HTTPStatus.TOO_MANY_REQUESTS, {"access_token": f"Too many requests, wait {wait} s"}, ("Retry-After", wait))


def broken() -> Refusal:
    """Say that something went wrong here, without a detail."""
    return Refusal(500, {"status": 500, "error": "Internal Server Error"})


def _unauthorized(text: str) -> Refusal:
    return _refusal(HTTPStatus.UNAUTHORIZED, {"access_token": text}, ("WWW-Authenticate", "Bearer"))


def _refusal(status: HTTPStatus, details: dict[str, JSON] | dict[str, str], *headers: tuple[str, str]) -> Refusal:
    return Refusal(int(status), {"status": int(status), "error": status.phrase, "error_details": dict(details)}, headers)

"""Error documents: what a client is told when something is refused or fails.

Source: the Pulp 2 REST contract, 1.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.errors import (
    JSON,
    DatabaseError,
    EntrepotError,
    InvalidValue,
    MissingValue,
    PermissionDenied,
    SearchTooSlow,
    StorageError,
    TooManyAttempts,
    UnsupportedValue,
    ValueNotKept,
)
from entrepot.rest.endpoint import Answer

if TYPE_CHECKING:
    from entrepot.settings import Settings

#: What a client is asked to wait before it tries again when the database is away, seconds.
_RETRY_AFTER_SECONDS = "5"
_SERVER_ERROR = 500


def refused(error: EntrepotError, *, href: str, method: str, settings: Settings) -> Answer:
    """Return the answer to a request that was refused, or that failed as could be foreseen.

    What the database or the disk say stays in the log: anybody may read an answer.
    """
    status, headers = error.status, {}
    if isinstance(error, PermissionDenied):
        status = settings.permission_denied_status
    if isinstance(error, DatabaseError) and status >= _SERVER_ERROR:
        status, headers = 503, {"retry-after": _RETRY_AFTER_SECONDS}
    if isinstance(error, TooManyAttempts):
        headers = {"retry-after": str(error.data["retry_after"])}
    document = _error(error)
    shown = {name: value for name, value in _data(error).items() if name not in _RESERVED}
    return Answer(_document(href, method, status, _sentence(error), document) | shown, status, headers=headers)


def failed(request_id: str, *, href: str, method: str) -> Answer:
    """Return the answer to a request that failed as nobody foresaw; the log holds the rest under `request_id`."""
    text = f"Something went wrong here. Tell the people who run this server the request id: {request_id}."
    error: dict[str, JSON] = {"code": "PLP0001", "description": text, "data": {"request_id": request_id}, "sub_errors": []}
    document = _document(href, method, _SERVER_ERROR, text, error)
    return Answer(document | {"exception": [text], "traceback": [], "request_id": request_id}, _SERVER_ERROR)


_RESERVED = frozenset({"_href", "http_request_method", "http_status", "error_message", "exception", "traceback", "error"})


def _document(href: str, method: str, status: int, text: str, error: dict[str, JSON]) -> dict[str, JSON]:
    return {
        "_href": href,
        "http_request_method": method,
        "http_status": status,
        "error_message": text,
        "exception": None,
        "traceback": None,
        "error": error,
    }


def _error(error: EntrepotError) -> dict[str, JSON]:
    document = error.document()
    document["description"], document["data"] = _sentence(error), _data(error)
    if isinstance(error, (InvalidValue, MissingValue, UnsupportedValue)):
        names = next(iter(error.data.values()))
        document["data"] = {**error.data, "properties": str(names), "property_names": names}
    return document


def _data(error: EntrepotError) -> dict[str, JSON]:
    """Return what the error says to programs, but for what its sentence leaves out."""
    return {} if isinstance(error, (DatabaseError, StorageError)) else dict(error.data)


def _sentence(error: EntrepotError) -> str:
    """Say what is wrong without the addresses and paths that the error itself names."""
    if isinstance(error, DatabaseError) and error.status >= _SERVER_ERROR:
        return "The database of this server does not answer or is not up to date. Try again in a moment."
    if isinstance(error, ValueNotKept):
        return "A value of the request cannot be kept: it is too long or too large, or it has a character that is none."
    if isinstance(error, SearchTooSlow):
        return "The search takes too long and was given up. Ask for less: by id, tag or state, or without a pattern."
    if isinstance(error, StorageError):
        return "The store of this server cannot do this now; the server's log has more."
    return error.message

"""Requests to a server that cannot be understood, or that reach none."""

from __future__ import annotations

from entrepot.errors.error import JSON, EntrepotError


class BadRequest(EntrepotError):
    """A request cannot be understood."""

    code, status = "PLP2060", 400


class MalformedBody(BadRequest):
    """The body of a request is no JSON."""

    code = "PLP1009"


class WrongBodyType(BadRequest):
    """The body of a request is JSON, and no object."""

    code = "PLP1015"


class WrongType(BadRequest):
    """A field of a request holds a value of another type."""

    code = "PLP1010"

    def __init__(self, field: str, value: JSON, field_type: str) -> None:
        """Name the field, what it holds and the type that it must have."""
        super().__init__(f"{field} must be of type {field_type}.", field=field, value=value, field_type=field_type)


class BadEncoding(BadRequest):
    """Text of a request is not UTF-8."""

    code = "PLP0019"

    def __init__(self, value: str) -> None:
        """Show the text, its bad bytes as escapes."""
        super().__init__("The query of the request is not UTF-8.", value=value)


class InvalidPurgeState(BadRequest):
    """Tasks in this state may not be purged."""

    code = "PLP1011"


class PurgeRefused(BadRequest):
    """A purge of tasks that names no state."""

    code, status = "PLP1012", 403


class BodyTooLarge(BadRequest):
    """The body of a request is larger, or nested deeper, than the server reads."""

    code, status = "PLP2061", 413


class ServerUnavailable(EntrepotError):
    """The server that a client was told of does not answer."""

    code, status = "PLP2070", 503

"""What is answered when a request cannot be: one `error`, a text for people.

Source: ours, but for the 401; Pugpig's help centre says nothing of errors.
"""

from __future__ import annotations

from dataclasses import dataclass

from entrepot.facades.door import Answer, json_bytes

JSON_TYPE = "application/json; charset=utf-8"
#: No page that is reached from here is told the address, which may hold the key.
NO_REFERRER = ("Referrer-Policy", "no-referrer")


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is no answer to what was asked."""

    status: int
    error: str
    headers: tuple[tuple[str, str], ...] = ()

    def answer(self) -> Answer:
        """Return what is sent."""
        return Answer(self.status, json_bytes({"error": self.error}), JSON_TYPE, (*self.headers, NO_REFERRER))


def invalid_key() -> Refusal:
    """Say that the key is missing, is nobody's, or has expired."""
    return Refusal(401, "invalid api key", (("WWW-Authenticate", "Bearer"),))


def not_allowed(scope: str) -> Refusal:
    """Say that the key is good, and not for that."""
    return Refusal(403, f"the api key has not the scope {scope}")


def not_found() -> Refusal:
    """Say that nothing is at the address, or nothing that the key is good for; nobody learns which."""
    return Refusal(404, "not found")


def bad_request(text: str) -> Refusal:
    """Say which value is refused, and what it must be."""
    return Refusal(400, text)


def wrong_method(allowed: str) -> Refusal:
    """Say which methods are allowed."""
    return Refusal(405, "method not allowed", (("Allow", allowed),))


def conflict(text: str) -> Refusal:
    """Say what is in the way."""
    return Refusal(409, text)


def too_large() -> Refusal:
    """Refuse a body that nobody asked for."""
    return Refusal(413, "request entity too large")


def too_many(wait_seconds: int) -> Refusal:
    """Say in how many whole seconds one may ask again."""
    return Refusal(429, f"too many requests, wait {wait_seconds} s", (("Retry-After", str(wait_seconds)),))


def broken() -> Refusal:
    """Say that something went wrong here, without a detail."""
    return Refusal(500, "internal server error")

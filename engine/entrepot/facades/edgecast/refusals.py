"""What is answered when a request cannot be: one `Message`, as clients know it.

Source: Edgecast's REST API, "Status Codes", and the endpoints that it has; the texts that it does not give are ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from entrepot.facades.door import Answer, json_bytes

JSON_TYPE = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is no answer to what was asked."""

    status: int
    message: str
    headers: tuple[tuple[str, str], ...] = ()

    def answer(self) -> Answer:
        """Return what is sent."""
        return Answer(self.status, json_bytes({"Message": self.message}), JSON_TYPE, self.headers)


def access_denied() -> Refusal:
    """Say that the token is missing, is nobody's, has expired, or may not do that."""
    return Refusal(403, "Access Denied")


def invalid_account() -> Refusal:
    """Say that the account is not there, or not that of the token; nobody learns which."""
    return Refusal(400, "Invalid account number")


def no_such_deploy(status: int = 400) -> Refusal:
    """Say that the deploy is not there, or not the account's; nobody learns which."""
    return Refusal(status, "Deploy request not found")


def no_number() -> Refusal:
    """Say that what stands for the id of a deploy is none."""
    return Refusal(400, "The deploy request ID must be a number")


def too_old() -> Refusal:
    """Say that the status is told no longer, as clients know it of configurations that are older than seven days."""
    return Refusal(400, "Action Queue Id missing")


def deploy_failed() -> Refusal:
    """Say that a deploy did not get through; why is told by the deploy request."""
    return Refusal(400, "Deploy request failed")


def broken() -> Refusal:
    """Say that something went wrong here; the status of a deploy to staging is answered so, too, as clients know it."""
    return Refusal(500, "Operation Error. Contact Administrator")


def bad_request(text: str) -> Refusal:
    """Say what of a request is refused, and why."""
    return Refusal(400, text)


def conflict(text: str) -> Refusal:
    """Say what is in the way."""
    return Refusal(409, text)


def no_such_route() -> Refusal:
    """Say that nothing is at the path."""
    return Refusal(404, "Not Found")


def wrong_method(allowed: str) -> Refusal:
    """Say which methods are allowed."""
    return Refusal(405, "Method Not Allowed", (("Allow", allowed),))


def too_large() -> Refusal:
    """Refuse a body that is no deploy request."""
    return Refusal(413, "Request Entity Too Large")


def too_many(seconds: float) -> Refusal:
    """Say in how many whole seconds one may ask again."""
    wait = str(max(1, math.ceil(seconds)))
    return Refusal(429, f"Too many requests, wait {wait} s", (("Retry-After", wait),))

"""Texts without what may be a secret: who reads a dashboard need not be one who may know the feed's password. Pure."""

from __future__ import annotations

from entrepot import logs

#: Characters of a message that are told.
_LONGEST = 2000


def masked(text: str) -> str:
    """Return `text` with a mask in place of whatever may be a password, a key or a token; cut if it is very long."""
    return logs.masked(text)[:_LONGEST]

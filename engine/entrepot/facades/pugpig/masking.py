"""Texts without what may be a secret: who reads a dashboard need not be one who may know the feed's password. Pure."""

from __future__ import annotations

import re

MASK = "*****"
#: Characters of a message that are told.
_LONGEST = 2000
#: Whatever stands between `//` and the last `@` before the next blank or quote may be a name and a password.
_LOGIN = re.compile(r"(//)[^\s\"'<>]*@")
#: A value under a name that says what it is: `password=x`, `api_key: x`, `X-Amz-Signature=x`, `Authorization: Bearer x`.
_NAMED = re.compile(
    r"((?:pass(?:word|wd|phrase)?|secret(?:[_-]?(?:access)?[_-]?key)?|token|api[_-]?key|access[_-]?key(?:[_-]?id)?|signature|"
    r"credential|authorization)[\"']?\s*[=:]\s*[\"']?(?:(?:bearer|basic|tok)[\s:]+)?)([^\s&\"',;]+)",
    re.IGNORECASE,
)


def masked(text: str) -> str:
    """Return `text` with a mask in place of whatever may be a password, a key or a token; cut if it is very long."""
    without_login = _LOGIN.sub(rf"\g<1>{MASK}@", text)
    return _NAMED.sub(rf"\g<1>{MASK}", without_login)[:_LONGEST]

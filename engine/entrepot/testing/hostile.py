"""Indices that no server should send, made from one that is good."""

from __future__ import annotations

import random
from collections.abc import Mapping

#: Bytes of a line that never ends.
_HUGE = 3_000_000
#: How far a file gets before it ends, in hundredths.
_CUTS = (1, 25, 50, 90)

#: What a captive portal or a moved site sends under every address, with status 200.
LOGIN_PAGE = b"""<!DOCTYPE html>
<html><head><title>Log in</title></head><body><h1>Log in</h1><form action="/login"><input name="user"></form>
<p>Please log in, then try again.</p></body></html>
"""


def hostile_indices(index: bytes) -> Mapping[str, bytes]:
    """Return bad versions of an index by what is wrong with them."""
    chance = random.Random(7)  # noqa: S311 - the same noise in each run
    cuts = {f"cut after {percent} %": index[: max(1, len(index) * percent // 100)] for percent in _CUTS}
    return {
        "empty": b"",
        "binary noise": chance.randbytes(4096),
        "a login page": LOGIN_PAGE,
        "one huge line": b"A" * _HUGE,
        "NUL bytes": b"\x00" * 4096,
        "invalid UTF-8": b"\xff\xfe" + index,
        **cuts,
    }

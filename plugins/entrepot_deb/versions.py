"""The order of Debian versions, and whether one meets what a dependency asks for.

Source: Debian Policy 4.7, 5.6.12 and 7.1.
"""

from __future__ import annotations

import re

_PARTS = re.compile(r"([^0-9]*)([0-9]*)")
_END = 0  # where a part ends: below every letter, above a tilde

Order = tuple[object, ...]


def version_order(version: str) -> Order:
    """Return what sorts versions as dpkg does: epoch, then upstream version, then revision; `~` is older than the end."""
    epoch, colon, rest = version.partition(":")
    if not colon or not epoch.isdecimal():
        epoch, rest = "0", version
    upstream, dash, revision = rest.rpartition("-")
    if not dash:
        upstream, revision = rest, "0"
    return int(epoch), _part_order(upstream), _part_order(revision)


def satisfies(version: str, relation: str, wanted: str) -> bool:
    """Say whether `version` stands in `relation` to `wanted`; `<` and `>` are the old spellings of `<=` and `>=`."""
    ours, theirs = version_order(version), version_order(wanted)
    if relation == "=":
        return ours == theirs
    if relation in ("<<", "<=", "<"):
        return ours < theirs or (relation != "<<" and ours == theirs)
    return ours > theirs or (relation != ">>" and ours == theirs)


def _part_order(part: str) -> Order:
    """Return what sorts one part: letters and digits by turns, letters before other characters."""
    order: list[object] = []
    for text, digits in _PARTS.findall(part or "0"):
        if text or digits:
            order += [(*map(_letter_order, text), _END), int(digits or 0)]
    return (*order, (_END,))


def _letter_order(letter: str) -> int:
    if letter == "~":
        return -1
    return ord(letter) if letter.isascii() and letter.isalpha() else ord(letter) + 256

"""Sets of characters, as regular expressions need them: ranges of code points, complements, and folded case.

Case is folded here, by adding to a set all that differs from a member in case only, so that no database has to know how.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache

#: A sorted tuple of ranges that neither touch nor overlap: (first, last), both within.
Ranges = tuple[tuple[int, int], ...]

#: All that text may hold: no NUL, which PostgreSQL cannot keep, and no surrogates, which are no characters.
EVERYTHING: Ranges = ((0x01, 0xD7FF), (0xE000, 0x10FFFF))
#: Beyond it no letter has a capital.
_LAST_CASED = 0x1FFFF


def ranges(pairs: Iterable[tuple[int, int]]) -> Ranges:
    """Return `pairs` as ranges, sorted and joined, without what no text holds."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(pairs):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return tuple(
        (max(first, low), min(last, high))
        for first, last in joined
        for low, high in EVERYTHING
        if max(first, low) <= min(last, high)
    )


def characters(text: str) -> Ranges:
    """Return the set of the characters of `text`."""
    return ranges((ord(character), ord(character)) for character in text)


def complement(given: Ranges) -> Ranges:
    """Return every character that is not in `given`."""
    found, start = [], 0
    for first, last in given:
        found.append((start, first - 1))
        start = last + 1
    return ranges(pair for pair in [*found, (start, 0x10FFFF)] if pair[0] <= pair[1])


@lru_cache(maxsize=1024)
def without_case(given: Ranges) -> Ranges:
    """Return `given` with all that differs from one of its characters in case only."""
    orbits = _orbits()
    if sum(last - first for first, last in given) < len(orbits):
        cased = [code for first, last in given for code in range(first, last + 1) if code in orbits]
    else:
        firsts = [first for first, _ in given]
        places = ((code, bisect_right(firsts, code) - 1) for code in orbits)
        cased = [code for code, place in places if place >= 0 and code <= given[place][1]]
    return ranges([*given, *((other, other) for code in cased for other in orbits[code])])


@lru_cache(maxsize=1)
def _orbits() -> dict[int, tuple[int, ...]]:
    """Return each character that has another case with all its cases: one letter each way (`ß` has no single capital)."""
    groups: dict[str, set[int]] = {}
    for code in range(_LAST_CASED + 1):
        character = chr(code)
        folded = character.upper().lower()
        if len(folded) == 1 and (folded != character or character.upper() != character):
            groups.setdefault(folded, set()).update((code, ord(folded)))
    return {code: tuple(sorted(group)) for group in groups.values() if len(group) > 1 for code in group}


DIGIT = ranges([(0x30, 0x39)])
WORD = ranges([(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)])
SPACE = characters(" \t\n\v\f\r")
NEWLINE = characters("\n")

#: The classes of `[[:name:]]`. Source: POSIX.1-2017, 9.3.5, in the C locale.
POSIX: dict[str, Ranges] = {
    "alnum": ranges([(0x30, 0x39), (0x41, 0x5A), (0x61, 0x7A)]),
    "alpha": ranges([(0x41, 0x5A), (0x61, 0x7A)]),
    "ascii": ranges([(0x01, 0x7F)]),
    "blank": characters(" \t"),
    "cntrl": ranges([(0x01, 0x1F), (0x7F, 0x7F)]),
    "digit": DIGIT,
    "graph": ranges([(0x21, 0x7E)]),
    "lower": ranges([(0x61, 0x7A)]),
    "print": ranges([(0x20, 0x7E)]),
    "punct": ranges([(0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E)]),
    "space": SPACE,
    "upper": ranges([(0x41, 0x5A)]),
    "word": WORD,
    "xdigit": ranges([(0x30, 0x39), (0x41, 0x46), (0x61, 0x66)]),
}

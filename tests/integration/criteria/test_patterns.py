"""A pattern finds the same texts on each database, those that PCRE finds, and none takes long."""

from __future__ import annotations

import time

from tests.integration.criteria.conftest import Shelf

TEXTS = ["", "a", "A", "b", "ab", "aab", "a b", "a\nb", "a\n", "\n", "abc123", "_x-1", "é", "É", "日本", "a.b", "a]b", "^a$"]
TEXTS += ["ß", "K", "z" * 300]

#: A pattern, its options, and the texts that it finds.
CASES: list[tuple[str, str, list[str]]] = [
    ("^a", "", ["a", "ab", "aab", "a b", "a\nb", "a\n", "abc123", "a.b", "a]b"]),
    ("^a$", "", ["a", "a\n"]),
    ("^a$", "m", ["a", "a\nb", "a\n"]),
    (r"\Aa\z", "m", ["a"]),
    (r"\Aa\Z", "", ["a", "a\n"]),
    ("^a.b$", "", ["aab", "a b", "a.b", "a]b"]),
    ("^a.b$", "s", ["aab", "a b", "a\nb", "a.b", "a]b"]),
    (r"^a\.b$", "", ["a.b"]),
    (r"^\^a\$$", "", ["^a$"]),
    (r"^a[\].]b", "", ["a.b", "a]b"]),
    (r"^a[].]b", "", ["a.b", "a]b"]),
    (r"^a[^.]b$", "", ["aab", "a b", "a\nb", "a]b"]),
    ("^A$", "i", ["a", "A", "a\n"]),
    ("^(?i)A$", "", ["a", "A", "a\n"]),
    ("^(?i:A)$", "", ["a", "A", "a\n"]),
    ("^(?:(?i)A|q)B?$", "", ["a", "A", "a\n"]),
    ("^é$", "i", ["é", "É"]),
    ("^É$", "", ["É"]),
    ("^k$", "i", ["K"]),
    ("^[^a-z]$", "i", ["\n", "é", "É", "ß"]),
    ("^[à-ÿ]$", "", ["é"]),
    ("^..$", "", ["ab", "日本"]),
    (r"^\w+$", "", ["a", "A", "b", "ab", "aab", "a\n", "abc123", "K", "z" * 300]),
    (r"^\W$", "", ["\n", "é", "É", "ß"]),
    (r"\d{3}", "", ["abc123"]),
    (r"\D\d+$", "", ["abc123", "_x-1"]),
    (r"^a\sb$", "", ["a b", "a\nb"]),
    (r"^a\Sb$", "", ["aab", "a.b", "a]b"]),
    (r"\bb", "", ["b", "a b", "a\nb", "a.b", "a]b"]),
    (r"\Bb", "", ["ab", "aab", "abc123"]),
    (r"^\b.", "", ["a", "A", "b", "ab", "aab", "a b", "a\nb", "a\n", "abc123", "_x-1", "a.b", "a]b", "K", "z" * 300]),
    ("^[[:alpha:]]+[[:digit:]]+$", "", ["abc123"]),
    ("^[[:^alpha:]]+$", "", ["\n", "é", "É", "日本", "ß"]),
    ("^(a|)b$", "", ["b", "ab"]),
    ("^(?:a|b)+$", "", ["a", "b", "ab", "aab", "a\n"]),
    ("^(?P<first>a)(?<second>b)$", "", ["ab"]),
    ("^a*?b$", "", ["b", "ab", "aab"]),
    ("^a{2}b", "", ["aab"]),
    ("^a{0}b$", "", ["b"]),
    ("^a{1,}b$", "", ["ab", "aab"]),
    ("^a{2,3}?b", "", ["aab"]),
    ("a{,2}", "", []),
    ("a{x}", "", []),
    ("^z{300}$", "", ["z" * 300]),
    ("^z{301}$", "", []),
    ("^z{256,}$", "", ["z" * 300]),
    ("^z{1,299}$", "", []),
    ("^z{1,1000}$", "", ["z" * 300]),
    ("^(?:^)*a$", "", ["a", "a\n"]),
    ("(?:$)+b", "", []),
    (r"^a \s b # a comment", "x", ["a b", "a\nb"]),
    (r"^a[ ]b", "x", ["a b"]),
    (r"^\Qa.\Eb$", "", ["a.b"]),
    (r"^\Q^a$", "", ["^a$"]),
    (r"^\x61\x{62}$", "", ["ab"]),
    (r"^[\x61-\x62]$", "", ["a", "b", "a\n"]),
    ("^[a-]b", "", ["ab", "abc123"]),
    (r"^[\w-]+$", "", ["a", "A", "b", "ab", "aab", "a\n", "abc123", "_x-1", "K", "z" * 300]),
    ("^a(?#a comment)b$", "", ["ab"]),
    ("^$", "", ["", "\n"]),
    ("^$", "m", ["", "a\n", "\n"]),
    ("^b$", "m", ["b", "a\nb"]),
    ("(?m)^b", "", ["b", "a\nb"]),
    ("a|", "", TEXTS),
    (r"^[\s\S]$", "", ["a", "A", "b", "a\n", "\n", "é", "É", "ß", "K"]),
    (r"^\N$", "", ["a", "A", "b", "a\n", "é", "É", "ß", "K"]),
    (r"^[\b]$", "", []),
    ("%", "", []),
    ("[?]", "", []),
]

#: Patterns that take others' engines for ever, and the largest that are read.
HEAVY = [
    "(a+)+$",
    "(a|aa)+$",
    "(a|a?)+$",
    "(.*a){20}",
    "(.*)(.*)(.*)(.*)(.*)x$",
    "(x+x+)+y",
    "^(([a-z])+.)+[A-Z]([a-z])+$",
    "(a?){50}a{50}",
    "[ab]*a[ab]{200}c",
    "(?:a{0,30}){30}$",
    "a{1000}b",
    "(?:[^a]{30}b){30}",
    ".{0,1000}x",
    "(?:.*){149}x",
    "a?b?" * 75,
    "|".join(["a.*b.*c"] * 100),
    "(?:" * 50 + "a" + ")*" * 50 + "$",
]


def test_each_pattern_finds_what_pcre_finds(shelf: Shelf) -> None:
    shelf.put(*({"text": text} for text in TEXTS))
    wrong = []
    for pattern, options, expected in CASES:
        found = [TEXTS[row - 1] for row in shelf.found({"data.text": {"$regex": pattern, "$options": options}})]
        if found != expected:
            wrong.append((pattern, options, found, expected))

    assert wrong == []


def test_no_pattern_takes_long(shelf: Shelf) -> None:
    shelf.put(*({"text": text} for text in ("a" * 5000 + "!", "x" * 5000, "ab" * 2500)))
    slow = []
    for pattern in HEAVY:
        begun = time.monotonic()
        shelf.found({"data.text": {"$regex": pattern}})
        taken = time.monotonic() - begun
        if taken > 5:
            slow.append((pattern, taken))

    assert slow == []


def test_a_pattern_with_many_letters_of_either_case_is_read_soon(shelf: Shelf) -> None:
    shelf.put({"text": "a"})
    begun = time.monotonic()

    assert shelf.found({"data.text": {"$regex": "aé" * 500, "$options": "i"}}) == []
    assert time.monotonic() - begun < 5

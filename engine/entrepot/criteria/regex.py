r"""Read a regular expression as MongoDB's users write it (PCRE) into a small tree, or say why it cannot be searched by.

Only what is regular is read: no back-references, no look-around, no possessive or atomic groups. What remains means the same
to every engine and costs each of them time that grows with the text alone. `regex_forms` writes the tree for a database.

Source: PCRE's pcrepattern(3). `\w`, `\d`, `\s` and `\b` are those of ASCII, as in MongoDB.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from entrepot.criteria import characters
from entrepot.criteria.characters import EVERYTHING, Ranges, complement, ranges, without_case
from entrepot.criteria.refusal import refusal
from entrepot.errors import InvalidValue

#: Characters of a pattern.
LONGEST_PATTERN = 1000
#: Characters that a pattern may stand for when its counted repeats are written out.
LARGEST_EXPANSION = 5000
#: How often something may be repeated by count, repeats within repeats multiplied: RE2's own limit.
HIGHEST_COUNT = 1000
#: Parts that may be left out, one after the other, counted repeats written out: PostgreSQL reads them in quadratic time.
MOST_OPTIONAL = 150
#: Groups within groups.
DEEPEST_GROUP = 50


@dataclass(frozen=True, slots=True)
class OneOf:
    """One character of a set."""

    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place in the text: start, end, final (the end, or before a last newline), line start, line end, boundary, inside."""

    place: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """One part after the other."""

    parts: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the parts."""

    parts: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part, `least` to `most` times; `most` is None if there is no limit."""

    part: Pattern
    least: int
    most: int | None


Pattern: TypeAlias = "OneOf | Anchor | Sequence | Choice | Repeat"


@dataclass(frozen=True, slots=True)
class Flags:
    """The options i, m, s and x."""

    ignore_case: bool = False
    multi_line: bool = False
    dot_all: bool = False
    extended: bool = False

    def changed(self, letters: str) -> Flags | None:
        """Return the flags after `letters`, as in `im-s`; None if one of these is no option."""
        names = {"i": "ignore_case", "m": "multi_line", "s": "dot_all", "x": "extended"}
        on, _, off = letters.partition("-")
        if not set(on + off) <= set(names):
            return None
        return replace(self, **{names[letter]: True for letter in on}, **{names[letter]: False for letter in off})


def read_pattern(text: str, options: str = "") -> Pattern:
    """Return the tree of a pattern; raises `InvalidValue` that says what cannot be read, or what would cost too much."""
    if len(text) > LONGEST_PATTERN:
        raise refusal(f"$regex: the pattern is longer than {LONGEST_PATTERN} characters")
    flags = None if "-" in options else Flags().changed(options)
    if flags is None:
        raise refusal(f"$options: {options!r} holds something else than the letters i, m, s and x")
    reader = _Reader(text, flags)
    pattern = reader.choice(depth=0)
    if not reader.at_end:
        raise reader.refused("an unmatched )")
    if _count(pattern) > HIGHEST_COUNT or _weight(pattern) > LARGEST_EXPANSION or _optional(pattern) > MOST_OPTIONAL:
        raise refusal(f"$regex: {text!r} repeats too much; repeats within repeats may come to {HIGHEST_COUNT} at most")
    return pattern


def _count(pattern: Pattern) -> int:
    """Return how many times the counted repeats repeat what is innermost."""
    if isinstance(pattern, Repeat):
        return max(pattern.least, pattern.most or 0, 1) * _count(pattern.part)
    parts = pattern.parts if isinstance(pattern, (Sequence, Choice)) else ()
    return max(map(_count, parts), default=1)


def _weight(pattern: Pattern) -> int:
    """Return the length of the pattern with its counted repeats written out."""
    if isinstance(pattern, Repeat):
        return max(pattern.least, pattern.most or 0, 1) * _weight(pattern.part)
    parts = pattern.parts if isinstance(pattern, (Sequence, Choice)) else ()
    return 1 + sum(map(_weight, parts))


def _optional(pattern: Pattern) -> int:
    """Return how many parts may be left out on the longest way, with the counted repeats written out."""
    if isinstance(pattern, Repeat):
        return (pattern.least == 0) + max(pattern.least, pattern.most or 0, 1) * _optional(pattern.part)
    if isinstance(pattern, Choice):
        return max(map(_optional, pattern.parts))
    return sum(map(_optional, pattern.parts)) if isinstance(pattern, Sequence) else 0


_SETS = {"d": characters.DIGIT, "w": characters.WORD, "s": characters.SPACE, "h": characters.characters(" \t")}
_SETS |= {letter.upper(): complement(found) for letter, found in _SETS.items()}
_SETS["N"] = complement(characters.NEWLINE)
_PLACES = {"b": "boundary", "B": "inside", "A": "start", "z": "end", "Z": "final"}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a", "e": "\x1b"}
_NOT_REGULAR = {
    "=": "look-ahead",
    "!": "look-ahead",
    "<=": "look-behind",
    "<!": "look-behind",
    ">": "an atomic group",
    "|": "a branch reset",
    "(": "a condition",
    "R": "a recursion",
    "&": "a recursion",
    "P=": "a back-reference",
    "P>": "a recursion",
}


class _Reader:
    """Reads one pattern from left to right."""

    def __init__(self, text: str, flags: Flags) -> None:
        self._text = text
        self._at = 0
        self._flags = flags

    @property
    def at_end(self) -> bool:
        return self._at >= len(self._text)

    def refused(self, what: str) -> InvalidValue:
        return refusal(f"$regex: {self._text!r} has {what} at character {self._at + 1}, which cannot be searched by")

    def choice(self, *, depth: int) -> Pattern:
        """Read up to the end of the group, or of the text."""
        if depth > DEEPEST_GROUP:
            raise self.refused(f"more than {DEEPEST_GROUP} groups within each other")
        flags, branches, parts = self._flags, list[Pattern](), list[Pattern]()
        while not self.at_end and self._peek() != ")":
            if self._take("|"):
                branches.append(Sequence(tuple(parts)))
                parts = []
                continue
            atoms = self._atom(depth)
            if atoms:  # a repeat takes the last
                parts += [*atoms[:-1], self._repeated(atoms[-1])]
        self._flags = flags
        branches.append(Sequence(tuple(parts)))
        return branches[0] if len(branches) == 1 else Choice(tuple(branches))

    def _atom(self, depth: int) -> list[Pattern]:
        r"""Read one atom; none where only flags or a comment stand, several for `\Q…\E`."""
        character = self._next()
        if self._flags.extended and (character.isspace() or character == "#"):
            if character == "#":
                self._skip_to("\n")
            return []
        if character == "(":
            return self._group(depth)
        if character == "[":
            return [self._class()]
        if character == "\\":
            return self._escape()
        if character == ".":
            return [OneOf(EVERYTHING if self._flags.dot_all else complement(characters.NEWLINE))]
        if character == "^":
            return [Anchor("line start" if self._flags.multi_line else "start")]
        if character == "$":
            return [Anchor("line end" if self._flags.multi_line else "final")]
        self._at -= 1
        if character in "*+?" or self._counts() is not None:
            raise self.refused("a repeat of nothing")
        self._at += 1
        return [self._literal(character)]

    def _group(self, depth: int) -> list[Pattern]:
        """Read a group, whose parenthesis is read already."""
        if self._text.startswith("*", self._at):
            raise self.refused("a verb")
        flags = self._flags
        if self._take("?") and not self._kind():
            return []
        inner = self.choice(depth=depth + 1)
        if not self._take(")"):
            raise self.refused("a ( without its )")
        self._flags = flags
        return [inner]

    def _kind(self) -> bool:
        """Read what follows `(?`; False if that was all of it: a comment, or flags for the rest of the group around it."""
        if self._take("#"):
            self._skip_to(")")
            return False
        for sign, what in sorted(_NOT_REGULAR.items(), reverse=True):
            if self._text.startswith(sign, self._at):
                raise self.refused(what)
        if self._take("P<") or self._take("<"):
            self._skip_to(">")
            return True
        letters = ""
        while not self.at_end and self._peek() not in ":)":
            letters += self._next()
        changed = self._flags.changed(letters)
        if changed is None or self.at_end:
            raise self.refused("a group of an unknown kind")
        self._flags = changed
        return self._next() == ":"

    def _repeated(self, atom: Pattern) -> Pattern:
        """Return `atom` with the repeats that stand behind it; lazy or not is no matter to whether something is found."""
        while self._flags.extended and not self.at_end and self._peek().isspace():
            self._at += 1
        counts = self._counts()
        if counts is None:
            return atom
        self._at = counts[2]
        if not self.at_end and self._peek() == "+":
            raise self.refused("a possessive repeat")
        self._take("?")
        least, most = counts[:2]
        if most is not None and most < least:
            raise self.refused("a repeat whose numbers are the wrong way round")
        if not self.at_end and (self._peek() in "*+?" or self._counts() is not None):
            raise self.refused("a repeat of a repeat")
        if isinstance(atom, Anchor):
            return atom if least else Sequence(())
        return Repeat(atom, least, most)

    def _counts(self) -> tuple[int, int | None, int] | None:
        """Return the repeat that stands here, and where it ends; a brace that is none is a plain character."""
        if self.at_end:
            return None
        plain: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        if self._peek() in plain:
            return (*plain[self._peek()], self._at + 1)
        end = self._text.find("}", self._at)
        if self._peek() != "{" or end < 0:
            return None
        least, comma, most = self._text[self._at + 1 : end].partition(",")
        if not _is_number(least) or not (most == "" or _is_number(most)):
            return None
        return (int(least), int(most) if most else None if comma else int(least), end + 1)

    def _escape(self) -> list[Pattern]:
        """Read an escape outside of brackets, whose backslash is read already."""
        if self._take("Q"):
            end = self._text.find("\\E", self._at)
            quoted = self._text[self._at :] if end < 0 else self._text[self._at : end]
            self._at = len(self._text) if end < 0 else end + 2
            return [self._literal(character) for character in quoted]
        if self._take("E"):
            return []
        if not self.at_end and self._peek() in _PLACES:
            return [Anchor(_PLACES[self._next()])]
        found = self._escaped()
        return [OneOf(self._folded(found))]

    def _escaped(self) -> Ranges:
        """Read what is behind a backslash, in brackets or outside: a set, or one character as a set."""
        if self.at_end:
            raise self.refused("a backslash with nothing behind it")
        letter = self._next()
        if letter in _SETS:
            return _SETS[letter]
        if letter in _CONTROLS:
            return characters.characters(_CONTROLS[letter])
        if letter == "x":
            return characters.characters(self._hexadecimal())
        if letter.isalnum() and letter.isascii():
            self._at -= 1
            raise self.refused("a back-reference" if letter.isdigit() or letter in "gk" else f"the escape \\{letter}")
        return characters.characters(letter)

    def _hexadecimal(self) -> str:
        if self._take("{"):
            digits = self._skip_to("}")
        else:
            digits = self._text[self._at : self._at + 2]
            self._at += 2
        try:
            code = int(digits, 16)
        except ValueError:
            raise self.refused("an \\x that is no character") from None
        if not any(first <= code <= last for first, last in EVERYTHING):
            raise self.refused("an \\x that is no character")
        return chr(code)

    def _class(self) -> Pattern:
        """Read a set in brackets, whose first one is read already."""
        negated, found, is_first = self._take("^"), list[tuple[int, int]](), True
        while is_first or self.at_end or self._peek() != "]":
            if self.at_end:
                raise self.refused("a [ without its ]")
            is_first = False
            member = self._member()
            single = member[0][0] if len(member) == 1 and member[0][0] == member[0][1] else None
            if (
                single is not None
                and self._text.startswith("-", self._at)
                and self._text[self._at + 1 : self._at + 2] not in ("]", "")
            ):
                self._at += 1
                last = self._member()
                if len(last) != 1 or last[0][0] != last[0][1] or last[0][0] < single:
                    raise self.refused("a range of characters that is none")
                member = ((single, last[0][0]),)
            found.extend(member)
        self._at += 1
        folded = self._folded(ranges(found))
        return OneOf(complement(folded) if negated else folded)

    def _member(self) -> Ranges:
        if self._text.startswith(("[.", "[="), self._at):
            raise self.refused("a collating element")
        if self._text.startswith("[:", self._at) and (end := self._text.find(":]", self._at + 2)) > 0:
            name = self._text[self._at + 2 : end]
            known = characters.POSIX.get(name.removeprefix("^"))
            if known is None:
                raise self.refused(f"a class [:{name}:] that is unknown")
            self._at = end + 2
            return complement(known) if name.startswith("^") else known
        character = self._next()
        if character != "\\":
            return characters.characters(character)
        return characters.characters("\b") if self._take("b") else self._escaped()

    def _literal(self, character: str) -> Pattern:
        return OneOf(self._folded(characters.characters(character)))

    def _folded(self, found: Ranges) -> Ranges:
        return without_case(found) if self._flags.ignore_case else found

    def _peek(self) -> str:
        return self._text[self._at]

    def _next(self) -> str:
        self._at += 1
        return self._text[self._at - 1]

    def _take(self, sign: str) -> bool:
        """Step over `sign` if it stands here, and say whether it did."""
        found = self._text.startswith(sign, self._at)
        self._at += len(sign) if found else 0
        return found

    def _skip_to(self, sign: str) -> str:
        """Step behind the next `sign`, and return what stood before it."""
        end = self._text.find(sign, self._at)
        skipped = self._text[self._at :] if end < 0 else self._text[self._at : end]
        self._at = len(self._text) if end < 0 else end + len(sign)
        return skipped


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= len(str(HIGHEST_COUNT)) + 1

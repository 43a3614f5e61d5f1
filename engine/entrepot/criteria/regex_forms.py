"""Write a pattern that `regex` has read, so that it means the same to RE2 (SQLite) and to PostgreSQL.

Nothing is left to an engine's own ideas: sets are written out, and the few words that differ stand in `_WORDS`.
"""

from __future__ import annotations

from entrepot.criteria.characters import EVERYTHING, Ranges, complement
from entrepot.criteria.regex import Anchor, Choice, OneOf, Pattern, Repeat

_WORD = "[0-9A-Z_a-z]"
_WORDS = {
    "sqlite": {
        "start": r"\A",
        "end": r"\z",
        "final": r"(?:\n?\z)",
        "line start": "(?m:^)",
        "line end": "(?m:$)",
        "boundary": r"\b",
        "inside": r"\B",
    },
    "postgresql": {
        "start": "^",
        "end": "$",
        "final": "(?:\n?$)",
        "line start": "(?:^|(?<=\n))",
        "line end": "(?:$|(?=\n))",
        "boundary": f"(?:(?<={_WORD})(?!{_WORD})|(?<!{_WORD})(?={_WORD}))",
        "inside": f"(?:(?<={_WORD})(?={_WORD})|(?<!{_WORD})(?!{_WORD}))",
    },
}
#: PostgreSQL's highest count of a repeat; RE2's is higher.
_HIGHEST_COUNT = 255
#: What a backslash makes plain, in brackets and outside.
_SPECIAL = frozenset("\\^$.[]|()?*+{}-#&~")
#: Nothing at all: no character is both.
_NEVER = "(?:[a][^\x01-\U0010ffff])"


def form(pattern: Pattern, dialect: str) -> str:
    """Return `pattern` in the words of a database: RE2's on SQLite, advanced regular expressions on PostgreSQL."""
    written = _written(pattern, dialect)
    return f"***:{written}" if dialect == "postgresql" else written


def _written(pattern: Pattern, dialect: str) -> str:
    if isinstance(pattern, OneOf):
        return _set(pattern.ranges)
    if isinstance(pattern, Anchor):
        return _WORDS[dialect][pattern.place]
    if isinstance(pattern, Repeat):
        return _repeat(pattern, dialect)
    parts = [_written(part, dialect) for part in pattern.parts]
    return f"(?:{'|'.join(part or '()' for part in parts)})" if isinstance(pattern, Choice) else "".join(parts)


def _repeat(pattern: Repeat, dialect: str) -> str:
    inner = _written(pattern.part, dialect)
    if not inner or pattern.most == 0:
        return ""
    atom = inner if isinstance(pattern.part, OneOf) else f"(?:{inner})"
    least, most = pattern.least, pattern.most
    if (least, most) in ((0, None), (1, None), (0, 1)):
        return atom + {(0, None): "*", (1, None): "+", (0, 1): "?"}[least, most]
    pieces = _pieces(atom, least, optional=False)
    rest = f"{atom}*" if most is None else _pieces(atom, most - least, optional=True)
    return f"(?:{pieces}{rest})"


def _pieces(atom: str, count: int, *, optional: bool) -> str:
    """Write `atom` `count` times, or up to as many times."""
    low = "0," if optional else ""
    whole, rest = divmod(count, _HIGHEST_COUNT)
    return f"{atom}{{{low}{_HIGHEST_COUNT}}}" * whole + (f"{atom}{{{low}{rest}}}" if rest else "")


def _set(given: Ranges) -> str:
    if not given:
        return _NEVER
    if len(given) == 1 and given[0][0] == given[0][1]:
        return _plain(given[0][0])
    if given == EVERYTHING:
        return "[\x01-\U0010ffff]"
    others = complement(given)
    sign, shorter = ("^", others) if len(others) < len(given) else ("", given)
    return "[" + sign + "".join(_range(first, last) for first, last in shorter) + "]"


def _range(first: int, last: int) -> str:
    return _plain(first) if first == last else f"{_plain(first)}-{_plain(last)}"


def _plain(code: int) -> str:
    return f"\\{chr(code)}" if chr(code) in _SPECIAL else chr(code)

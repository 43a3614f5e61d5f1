"""The names of POPs. Pure. Source: the three facades, section 1.1 (POP name)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from entrepot.errors import InvalidValue

#: Characters of a POP's name at most.
_LONGEST = 200
_CODED = re.compile(r"(?P<location>.+) \((?P<code>[A-Z0-9]{2,8})\)")


@dataclass(frozen=True, slots=True)
class PopName:
    """A POP's name and its parts; `code` tells several POPs of one location apart, None where there is one."""

    text: str
    region: str
    location: str
    code: str | None


def read_pop_name(name: str) -> PopName:
    """Return the parts of `Region : Location` or `Region : Location (ABC)`; raises `InvalidValue`."""
    region, separator, location = name.partition(" : ")
    if not separator or not (_is_plain(region) and _is_plain(location)) or " : " in location or len(name) > _LONGEST:
        why = f"{name[:_LONGEST]!r} is no POP: write `Region : Location`, or `Region : Location (ABC)`, on one line"
        raise InvalidValue("name", why=f"{why} of at most {_LONGEST} characters")
    coded = _CODED.fullmatch(location)
    if coded is None:
        return PopName(name, region, location, None)
    return PopName(name, region, coded["location"], coded["code"])


def _is_plain(part: str) -> bool:
    return bool(part) and part == part.strip() and part.isprintable()

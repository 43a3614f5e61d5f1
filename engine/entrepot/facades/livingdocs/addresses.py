"""Which version and which channel a path names.

Versions came out in odd months; `v1` and `beta` are what the first of them was. Source: Livingdocs' public API, "Versioning".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from entrepot.facades.livingdocs.refusals import Refusal, gone, no_such_route

#: What is spoken besides the dated versions.
UNDATED = ("v1", "beta")
#: The dated versions that are spoken, oldest first; what came before them was retired.
DATED = ("2025-03", "2025-05", "2025-07", "2025-09", "2025-11", "2026-01", "2026-03", "2026-05")
#: The first version that answers with an object of `results` in place of an array.
_FIRST_WITH_RESULTS = "2026-01"
#: What a dated version looks like.
_RELEASE = re.compile(r"[0-9]{4}-(01|03|05|07|09|11)")
_EVENTS, _DESCRIPTION = "publicationEvents", "openapi.json"


@dataclass(frozen=True, slots=True)
class Address:
    """What a path names: events of the channel with the handle `channel`, None for the default one; or the description."""

    version: str
    channel: str | None = None
    is_description: bool = False

    @property
    def has_results(self) -> bool:
        """True if this version answers with an object, False if with an array."""
        return self.version in DATED and self.version >= _FIRST_WITH_RESULTS


def address_of(segments: tuple[str, ...], url: str) -> Address | Refusal:
    """Return what the parts of a path name, or what is answered to a path that names nothing; `url` is the path as sent."""
    if len(segments) < 2 or segments[0] != "api":  # noqa: PLR2004 - the word, and the version
        return no_such_route(url)
    version, rest = segments[1], segments[2:]
    if version not in UNDATED and version not in DATED:
        is_retired = _RELEASE.fullmatch(version) is not None and version < DATED[0]
        return gone(url) if is_retired else no_such_route(url)
    match rest:
        case (name,) if name == _EVENTS:
            return Address(version)
        case (name, handle) if name == _EVENTS and handle:
            return Address(version, handle)
        case (name,) if name == _DESCRIPTION:
            return Address(version, is_description=True)
        case _:
            return no_such_route(url)

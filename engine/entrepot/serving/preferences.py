"""Which media types a client prefers, by its Accept header; no I/O. Source: RFC 9110, section 12.5.1."""

from __future__ import annotations

from collections.abc import Mapping


def weights(accept: str) -> dict[str, float]:
    """Return the weight, 0 to 1, of each media type or range that an Accept header names, in lower case."""
    found: dict[str, float] = {}
    for member in accept.lower().split(","):
        kind, *parameters = (part.strip() for part in member.split(";"))
        weight = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    weight = float(parameter.removeprefix("q="))
                except ValueError:
                    weight = 0.0
        found[kind] = weight
    return found


def weight_of(kind: str, wanted: Mapping[str, float]) -> float:
    """Return the weight of a media type: its own, else that of the narrowest range that it lies in."""
    family = kind.partition("/")[0]
    return next((wanted[name] for name in (kind, f"{family}/*", "*/*") if name in wanted), 0.0)

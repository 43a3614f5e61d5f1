"""Which publication and which endpoint an address names. Pure.

`/publication/<publication>/addon/<prefix>.<publication>.<account>/<endpoint>` on a host whose first label is the account, or
the same behind `/pugpig/<account>` on any host. Source: Pugpig's help centre, "Distribution monitoring API".
"""

from __future__ import annotations

from dataclasses import dataclass

DESCRIPTION = "openapi.json"
#: What is read, and the only thing that is done.
ENDPOINTS = ("activity", "progress.json", "completed.json", "specification")
UPDATE = "action/update_content"
_SUFFIX_PARTS = 3


@dataclass(frozen=True, slots=True)
class Address:
    """What an address names: the `endpoint` of a publication; `edition` is given where an action is for one only.

    `base` is the path up to the endpoint, without a slash at its end, as the client wrote it.
    """

    account: str
    publication: str
    prefix: str
    endpoint: str
    base: str
    edition: str | None = None


def address_of(segments: tuple[str, ...], raw_path: str, host: str) -> Address | None:
    """Return what the decoded parts of a path name, None if that is nothing; `raw_path` is the path as it was sent."""
    if segments[:1] == ("pugpig",) and len(segments) > 1:
        account, parts, before = segments[1], segments[2:], 2
    else:
        account, parts, before = host.partition(".")[0], segments, 0
    if len(parts) < 5 or (parts[0], parts[2]) != ("publication", "addon"):  # noqa: PLR2004 - those four, and an endpoint
        return None
    publication, suffix, endpoint = parts[1], parts[3].split("."), parts[4:]
    if len(suffix) != _SUFFIX_PARTS or not all(suffix) or suffix[1:] != [publication, account]:
        return None
    base = "/".join(raw_path.split("/")[: before + 5])
    match endpoint:
        case (name,) if name in ENDPOINTS:
            return Address(account, publication, suffix[0], name, base)
        case ("action", "update_content"):
            return Address(account, publication, suffix[0], UPDATE, base)
        case ("action", "update_content", edition) if edition:
            return Address(account, publication, suffix[0], UPDATE, base, edition)
        case _:
            return None


def is_description(segments: tuple[str, ...]) -> bool:
    """Say whether a path names the OpenAPI document."""
    return segments in (("pugpig", DESCRIPTION), ("publication", DESCRIPTION))

"""Resource paths: what permissions are granted on, and what a request asks for."""

from __future__ import annotations

import re

from entrepot.errors import InvalidValue
from entrepot.models import storable

#: Segments below `/` of the deepest path that something can be granted on; what lies deeper is covered from above.
DEEPEST = 32
_LONGEST = 1000  # characters; PostgreSQL cannot index much more


def normalised(resource: object) -> str:
    """Return `resource` as grants name it: `/v2/repositories/zoo/`, one slash between segments, one at each end.

    Raises `InvalidValue` for what is no path of a resource.
    """
    if not isinstance(resource, str) or not resource.startswith("/") or storable(resource) != resource:
        raise InvalidValue("resource", why=f"{resource!r} is no path such as /v2/repositories/zoo/")
    path = re.sub("/+", "/", f"{resource}/")
    if len(path) > _LONGEST or path.count("/") - 1 > DEEPEST:
        raise InvalidValue("resource", why=f"it has more than {_LONGEST} characters or {DEEPEST} segments")
    return path


def is_search(path: str) -> bool:
    """Say whether a normalised path is that of a search: what is called `search` itself is not reached by its path.

    So whoever owns that gets nothing on the path, or he could search all the others. Source: the Pulp 2 REST contract, 1.1.
    """
    return path.endswith("/search/")


def ancestors(resource: str) -> list[str]:
    """Return `/` and every path on the way down to `resource`: a grant on any of them suffices.

    Source: the Pulp 2 REST contract, 1.6.
    """
    segments = [segment for segment in resource.split("/") if segment][:DEEPEST]
    paths = ["/"]
    for segment in segments:
        paths.append(f"{paths[-1]}{segment}/")
    return [path for path in paths if storable(path) == path]

"""The one unit type: a file with a name."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from entrepot.plugin import Unit

MANIFEST = "PULP_MANIFEST"  # the index of a feed and of a publication; no unit may have this name


class Iso(Unit, type_id="iso", key=("name", "checksum", "size"), repository_key=("name",)):
    """A file, whatever is in it; Pulp calls every plain file an ISO. Its only file is declared under its name."""

    name: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]+\z")]  # plain relative path; the importer checks the rest of it
    checksum: Annotated[str, Field(pattern=r"^[0-9a-f]{64}\z")]  # SHA-256
    size: Annotated[int, Field(ge=0)]  # bytes

"""What a search can look at of units, wherever they are searched. Source: the Pulp 2 REST contract, 4.6 and 4.7."""

from __future__ import annotations

import uuid

from entrepot.criteria import Document, Field

#: Characters of a unit's uid that its UUID shows.
UUID_DIGITS = 32
#: The expressions that every search of units reads: whether all its bytes are here, its UUID, what clients keep with it.
DOWNLOADED = "NOT EXISTS (SELECT 1 FROM unit_file WHERE unit_file.unit = unit.id AND unit_file.blob IS NULL)"
UNIT_ID = (
    "("
    + " || '-' || ".join(
        f"substr(unit.uid, {start}, {length})" for start, length in ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
    )
    + ")"
)
USER_METADATA = "COALESCE(unit.user_metadata, '{}')"
UNIT_TYPE = Field("text", "unit.unit_type")


def unit_id(uid: str) -> str:
    """Return the UUID of the unit with this uid."""
    return str(uuid.UUID(hex=uid[:UUID_DIGITS]))


def unit_document(created: str) -> Document:
    """Return the fields of units; `created` is the expression of when one came."""
    return Document(
        "units",
        {
            "_id": Field("text", UNIT_ID),
            "_ns": Field("text", "('units_' || unit.unit_type)"),
            "_content_type_id": UNIT_TYPE,
            "_storage_path": Field("text", "CAST(NULL AS TEXT)"),
            "_last_updated": Field("number", f"({created} / 1000000)"),
            "downloaded": Field("boolean", f"({DOWNLOADED})"),
            "pulp_user_metadata": Field("json", USER_METADATA),
        },
        rest=Field("json", "unit.data"),
    )

"""The tables of the content store: bytes, units and their files."""

from __future__ import annotations

import peewee

from entrepot.models.fields import JSONText, MomentField


class Blob(peewee.Model):
    """Bytes in the store, by digest; the row is written after the bytes are safe. Written by: content."""

    id = peewee.BigAutoField()
    sha256 = peewee.TextField(unique=True)
    size = peewee.BigIntegerField()
    created_at = MomentField()

    class Meta:
        """Where it is kept."""

        table_name = "blob"


class Unit(peewee.Model):
    """A content unit, stored once and associated with many repositories. Written by: content.

    `uid` is the SHA-256 of the unit key's canonical JSON; `data` holds all fields of the unit, key included. Where only one
    unit of its type may have some of those fields in one repository, `repository_key` is the canonical JSON of these.
    """

    id = peewee.BigAutoField()
    unit_type = peewee.TextField()
    uid = peewee.TextField()
    repository_key = peewee.TextField(null=True)
    data = JSONText()
    created_at = MomentField()

    class Meta:
        """Where it is kept."""

        table_name = "unit"


class UnitFile(peewee.Model):
    """A file of a unit. `blob` is null while its bytes are deferred. Written by: content."""

    unit = peewee.BigIntegerField()
    path = peewee.TextField()
    blob = peewee.BigIntegerField(null=True)
    size = peewee.BigIntegerField(null=True)
    digests = JSONText()

    class Meta:
        """Where it is kept."""

        table_name = "unit_file"
        primary_key = peewee.CompositeKey("unit", "path")

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
    unit of its type may have some of those fields in one repository, `repository_key` is the canonical JSON of these. `name`
    is what people look it up by, null if it has none; `user_metadata` is what clients keep with it, null for nothing.
    """

    id = peewee.BigAutoField()
    unit_type = peewee.TextField()
    uid = peewee.TextField()
    repository_key = peewee.TextField(null=True)
    name = peewee.TextField(null=True)
    data = JSONText()
    user_metadata = JSONText(null=True)
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


class UnitDocument(peewee.Model):
    """What a plugin keeps of a unit beside its fields, to publish it by: bytes that only it reads. Written by: content."""

    unit = peewee.BigIntegerField(primary_key=True)
    data = peewee.BlobField()

    class Meta:
        """Where it is kept."""

        table_name = "unit_document"


class RemoteFile(peewee.Model):
    """Where the file of a unit can be fetched, by one importer's configuration: the catalog. Written by: content.

    `url` is an address, or a path below the importer's feed. `failed_at`: when it was last found to be not what was promised.
    """

    unit = peewee.BigIntegerField()
    path = peewee.TextField()
    importer = peewee.BigIntegerField()
    url = peewee.TextField()
    failed_at = MomentField(null=True)

    class Meta:
        """Where it is kept."""

        table_name = "remote_file"
        primary_key = peewee.CompositeKey("unit", "path", "importer")


class Upload(peewee.Model):
    """An upload under way; its bytes lie in the store's `uploads` under its id. Written by: content.

    `size` is the end of the furthest piece that came, in bytes; `changed_at` is when the last one came.
    """

    id = peewee.BigAutoField()
    upload_id = peewee.TextField(unique=True)
    size = peewee.BigIntegerField()
    created_at = MomentField()
    changed_at = MomentField()

    class Meta:
        """Where it is kept."""

        table_name = "upload"


class HourlyMeasure(peewee.Model):
    """What was counted last within an hour, counted since 1970: blobs, their bytes, units. Written by: content."""

    name = peewee.TextField()
    hour = peewee.BigIntegerField()
    value = peewee.BigIntegerField()
    measured_at = MomentField()

    class Meta:
        """Where it is kept."""

        table_name = "hourly_measure"
        primary_key = peewee.CompositeKey("name", "hour")

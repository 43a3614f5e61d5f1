"""The tables of repositories: their plugins, contents, histories and publications."""

from __future__ import annotations

import peewee

from entrepot.models.fields import JSONText, MomentField


class Repository(peewee.Model):
    """A named set of content units. Written by: repositories.

    `revision` grows by one with every change of its contents.
    """

    id = peewee.BigAutoField()
    repository_id = peewee.TextField(unique=True)
    display_name = peewee.TextField(null=True)
    description = peewee.TextField(null=True)
    notes = JSONText()
    scratchpad = JSONText()
    revision = peewee.BigIntegerField(default=0)
    content_unit_counts = JSONText()
    last_unit_added = MomentField(null=True)
    last_unit_removed = MomentField(null=True)
    created_at = MomentField()

    class Meta:
        """Where it is kept."""

        table_name = "repository"


class RepositoryNote(peewee.Model):
    """A text in a repository's notes, for looking repositories up by it. Written by: repositories."""

    name = peewee.TextField()
    value = peewee.TextField()
    repository = peewee.BigIntegerField()

    class Meta:
        """Where it is kept."""

        table_name = "repository_note"
        primary_key = peewee.CompositeKey("name", "value", "repository")


class Importer(peewee.Model):
    """The importer of a repository, at most one. Written by: repositories.

    `sync_state` remembers what the last successful sync saw, so that an unchanged feed costs one request.
    """

    id = peewee.BigAutoField()
    repository = peewee.BigIntegerField(unique=True)
    importer_type_id = peewee.TextField()
    config = JSONText()
    scratchpad = JSONText(null=True)
    sync_state = JSONText(null=True)
    last_sync = MomentField(null=True)

    class Meta:
        """Where it is kept."""

        table_name = "importer"


class Distributor(peewee.Model):
    """A distributor of a repository; `live_revision` names the publication that is served. Written by: repositories."""

    id = peewee.BigAutoField()
    repository = peewee.BigIntegerField()
    distributor_id = peewee.TextField()
    distributor_type_id = peewee.TextField()
    config = JSONText()
    scratchpad = JSONText(null=True)
    auto_publish = peewee.BooleanField()
    base_path = peewee.TextField(unique=True)
    live_revision = peewee.BigIntegerField(null=True)
    last_publish = MomentField(null=True)

    class Meta:
        """Where it is kept."""

        table_name = "distributor"


class Association(peewee.Model):
    """A unit's stay in a repository, from `added_revision` up to but without `removed_revision`. Written by: repositories.

    `created_at` is null where it was added before that was kept.
    """

    repository = peewee.BigIntegerField()
    unit = peewee.BigIntegerField()
    added_revision = peewee.BigIntegerField()
    removed_revision = peewee.BigIntegerField(null=True)
    created_at = MomentField(null=True)

    class Meta:
        """Where it is kept."""

        table_name = "association"
        primary_key = peewee.CompositeKey("repository", "unit", "added_revision")


class SyncResult(peewee.Model):
    """One entry of a repository's sync history. Written by: repositories."""

    id = peewee.BigAutoField()
    repository = peewee.BigIntegerField()
    importer_type_id = peewee.TextField()
    task_id = peewee.TextField(null=True)
    started_at = MomentField()
    completed_at = MomentField()
    result = peewee.TextField()
    added_count = peewee.BigIntegerField(null=True)
    updated_count = peewee.BigIntegerField(null=True)
    removed_count = peewee.BigIntegerField(null=True)
    summary = JSONText(null=True)
    details = JSONText(null=True)
    error_message = peewee.TextField(null=True)
    exception = peewee.TextField(null=True)
    traceback = peewee.TextField(null=True)

    class Meta:
        """Where it is kept."""

        table_name = "sync_result"


class PublishResult(peewee.Model):
    """One entry of a distributor's publish history. Written by: repositories."""

    id = peewee.BigAutoField()
    repository = peewee.BigIntegerField()
    distributor_id = peewee.TextField()
    distributor_type_id = peewee.TextField()
    task_id = peewee.TextField(null=True)
    started_at = MomentField()
    completed_at = MomentField()
    result = peewee.TextField()
    summary = JSONText(null=True)
    details = JSONText(null=True)
    error_message = peewee.TextField(null=True)
    exception = peewee.TextField(null=True)
    traceback = peewee.TextField(null=True)

    class Meta:
        """Where it is kept."""

        table_name = "publish_result"


class Publication(peewee.Model):
    """One immutable state of what a distributor publishes; its entries are rows of `entry`. Written by: repositories.

    `fingerprint` stands for the configuration and the plugin that made it: with the same one, and a newer
    `repository_revision`, only the difference is published. `live_until` is when it was last served, null if that is now
    or was never.
    """

    id = peewee.BigAutoField()
    distributor = peewee.BigIntegerField()
    revision = peewee.BigIntegerField()
    repository_revision = peewee.BigIntegerField()
    fingerprint = peewee.TextField()
    created_at = MomentField()
    entry_count = peewee.BigIntegerField()
    added_count = peewee.BigIntegerField()
    updated_count = peewee.BigIntegerField()
    removed_count = peewee.BigIntegerField()
    live_until = MomentField(null=True)

    class Meta:
        """Where it is kept."""

        table_name = "publication"


class Entry(peewee.Model):
    """A published path, from `added_revision` up to but without `removed_revision`. Written by: repositories.

    `blob` is null while the bytes have not been fetched: then they are those of `file` of `unit`.
    """

    distributor = peewee.BigIntegerField()
    path = peewee.TextField()
    added_revision = peewee.BigIntegerField()
    removed_revision = peewee.BigIntegerField(null=True)
    added_at = MomentField()
    blob = peewee.BigIntegerField(null=True)
    unit = peewee.BigIntegerField(null=True)
    file = peewee.TextField(null=True)

    class Meta:
        """Where it is kept."""

        table_name = "entry"
        primary_key = peewee.CompositeKey("distributor", "path", "added_revision")

"""The tables of what happened, as others are told of it."""

from __future__ import annotations

import peewee

from entrepot.models.fields import MomentField


class Counter(peewee.Model):
    """The last number that was given under a name, and when. Written by: events.

    Its row is held until whoever took a number has committed, so numbers become visible in their order.
    """

    name = peewee.TextField(primary_key=True)
    last = peewee.BigIntegerField()
    at = MomentField()

    class Meta:
        """Where it is kept."""

        table_name = "counter"


class Document(peewee.Model):
    """A repository (named by its id) or a content unit, with a number of its own for good. Written by: events.

    Rows are never deleted, so that no number is given twice.
    """

    id = peewee.BigAutoField()
    kind = peewee.TextField()  # repository or unit
    name = peewee.TextField()

    class Meta:
        """Where it is kept."""

        table_name = "document"


class PublicationEvent(peewee.Model):
    """What became of a document when what is served changed. Written by: events.

    Written by the transaction that changed it; ids become visible in their order, and `created_at` never falls.
    `content_type` is the type of the repository's importer, `unit_type` that of a unit.
    """

    id = peewee.BigIntegerField(primary_key=True)
    created_at = MomentField()
    event_type = peewee.TextField()  # publish, unpublish or update
    document = peewee.BigIntegerField()
    repository_id = peewee.TextField()
    distributor_id = peewee.TextField()
    unit_type = peewee.TextField(null=True)
    content_type = peewee.TextField(null=True)
    publication_id = peewee.BigIntegerField()
    task_id = peewee.TextField(null=True)

    class Meta:
        """Where it is kept."""

        table_name = "publication_event"


class Activity(peewee.Model):
    """A line of the log of a repository, for people. Written by: events."""

    id = peewee.BigIntegerField(primary_key=True)
    created_at = MomentField()
    level = peewee.TextField()  # notice, warning or error
    repository_id = peewee.TextField()
    distributor_id = peewee.TextField(null=True)
    task_id = peewee.TextField(null=True)
    message = peewee.TextField()

    class Meta:
        """Where it is kept."""

        table_name = "activity"

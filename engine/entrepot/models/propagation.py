"""The tables of the edge: POPs and their servers, deploys and how far they have got."""

from __future__ import annotations

import peewee

from entrepot.models.fields import JSONText, MomentField


class Pop(peewee.Model):
    """A point of presence: servers at one place. Written by: propagation.

    `name` is `region : location`, with ` (code)` where there are several at one location.
    """

    id = peewee.BigAutoField()
    network = peewee.TextField()
    name = peewee.TextField()
    region = peewee.TextField()
    location = peewee.TextField()
    code = peewee.TextField(null=True)
    max_pushes = peewee.IntegerField()  # at once, to all its servers
    created_at = MomentField()

    class Meta:
        """Where it is kept."""

        table_name = "pop"


class EdgeServer(peewee.Model):
    """A server of a POP: the URL that is pushed to, and the options, secrets among them, to do so. Written by: propagation."""

    id = peewee.BigAutoField()
    pop = peewee.BigIntegerField()
    url = peewee.TextField()
    options = JSONText()
    created_at = MomentField()

    class Meta:
        """Where it is kept."""

        table_name = "edge_server"


class Deploy(peewee.Model):
    """A publication on its way to the servers of a network. Written by: propagation.

    Its id is a number of the counter `deploy`, never given twice. `state` is new, propagating, propagated, failed, canceled
    or superseded. `revision` is the publication's, null while it is not built. `message` is what who asked for it said,
    `reason` why it ended as it did.
    """

    id = peewee.BigIntegerField(primary_key=True)
    repository_id = peewee.TextField()
    distributor_id = peewee.TextField()
    distributor = peewee.BigIntegerField(null=True)
    revision = peewee.BigIntegerField(null=True)
    environment = peewee.TextField()  # production or staging
    network = peewee.TextField()
    state = peewee.TextField()
    message = peewee.TextField(null=True)
    reason = peewee.TextField(null=True)
    requested_by = peewee.TextField(null=True)
    task_id = peewee.TextField(null=True)
    created_at = MomentField()
    started_at = MomentField(null=True)
    finished_at = MomentField(null=True)

    class Meta:
        """Where it is kept."""

        table_name = "deploy"


class DeployPop(peewee.Model):
    """How many of a POP's servers a deploy goes to, has reached and has given up. Written by: propagation.

    The POP's id may be one that is gone; `name` is as it was when the deploy began.
    """

    deploy = peewee.BigIntegerField()
    pop = peewee.BigIntegerField()
    name = peewee.TextField()
    server_count = peewee.BigIntegerField()
    done_count = peewee.BigIntegerField(default=0)
    failed_count = peewee.BigIntegerField(default=0)

    class Meta:
        """Where it is kept."""

        table_name = "deploy_pop"
        primary_key = peewee.CompositeKey("deploy", "pop")


class DeployServer(peewee.Model):
    """A deploy's push to one server. Written by: propagation.

    `state` is pending, pushing, retrying, done, failed or canceled; `acked_at` is when it was done.
    """

    deploy = peewee.BigIntegerField()
    server = peewee.BigIntegerField()
    pop = peewee.BigIntegerField()
    url = peewee.TextField()
    state = peewee.TextField()
    attempts = peewee.IntegerField(default=0)
    file_count = peewee.BigIntegerField(default=0)
    byte_count = peewee.BigIntegerField(default=0)
    error = peewee.TextField(null=True)
    task_id = peewee.TextField(null=True)
    next_attempt_at = MomentField(null=True)
    started_at = MomentField(null=True)
    acked_at = MomentField(null=True)

    class Meta:
        """Where it is kept."""

        table_name = "deploy_server"
        primary_key = peewee.CompositeKey("deploy", "server")

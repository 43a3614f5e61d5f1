"""The tables of schedules."""

from __future__ import annotations

import peewee

from entrepot.models.fields import JSONText, MomentField


class Schedule(peewee.Model):
    """What is to run, and when. Written by: schedules.

    `kind` is sync, publish or task. The first two name their repository and its importer or distributor, and go with them;
    a task has a type and arguments. `next_run` is what the clockwork goes by: null when no run is left.
    """

    id = peewee.BigAutoField()
    schedule_id = peewee.TextField(unique=True)
    kind = peewee.TextField()
    repository = peewee.BigIntegerField(null=True)
    importer = peewee.BigIntegerField(null=True)
    distributor = peewee.BigIntegerField(null=True)
    task_type = peewee.TextField(null=True)
    arguments = JSONText(null=True)  # of a task: [args, kwargs]
    override_config = JSONText()
    schedule = peewee.TextField()  # as it was given
    time_zone = peewee.TextField(null=True)
    enabled = peewee.BooleanField()
    failure_threshold = peewee.IntegerField(null=True)
    consecutive_failures = peewee.IntegerField(default=0)
    first_run = MomentField()
    next_run = MomentField(null=True)
    last_run_at = MomentField(null=True)
    remaining_runs = peewee.BigIntegerField(null=True)
    total_run_count = peewee.BigIntegerField(default=0)
    overlap = peewee.TextField(default="coalesce")  # or queue
    jitter_seconds = peewee.IntegerField(default=0)
    created_at = MomentField()
    last_updated = MomentField()

    class Meta:
        """Where it is kept."""

        table_name = "schedule"


class ScheduledRun(peewee.Model):
    """A task that a schedule has enqueued, and whose end it has not counted yet. Written by: schedules."""

    id = peewee.BigAutoField()
    schedule = peewee.BigIntegerField()
    task_id = peewee.TextField()

    class Meta:
        """Where it is kept."""

        table_name = "scheduled_run"

"""The tables of the walk of a task."""

from __future__ import annotations

import peewee

from entrepot.models.fields import JSONText, MomentField


class TaskGroup(peewee.Model):
    """Tasks that are watched and cancelled together. Written by: tasking."""

    id = peewee.BigAutoField()
    group_id = peewee.TextField(unique=True)
    created_at = MomentField()

    class Meta:
        """Where it is kept."""

        table_name = "task_group"


class Task(peewee.Model):
    """One task, from enqueue to retention: the truth of the queue. Written by: tasking.

    A task is *unfinished* while `finished_at` is null: it holds its reservations until then. A task canceled while it
    ran has state `canceled` at once and `finished_at` when its function has really stopped.
    """

    id = peewee.BigAutoField()
    task_id = peewee.TextField(unique=True)
    task_type = peewee.TextField()
    state = peewee.TextField()
    arguments = JSONText()
    tags = JSONText()
    parent = peewee.BigIntegerField(null=True)
    task_group = peewee.BigIntegerField(null=True)
    idempotency_key = peewee.TextField(null=True)
    idempotent = peewee.BooleanField()
    timeout_us = peewee.BigIntegerField(null=True)
    queue = peewee.TextField(default="default")
    priority = peewee.SmallIntegerField(default=1)  # 0 high, 1 default, 2 low
    not_before = MomentField(null=True)  # delayed, or waiting for its next try
    reserves = JSONText(null=True)  # what a delayed task reserves when it is due: [[name, exclusive, capacity], …]
    retries = peewee.IntegerField(default=0)
    created_at = MomentField()
    ready_at = MomentField(null=True)
    started_at = MomentField(null=True)
    finished_at = MomentField(null=True)
    attempt = peewee.IntegerField(default=0)
    rescues = peewee.IntegerField(default=0)
    owner = peewee.TextField(null=True)
    lease_until = peewee.BigIntegerField(null=True)  # by Database.lease_now_us(), not by the wall clock
    progress = JSONText(null=True)
    result = JSONText(null=True)
    error = JSONText(null=True)
    traceback = peewee.TextField(null=True)

    class Meta:
        """Where it is kept."""

        table_name = "task"


class TaskTag(peewee.Model):
    """A task's tags, for looking tasks up by tag. Written by: tasking."""

    tag = peewee.TextField()
    task = peewee.BigIntegerField()

    class Meta:
        """Where it is kept."""

        table_name = "task_tag"
        primary_key = peewee.CompositeKey("tag", "task")


class Reservation(peewee.Model):
    """What an unfinished task has reserved; gone as soon as it is finished. Written by: tasking.

    With a `capacity`, the first so many in line may hold the resource at the same time: a limit.
    """

    resource = peewee.TextField()
    task = peewee.BigIntegerField()
    exclusive = peewee.BooleanField()
    capacity = peewee.IntegerField(null=True)

    class Meta:
        """Where it is kept."""

        table_name = "reservation"
        primary_key = peewee.CompositeKey("resource", "task")


class TaskAttempt(peewee.Model):
    """A run of a task that did not end it: it is tried again, or its worker was lost. Written by: tasking."""

    task = peewee.BigIntegerField()
    attempt = peewee.IntegerField()
    worker = peewee.TextField(null=True)
    started_at = MomentField(null=True)
    ended_at = MomentField()
    error = JSONText(null=True)

    class Meta:
        """Where it is kept."""

        table_name = "task_attempt"
        primary_key = peewee.CompositeKey("task", "attempt")


class Worker(peewee.Model):
    """A worker process that shows signs of life. Written by: tasking."""

    name = peewee.TextField(primary_key=True)
    host = peewee.TextField()
    pid = peewee.BigIntegerField()
    threads = peewee.IntegerField()
    version = peewee.TextField()
    started_at = MomentField()
    beat_at = MomentField()
    queues = JSONText(default="[]")  # what it serves; empty: every queue
    state = peewee.TextField(default="active")  # active, drained, retiring
    tasks_ended = peewee.BigIntegerField(default=0)
    rss_bytes = peewee.BigIntegerField(null=True)

    class Meta:
        """Where it is kept."""

        table_name = "worker"


class WorkerDrain(peewee.Model):
    """Workers that are to claim nothing: `worker:NAME`, `host:NAME` or `all`. Written by: tasking."""

    target = peewee.TextField(primary_key=True)
    created_at = MomentField()

    class Meta:
        """Where it is kept."""

        table_name = "worker_drain"


class HourlyTasks(peewee.Model):
    """How many tasks of a type ended in a state within an hour, and the time they took. Written by: tasking.

    `hour` counts since 1970. `run_us` and `wait_us` are microseconds of all of them together: from start to end, and from
    their making to their start.
    """

    hour = peewee.BigIntegerField()
    task_type = peewee.TextField()
    state = peewee.TextField()
    tasks = peewee.BigIntegerField()
    run_us = peewee.BigIntegerField()
    wait_us = peewee.BigIntegerField()

    class Meta:
        """Where it is kept."""

        table_name = "hourly_tasks"
        primary_key = peewee.CompositeKey("hour", "task_type", "state")

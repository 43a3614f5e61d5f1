"""Schedules, and the tasks they have enqueued that have not been counted yet."""

STATEMENTS = (
    """
    CREATE TABLE schedule (
        id {id},
        schedule_id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        repository BIGINT REFERENCES repository (id) ON DELETE CASCADE,
        importer BIGINT REFERENCES importer (id) ON DELETE CASCADE,
        distributor BIGINT REFERENCES distributor (id) ON DELETE CASCADE,
        task_type TEXT,
        arguments TEXT,
        override_config TEXT NOT NULL,
        schedule TEXT NOT NULL,
        time_zone TEXT,
        enabled BOOLEAN NOT NULL,
        failure_threshold INTEGER,
        consecutive_failures INTEGER NOT NULL DEFAULT 0,
        first_run BIGINT NOT NULL,
        next_run BIGINT,
        last_run_at BIGINT,
        remaining_runs BIGINT,
        total_run_count BIGINT NOT NULL DEFAULT 0,
        overlap TEXT NOT NULL DEFAULT 'coalesce',
        jitter_seconds INTEGER NOT NULL DEFAULT 0,
        created_at BIGINT NOT NULL,
        last_updated BIGINT NOT NULL
    )
    """,
    "CREATE INDEX schedule_due ON schedule (next_run, id) WHERE enabled",
    "CREATE INDEX schedule_of_repository ON schedule (repository) WHERE repository IS NOT NULL",
    "CREATE INDEX schedule_of_importer ON schedule (importer) WHERE importer IS NOT NULL",
    "CREATE INDEX schedule_of_distributor ON schedule (distributor) WHERE distributor IS NOT NULL",
    """
    CREATE TABLE scheduled_run (
        id {id},
        schedule BIGINT NOT NULL REFERENCES schedule (id) ON DELETE CASCADE,
        task_id TEXT NOT NULL
    )
    """,
    "CREATE INDEX scheduled_run_of_schedule ON scheduled_run (schedule)",
)

"""Queues, priorities, delays, retries and limits of tasks; queues and states of workers; one statement to enqueue."""

STATEMENTS = (
    "ALTER TABLE task ADD COLUMN queue TEXT NOT NULL DEFAULT 'default'",
    "ALTER TABLE task ADD COLUMN priority SMALLINT NOT NULL DEFAULT 1",
    "ALTER TABLE task ADD COLUMN not_before BIGINT",
    "ALTER TABLE task ADD COLUMN reserves TEXT",
    "ALTER TABLE task ADD COLUMN retries INTEGER NOT NULL DEFAULT 0",
    "DROP INDEX task_ready",
    "CREATE INDEX task_ready ON task (priority, id, queue) WHERE state = 'waiting' AND ready_at IS NOT NULL",
    "CREATE INDEX task_due ON task (not_before) WHERE state = 'waiting' AND not_before IS NOT NULL",
    "ALTER TABLE reservation ADD COLUMN capacity INTEGER",
    """
    CREATE TABLE task_attempt (
        task BIGINT NOT NULL,
        attempt INTEGER NOT NULL,
        worker TEXT,
        started_at BIGINT,
        ended_at BIGINT NOT NULL,
        error TEXT,
        PRIMARY KEY (task, attempt)
    ) {clustered}
    """,
    "ALTER TABLE worker ADD COLUMN queues TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE worker ADD COLUMN state TEXT NOT NULL DEFAULT 'active'",
    "ALTER TABLE worker ADD COLUMN tasks_ended BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE worker ADD COLUMN rss_bytes BIGINT",
    """
    CREATE TABLE worker_drain (
        target TEXT NOT NULL PRIMARY KEY,
        created_at BIGINT NOT NULL
    )
    """,
)

#: Steps 1 and 2 of the walk of a task in one round trip: each statement of a volatile function sees what was committed
#: before it, so the look for earlier reservations sees all that the advisory locks waited for.
POSTGRESQL = (
    """
    CREATE FUNCTION entrepot_submit(
        new_task_id TEXT, new_type TEXT, new_arguments TEXT, new_tags TEXT, new_parent BIGINT, new_group BIGINT, new_key TEXT,
        new_idempotent BOOLEAN, new_timeout_us BIGINT, new_queue TEXT, new_priority INTEGER, new_moment BIGINT,
        tag_names TEXT[], resource_names TEXT[], are_exclusive BOOLEAN[], capacities INTEGER[],
        OUT new_id BIGINT, OUT is_ready BOOLEAN
    ) LANGUAGE plpgsql AS $$
    DECLARE
        n INTEGER;
    BEGIN
        is_ready := TRUE;
        PERFORM pg_advisory_xact_lock(key) FROM (
            SELECT DISTINCT hashtextextended(name, 0) AS key FROM unnest(resource_names) AS name ORDER BY 1) AS keys;
        FOR n IN 1 .. cardinality(resource_names) LOOP
            EXIT WHEN NOT is_ready;
            IF capacities[n] IS NOT NULL THEN
                is_ready := capacities[n] > (SELECT count(*) FROM (
                    SELECT 1 FROM reservation WHERE resource = resource_names[n] LIMIT capacities[n]) AS earlier);
            ELSIF are_exclusive[n] THEN
                is_ready := NOT EXISTS (SELECT 1 FROM reservation WHERE resource = resource_names[n]);
            ELSE
                is_ready := NOT EXISTS (SELECT 1 FROM reservation WHERE resource = resource_names[n] AND exclusive = TRUE);
            END IF;
        END LOOP;
        INSERT INTO task (task_id, task_type, state, arguments, tags, parent, task_group, idempotency_key, idempotent,
                          timeout_us, queue, priority, created_at, ready_at)
        VALUES (new_task_id, new_type, 'waiting', new_arguments, new_tags, new_parent, new_group, new_key, new_idempotent,
                new_timeout_us, new_queue, new_priority, new_moment, CASE WHEN is_ready THEN new_moment END)
        ON CONFLICT (idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
        RETURNING id INTO new_id;
        IF new_id IS NULL THEN
            RETURN;
        END IF;
        FOR n IN 1 .. cardinality(resource_names) LOOP
            INSERT INTO reservation (resource, task, exclusive, capacity)
            VALUES (resource_names[n], new_id, are_exclusive[n], capacities[n]);
        END LOOP;
        FOR n IN 1 .. cardinality(tag_names) LOOP
            INSERT INTO task_tag (tag, task) VALUES (tag_names[n], new_id) ON CONFLICT DO NOTHING;
        END LOOP;
    END
    $$
    """,
)

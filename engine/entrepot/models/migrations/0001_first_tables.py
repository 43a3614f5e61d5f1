"""Tasks and their reservations; blobs, units, repositories, histories and publications."""

STATEMENTS = (
    # -- tasking ------------------------------------------------------------------------------------------------
    """
    CREATE TABLE task_group (
        id {id},
        group_id TEXT NOT NULL UNIQUE,
        created_at BIGINT NOT NULL
    )
    """,
    """
    CREATE TABLE task (
        id {id},
        task_id TEXT NOT NULL UNIQUE,
        task_type TEXT NOT NULL,
        state TEXT NOT NULL,
        arguments TEXT NOT NULL,
        tags TEXT NOT NULL,
        parent BIGINT,
        task_group BIGINT,
        idempotency_key TEXT,
        idempotent BOOLEAN NOT NULL,
        timeout_us BIGINT,
        created_at BIGINT NOT NULL,
        ready_at BIGINT,
        started_at BIGINT,
        finished_at BIGINT,
        attempt INTEGER NOT NULL DEFAULT 0,
        rescues INTEGER NOT NULL DEFAULT 0,
        owner TEXT,
        lease_until BIGINT,
        progress TEXT,
        result TEXT,
        error TEXT,
        traceback TEXT
    )
    """,
    "CREATE INDEX task_ready ON task (id) WHERE state = 'waiting' AND ready_at IS NOT NULL",
    "CREATE INDEX task_unready ON task (id) WHERE state = 'waiting' AND ready_at IS NULL",
    "CREATE INDEX task_leased ON task (lease_until) WHERE owner IS NOT NULL AND finished_at IS NULL",
    "CREATE INDEX task_finished ON task (finished_at) WHERE finished_at IS NOT NULL",
    "CREATE INDEX task_parent ON task (parent) WHERE parent IS NOT NULL",
    "CREATE INDEX task_in_group ON task (task_group) WHERE task_group IS NOT NULL",
    "CREATE UNIQUE INDEX task_idempotency_key ON task (idempotency_key) WHERE idempotency_key IS NOT NULL",
    """
    CREATE TABLE task_tag (
        tag TEXT NOT NULL,
        task BIGINT NOT NULL,
        PRIMARY KEY (tag, task)
    ) {clustered}
    """,
    """
    CREATE TABLE reservation (
        resource TEXT NOT NULL,
        task BIGINT NOT NULL,
        exclusive BOOLEAN NOT NULL,
        PRIMARY KEY (resource, task)
    ) {clustered}
    """,
    "CREATE INDEX reservation_exclusive ON reservation (resource, exclusive, task)",
    "CREATE INDEX reservation_task ON reservation (task)",
    """
    CREATE TABLE worker (
        name TEXT NOT NULL PRIMARY KEY,
        host TEXT NOT NULL,
        pid BIGINT NOT NULL,
        threads INTEGER NOT NULL,
        version TEXT NOT NULL,
        started_at BIGINT NOT NULL,
        beat_at BIGINT NOT NULL
    )
    """,
    # -- content ------------------------------------------------------------------------------------------------
    """
    CREATE TABLE blob (
        id {id},
        sha256 TEXT NOT NULL UNIQUE,
        size BIGINT NOT NULL,
        created_at BIGINT NOT NULL
    )
    """,
    """
    CREATE TABLE unit (
        id {id},
        unit_type TEXT NOT NULL,
        uid TEXT NOT NULL,
        repository_key TEXT,
        data TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        UNIQUE (uid, unit_type)
    )
    """,
    "CREATE INDEX unit_repository_key ON unit (repository_key, unit_type) WHERE repository_key IS NOT NULL",
    """
    CREATE TABLE unit_file (
        unit BIGINT NOT NULL REFERENCES unit (id) ON DELETE CASCADE,
        path TEXT NOT NULL,
        blob BIGINT REFERENCES blob (id),
        size BIGINT,
        digests TEXT NOT NULL,
        PRIMARY KEY (unit, path)
    ) {clustered}
    """,
    # -- repositories -------------------------------------------------------------------------------------------
    """
    CREATE TABLE repository (
        id {id},
        repository_id TEXT NOT NULL UNIQUE,
        display_name TEXT,
        description TEXT,
        notes TEXT NOT NULL,
        scratchpad TEXT NOT NULL,
        revision BIGINT NOT NULL DEFAULT 0,
        content_unit_counts TEXT NOT NULL,
        last_unit_added BIGINT,
        last_unit_removed BIGINT,
        created_at BIGINT NOT NULL
    )
    """,
    """
    CREATE TABLE importer (
        id {id},
        repository BIGINT NOT NULL UNIQUE REFERENCES repository (id) ON DELETE CASCADE,
        importer_type_id TEXT NOT NULL,
        config TEXT NOT NULL,
        scratchpad TEXT,
        sync_state TEXT,
        last_sync BIGINT
    )
    """,
    """
    CREATE TABLE distributor (
        id {id},
        repository BIGINT NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
        distributor_id TEXT NOT NULL,
        distributor_type_id TEXT NOT NULL,
        config TEXT NOT NULL,
        scratchpad TEXT,
        auto_publish BOOLEAN NOT NULL,
        base_path TEXT NOT NULL UNIQUE,
        live_revision BIGINT,
        last_publish BIGINT,
        UNIQUE (repository, distributor_id)
    )
    """,
    """
    CREATE TABLE association (
        repository BIGINT NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
        unit BIGINT NOT NULL REFERENCES unit (id),
        added_revision BIGINT NOT NULL,
        removed_revision BIGINT,
        PRIMARY KEY (repository, unit, added_revision)
    ) {clustered}
    """,
    "CREATE INDEX association_added ON association (repository, added_revision)",
    "CREATE INDEX association_removed ON association (repository, removed_revision) WHERE removed_revision IS NOT NULL",
    """
    CREATE TABLE sync_result (
        id {id},
        repository BIGINT NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
        importer_type_id TEXT NOT NULL,
        task_id TEXT,
        started_at BIGINT NOT NULL,
        completed_at BIGINT NOT NULL,
        result TEXT NOT NULL,
        added_count BIGINT,
        updated_count BIGINT,
        removed_count BIGINT,
        summary TEXT,
        details TEXT,
        error_message TEXT,
        exception TEXT,
        traceback TEXT
    )
    """,
    "CREATE INDEX sync_result_started ON sync_result (repository, started_at)",
    """
    CREATE TABLE publish_result (
        id {id},
        repository BIGINT NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
        distributor_id TEXT NOT NULL,
        distributor_type_id TEXT NOT NULL,
        task_id TEXT,
        started_at BIGINT NOT NULL,
        completed_at BIGINT NOT NULL,
        result TEXT NOT NULL,
        summary TEXT,
        details TEXT,
        error_message TEXT,
        exception TEXT,
        traceback TEXT
    )
    """,
    "CREATE INDEX publish_result_started ON publish_result (repository, distributor_id, started_at)",
    """
    CREATE TABLE publication (
        id {id},
        distributor BIGINT NOT NULL REFERENCES distributor (id) ON DELETE CASCADE,
        revision BIGINT NOT NULL,
        repository_revision BIGINT NOT NULL,
        fingerprint TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        entry_count BIGINT NOT NULL,
        added_count BIGINT NOT NULL,
        updated_count BIGINT NOT NULL,
        removed_count BIGINT NOT NULL,
        live_until BIGINT,
        UNIQUE (distributor, revision)
    )
    """,
    """
    CREATE TABLE entry (
        distributor BIGINT NOT NULL REFERENCES distributor (id) ON DELETE CASCADE,
        path TEXT {bytewise} NOT NULL,
        added_revision BIGINT NOT NULL,
        removed_revision BIGINT,
        added_at BIGINT NOT NULL,
        blob BIGINT NOT NULL REFERENCES blob (id),
        PRIMARY KEY (distributor, path, added_revision)
    ) {clustered}
    """,
    "CREATE INDEX entry_removed ON entry (distributor, removed_revision) WHERE removed_revision IS NOT NULL",
)

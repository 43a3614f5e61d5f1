"""What was published, where it has got to, and who may see that in which of the facades."""

STATEMENTS = (
    # -- events ----------------------------------------------------------------------------------------------------
    """
    CREATE TABLE counter (
        name TEXT PRIMARY KEY,
        last BIGINT NOT NULL,
        at BIGINT NOT NULL
    )
    """,
    """
    INSERT INTO counter (name, last, at)
    VALUES ('activity', 0, 0), ('deploy', 0, 0), ('publication', 0, 0), ('publication_event', 0, 0)
    """,
    """
    CREATE TABLE document (
        id {id},
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        UNIQUE (kind, name)
    )
    """,
    """
    CREATE TABLE publication_event (
        id BIGINT PRIMARY KEY,
        created_at BIGINT NOT NULL,
        event_type TEXT NOT NULL,
        document BIGINT NOT NULL REFERENCES document (id),
        repository_id TEXT NOT NULL,
        distributor_id TEXT NOT NULL,
        unit_type TEXT,
        content_type TEXT,
        publication_id BIGINT NOT NULL,
        task_id TEXT
    )
    """,
    "CREATE INDEX publication_event_of_distributor ON publication_event (repository_id, distributor_id, id)",
    "CREATE INDEX publication_event_at ON publication_event (created_at, id)",
    """
    CREATE TABLE activity (
        id BIGINT PRIMARY KEY,
        created_at BIGINT NOT NULL,
        level TEXT NOT NULL,
        repository_id TEXT NOT NULL,
        distributor_id TEXT,
        task_id TEXT,
        message TEXT NOT NULL
    )
    """,
    "CREATE INDEX activity_of_repository ON activity (repository_id, id)",
    "CREATE INDEX activity_at ON activity (created_at)",
    # -- propagation -----------------------------------------------------------------------------------------------
    """
    CREATE TABLE pop (
        id {id},
        network TEXT NOT NULL,
        name TEXT NOT NULL,
        region TEXT NOT NULL,
        location TEXT NOT NULL,
        code TEXT,
        max_pushes INTEGER NOT NULL,
        created_at BIGINT NOT NULL,
        UNIQUE (network, name)
    )
    """,
    """
    CREATE TABLE edge_server (
        id {id},
        pop BIGINT NOT NULL REFERENCES pop (id) ON DELETE CASCADE,
        url TEXT NOT NULL,
        options TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        UNIQUE (pop, url)
    )
    """,
    """
    CREATE TABLE deploy (
        id BIGINT PRIMARY KEY,
        repository_id TEXT NOT NULL,
        distributor_id TEXT NOT NULL,
        distributor BIGINT REFERENCES distributor (id) ON DELETE SET NULL,
        revision BIGINT,
        environment TEXT NOT NULL,
        network TEXT NOT NULL,
        state TEXT NOT NULL,
        message TEXT,
        reason TEXT,
        requested_by TEXT,
        task_id TEXT,
        created_at BIGINT NOT NULL,
        started_at BIGINT,
        finished_at BIGINT
    )
    """,
    "CREATE INDEX deploy_of_distributor ON deploy (repository_id, distributor_id, id)",
    "CREATE INDEX deploy_of_row ON deploy (distributor) WHERE distributor IS NOT NULL",
    "CREATE INDEX deploy_of_task ON deploy (task_id) WHERE task_id IS NOT NULL",
    "CREATE INDEX deploy_under_way ON deploy (state) WHERE finished_at IS NULL",
    """
    CREATE TABLE deploy_pop (
        deploy BIGINT NOT NULL REFERENCES deploy (id) ON DELETE CASCADE,
        pop BIGINT NOT NULL,
        name TEXT NOT NULL,
        server_count BIGINT NOT NULL,
        done_count BIGINT NOT NULL DEFAULT 0,
        failed_count BIGINT NOT NULL DEFAULT 0,
        PRIMARY KEY (deploy, pop)
    )
    """,
    """
    CREATE TABLE deploy_server (
        deploy BIGINT NOT NULL REFERENCES deploy (id) ON DELETE CASCADE,
        server BIGINT NOT NULL,
        pop BIGINT NOT NULL,
        url TEXT NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        file_count BIGINT NOT NULL DEFAULT 0,
        byte_count BIGINT NOT NULL DEFAULT 0,
        error TEXT,
        task_id TEXT,
        next_attempt_at BIGINT,
        started_at BIGINT,
        acked_at BIGINT,
        PRIMARY KEY (deploy, server)
    )
    """,
    "CREATE INDEX deploy_server_of_pop ON deploy_server (deploy, pop)",
    "CREATE INDEX deploy_server_of_server ON deploy_server (server)",
    # -- tenants of the facades --------------------------------------------------------------------------------------
    """
    CREATE TABLE tenant (
        id {id},
        facade TEXT NOT NULL,
        name TEXT NOT NULL,
        settings TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        UNIQUE (facade, name)
    )
    """,
    """
    CREATE TABLE tenant_channel (
        id {id},
        tenant BIGINT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
        handle TEXT NOT NULL,
        is_default BOOLEAN NOT NULL,
        settings TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        UNIQUE (tenant, handle)
    )
    """,
    """
    CREATE TABLE tenant_source (
        id {id},
        channel BIGINT NOT NULL REFERENCES tenant_channel (id) ON DELETE CASCADE,
        repository_id TEXT NOT NULL,
        distributor_id TEXT NOT NULL,
        UNIQUE (channel, repository_id, distributor_id)
    )
    """,
    """
    CREATE TABLE tenant_token (
        id {id},
        tenant BIGINT NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
        channel BIGINT REFERENCES tenant_channel (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        token_hash TEXT NOT NULL UNIQUE,
        scopes TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        expires_at BIGINT,
        last_used_at BIGINT
    )
    """,
    "CREATE INDEX tenant_token_of_tenant ON tenant_token (tenant, name)",
    "CREATE INDEX tenant_token_of_channel ON tenant_token (channel) WHERE channel IS NOT NULL",
)

"""What people see: sessions of the dashboard, the audit log, and counts by the hour."""

STATEMENTS = (
    """
    CREATE TABLE login_session (
        digest TEXT NOT NULL PRIMARY KEY,
        user_account BIGINT NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
        created_at BIGINT NOT NULL,
        last_seen_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL,
        address TEXT,
        agent TEXT
    )
    """,
    "CREATE INDEX login_session_user ON login_session (user_account)",
    "CREATE INDEX login_session_expires ON login_session (expires_at)",
    """
    CREATE TABLE audit_entry (
        id {id},
        created_at BIGINT NOT NULL,
        login TEXT NOT NULL,
        via TEXT NOT NULL,
        token_name TEXT,
        address TEXT,
        door TEXT NOT NULL,
        action TEXT NOT NULL,
        resource TEXT {bytewise} NOT NULL,
        fields TEXT NOT NULL,
        outcome TEXT NOT NULL,
        request_id TEXT
    )
    """,
    "CREATE INDEX audit_entry_created ON audit_entry (created_at)",
    "CREATE INDEX audit_entry_login ON audit_entry (login, id)",
    "CREATE INDEX audit_entry_resource ON audit_entry (resource, id)",
    """
    CREATE TABLE hourly_tasks (
        hour BIGINT NOT NULL,
        task_type TEXT NOT NULL,
        state TEXT NOT NULL,
        tasks BIGINT NOT NULL,
        run_us BIGINT NOT NULL,
        wait_us BIGINT NOT NULL,
        PRIMARY KEY (hour, task_type, state)
    ) {clustered}
    """,
    """
    CREATE TABLE hourly_measure (
        name TEXT NOT NULL,
        hour BIGINT NOT NULL,
        value BIGINT NOT NULL,
        measured_at BIGINT NOT NULL,
        PRIMARY KEY (name, hour)
    ) {clustered}
    """,
    "CREATE INDEX task_of_type ON task (task_type, id)",
)

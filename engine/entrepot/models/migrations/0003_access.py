"""Users, roles, permissions, API tokens and failed logins; the role `super-users`, which may do everything."""

STATEMENTS = (
    """
    CREATE TABLE user_account (
        id BIGINT NOT NULL PRIMARY KEY,
        login TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        password_hash TEXT,
        created_at BIGINT NOT NULL
    )
    """,
    """
    CREATE TABLE role (
        id {id},
        role_id TEXT NOT NULL UNIQUE,
        display_name TEXT NOT NULL,
        description TEXT
    )
    """,
    """
    CREATE TABLE role_member (
        role BIGINT NOT NULL REFERENCES role (id) ON DELETE CASCADE,
        user_account BIGINT NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
        PRIMARY KEY (role, user_account)
    ) {clustered}
    """,
    "CREATE INDEX role_member_user ON role_member (user_account)",
    """
    CREATE TABLE permission (
        id {id},
        resource TEXT NOT NULL UNIQUE
    )
    """,
    """
    CREATE TABLE user_grant (
        permission BIGINT NOT NULL REFERENCES permission (id) ON DELETE CASCADE,
        user_account BIGINT NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
        operation SMALLINT NOT NULL,
        PRIMARY KEY (permission, user_account, operation)
    ) {clustered}
    """,
    "CREATE INDEX user_grant_user ON user_grant (user_account)",
    """
    CREATE TABLE role_grant (
        permission BIGINT NOT NULL REFERENCES permission (id) ON DELETE CASCADE,
        role BIGINT NOT NULL REFERENCES role (id) ON DELETE CASCADE,
        operation SMALLINT NOT NULL,
        PRIMARY KEY (permission, role, operation)
    ) {clustered}
    """,
    "CREATE INDEX role_grant_role ON role_grant (role)",
    """
    CREATE TABLE api_token (
        id {id},
        user_account BIGINT NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        digest TEXT NOT NULL UNIQUE,
        created_at BIGINT NOT NULL,
        expires_at BIGINT,
        last_used_at BIGINT,
        UNIQUE (user_account, name)
    )
    """,
    """
    CREATE TABLE failed_login (
        id {id},
        login TEXT NOT NULL,
        address TEXT NOT NULL,
        failed_at BIGINT NOT NULL
    )
    """,
    "CREATE INDEX failed_login_of_both ON failed_login (address, login, failed_at)",
    "CREATE INDEX failed_login_of_address ON failed_login (address, failed_at)",
    "CREATE INDEX failed_login_age ON failed_login (failed_at)",
    # Members pass without a look at grants; these are there for people and clients, who expect to see them.
    "INSERT INTO role (role_id, display_name, description) VALUES ('super-users', 'Super Users', 'May do everything.')",
    "INSERT INTO permission (resource) VALUES ('/')",
    """
    INSERT INTO role_grant (permission, role, operation)
    SELECT permission.id, role.id, operations.operation
    FROM permission, role,
         (SELECT 0 AS operation UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4) AS operations
    WHERE permission.resource = '/' AND role.role_id = 'super-users'
    """,
)

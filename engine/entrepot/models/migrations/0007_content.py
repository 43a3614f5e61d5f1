"""Content of real formats: names to search by, documents beside units, where files come from, uploads, deferred entries."""

STATEMENTS = (
    "ALTER TABLE unit ADD COLUMN name TEXT {bytewise}",  # looked up by how names begin, and sorted by their bytes
    "ALTER TABLE unit ADD COLUMN user_metadata TEXT",
    "CREATE INDEX unit_name ON unit (unit_type, name)",
    "CREATE INDEX unit_file_blob ON unit_file (blob)",
    "CREATE INDEX association_unit ON association (unit)",
    """
    CREATE TABLE remote_file (
        unit BIGINT NOT NULL REFERENCES unit (id) ON DELETE CASCADE,
        path TEXT NOT NULL,
        importer BIGINT NOT NULL REFERENCES importer (id) ON DELETE CASCADE,
        url TEXT NOT NULL,
        failed_at BIGINT,
        PRIMARY KEY (unit, path, importer)
    ) {clustered}
    """,
    "CREATE INDEX remote_file_importer ON remote_file (importer)",
    """
    CREATE TABLE upload (
        id {id},
        upload_id TEXT NOT NULL UNIQUE,
        size BIGINT NOT NULL,
        created_at BIGINT NOT NULL,
        changed_at BIGINT NOT NULL
    )
    """,
    "UPDATE importer SET sync_state = NULL",  # the next sync reads its feed, whether it has changed or not, for the catalog
)

#: SQLite cannot take NOT NULL from a column, so the table is made anew.
SQLITE = (
    "CREATE TABLE unit_document (unit BIGINT NOT NULL PRIMARY KEY REFERENCES unit (id) ON DELETE CASCADE, data BLOB NOT NULL)",
    """
    CREATE TABLE entry_with_deferred (
        distributor BIGINT NOT NULL REFERENCES distributor (id) ON DELETE CASCADE,
        path TEXT NOT NULL,
        added_revision BIGINT NOT NULL,
        removed_revision BIGINT,
        added_at BIGINT NOT NULL,
        blob BIGINT REFERENCES blob (id),
        unit BIGINT REFERENCES unit (id),
        file TEXT,
        PRIMARY KEY (distributor, path, added_revision)
    ) WITHOUT ROWID
    """,
    """
    INSERT INTO entry_with_deferred (distributor, path, added_revision, removed_revision, added_at, blob)
    SELECT distributor, path, added_revision, removed_revision, added_at, blob FROM entry
    """,
    "DROP TABLE entry",
    "ALTER TABLE entry_with_deferred RENAME TO entry",
    "CREATE INDEX entry_removed ON entry (distributor, removed_revision) WHERE removed_revision IS NOT NULL",
    "CREATE INDEX entry_blob ON entry (blob)",
    "CREATE INDEX entry_unit ON entry (unit) WHERE unit IS NOT NULL",
    "UPDATE unit SET name = CASE json_type(data, '$.name') WHEN 'text' THEN json_extract(data, '$.name') END",
)

POSTGRESQL = (
    "CREATE TABLE unit_document (unit BIGINT NOT NULL PRIMARY KEY REFERENCES unit (id) ON DELETE CASCADE, data BYTEA NOT NULL)",
    "ALTER TABLE unit_document ALTER COLUMN data SET STORAGE EXTERNAL",  # it comes compressed
    "ALTER TABLE entry ALTER COLUMN blob DROP NOT NULL",
    "ALTER TABLE entry ADD COLUMN unit BIGINT REFERENCES unit (id)",
    "ALTER TABLE entry ADD COLUMN file TEXT",
    "CREATE INDEX entry_blob ON entry (blob)",
    "CREATE INDEX entry_unit ON entry (unit) WHERE unit IS NOT NULL",
    "UPDATE unit SET name = entrepot_jsonb(data) ->> 'name' WHERE jsonb_typeof(entrepot_jsonb(data) -> 'name') = 'string'",
)

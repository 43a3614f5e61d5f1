"""Searches: indices where clients search, when a unit came into a repository, and JSON that any row can be read as."""

STATEMENTS = (
    "CREATE INDEX task_state ON task (state, id) WHERE state <> 'finished'",
    "CREATE INDEX distributor_type ON distributor (distributor_type_id)",
    "ALTER TABLE association ADD COLUMN created_at BIGINT",
    """
    CREATE TABLE repository_note (
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        repository BIGINT NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
        PRIMARY KEY (name, value, repository)
    ) {clustered}
    """,
    "CREATE INDEX repository_note_repository ON repository_note (repository)",
)

SQLITE = (
    """
    INSERT INTO repository_note (name, value, repository)
    SELECT note.key, note.value, repository.id FROM repository JOIN json_each(repository.notes) AS note
    WHERE note.type = 'text' AND length(note.key) <= 255 AND length(note.value) <= 255
    UNION SELECT note.key, item.value, repository.id
    FROM repository JOIN json_each(repository.notes) AS note JOIN json_each(note.value) AS item
    WHERE note.type = 'array' AND item.type = 'text' AND length(note.key) <= 255 AND length(item.value) <= 255
    """,
)

#: Text that holds JSON, as jsonb. What that cannot hold (NUL, halves of characters) reads U+FFFD, and a document with
#: NaN, which is no JSON, null, so that one odd row fails no search.
POSTGRESQL = (
    r"""
    CREATE FUNCTION entrepot_jsonb(document TEXT) RETURNS JSONB LANGUAGE plpgsql IMMUTABLE STRICT AS $$
    BEGIN
        IF document !~ '\\u(0000|[dD][89a-fA-F])|NaN|Infinity' THEN
            RETURN document::jsonb;
        END IF;
        BEGIN
            BEGIN
                RETURN document::jsonb;
            EXCEPTION WHEN OTHERS THEN
                FOR pass IN 1 .. 2 LOOP -- a match ends where the next would have to begin
                    document := regexp_replace(
                        document, '(^|[^\\])((\\\\)*)\\u(0000|[dD][89a-fA-F][0-9a-fA-F]{2})', '\1\2\\ufffd', 'g');
                END LOOP;
                RETURN document::jsonb;
            END;
        EXCEPTION WHEN OTHERS THEN
            RETURN 'null'::jsonb;
        END;
    END
    $$
    """,
    r"""
    INSERT INTO repository_note (name, value, repository)
    SELECT note.key, item #>> '{}', repository.id
    FROM repository, jsonb_each(entrepot_jsonb(repository.notes)) AS note,
        jsonb_array_elements(CASE jsonb_typeof(note.value) WHEN 'array' THEN note.value ELSE jsonb_build_array(note.value) END)
            AS item
    WHERE jsonb_typeof(item) = 'string' AND length(note.key) <= 255 AND length(item #>> '{}') <= 255
    ON CONFLICT DO NOTHING
    """,
)

"""The numbered steps that bring a database to this version's tables, forward only.

Each module `NNNN_what_changes` holds `STATEMENTS`, written once for both databases; `{…}` names what differs (see
`entrepot.models.migrate.DIALECTS`). Old code must run on the new tables for one release.
"""

"""Plain files: a feed with a PULP_MANIFEST is imported, and published the same way, so that one engine can mirror another.

`PULP_MANIFEST` is a CSV file in UTF-8 without a head, one line a file: name, SHA-256 in hex, size in bytes. A name is
a path relative to the manifest. Source: Pulp 2, pulp_rpm (iso importer and distributor).
"""

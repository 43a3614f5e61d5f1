"""What PostgreSQL is told to lock resources by their names until a transaction ends; each statement takes a list of names."""

#: The key of the lock on resource `name`. Servers at the edge are locked by the ten thousand, and PostgreSQL has room for some
#: thousand locks of all transactions together (max_locks_per_transaction): 256 stand for all of theirs.
_KEY = "hashtextextended(CASE WHEN name LIKE 'edge:%' THEN 'edge:' || (hashtextextended(name, 0) & 255) ELSE name END, 0)"
#: Wait for all of them, in one order for all transactions.
LOCK = (
    f"SELECT pg_advisory_xact_lock(key) FROM (SELECT DISTINCT {_KEY} AS key FROM unnest(?::text[]) AS name ORDER BY 1) AS keys"
)
#: Take those that nobody else has, and return them.
TRY_TO_LOCK = f"SELECT name FROM unnest(?::text[]) AS name WHERE pg_try_advisory_xact_lock({_KEY})"

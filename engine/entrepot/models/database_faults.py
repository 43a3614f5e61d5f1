"""What an error of a database driver, or of peewee, means to people."""

from __future__ import annotations

import peewee

from entrepot.errors import (
    DatabaseError,
    DatabaseOutdated,
    DatabaseUnavailable,
    EntrepotError,
    SearchTooSlow,
    StorageError,
    StorageFull,
    StorageUnwritable,
    ValueNotKept,
)
from entrepot.server_address import masked, without_passwords

#: Words of a message, or names of a driver's error classes -> what it is, and what to do. The first row that fits counts.
_MEANINGS: tuple[tuple[tuple[str, ...], tuple[str, ...], type[EntrepotError], str], ...] = (
    (
        (),
        ("DataError", "ProgramLimitExceeded", "UnicodeEncodeError", "OverflowError"),
        ValueNotKept,
        "cannot keep a value: {text}. Is it too long or too large, or has it a character that is none?",
    ),
    (
        (),
        ("UndefinedTable", "UndefinedColumn"),
        DatabaseOutdated,
        "lacks a table this version needs ({text}). Run: entrepot db migrate",
    ),
    (
        ("no such table", "no such column"),
        (),
        DatabaseOutdated,
        "lacks a table this version needs ({text}). Run: entrepot db migrate",
    ),
    (("is full", "No space left"), ("DiskFull",), StorageFull, "has no space left. Free some and try again; nothing was lost."),
    (
        ("readonly", "unable to open", "read-only"),
        (),
        StorageUnwritable,
        "cannot be written ({text}). Check the folder and its permissions.",
    ),
    (
        ("interrupted", "parser stack overflow", "Expression tree is too large"),
        ("QueryCanceled",),
        SearchTooSlow,
        "was asked more than it answers at once ({text}). Ask for less: by id, tag or state, no pattern, or less nested.",
    ),
    (("disk I/O",), (), StorageError, "is on a disk that failed: {text}"),
    (
        (),
        ("DeadlockDetected", "SerializationFailure", "LockNotAvailable"),
        DatabaseError,
        "had another transaction in the way of this one. Try again. ({text})",
    ),
    (("syntax error",), (), DatabaseError, "refused a statement: {name}: {text}"),
    (
        ("driver not found",),
        (),
        DatabaseUnavailable,
        "needs the package psycopg, which is not installed here: pip install 'entrepot[postgres]'.",
    ),
    (
        (),
        ("OperationalError", "InterfaceError", "ImproperlyConfigured"),
        DatabaseUnavailable,
        "does not answer: {text}. Is it running, and is the address right?",
    ),
)


def translated(error: Exception, url: str) -> Exception:
    """Return the error of this project that `error` stands for; `peewee.IntegrityError` where a constraint refused."""
    if isinstance(error, (EntrepotError, peewee.IntegrityError)):
        return error
    name, text = type(error).__name__, without_passwords(str(error).strip(), url)
    origin = getattr(error, "orig", None)  # peewee knows fewer kinds than the driver, whose error it wraps
    kinds = {kind.__name__ for each in (error, origin) for kind in type(each).__mro__}
    if "IntegrityError" in kinds:
        return peewee.IntegrityError(text)
    where = f"The database {masked(url)}"
    for words, names, meaning, message in _MEANINGS:
        if any(word in text for word in words) or kinds & set(names):
            return meaning(f"{where} {message.format(text=text, name=name)}")
    return DatabaseError(f"{where} refused a statement: {name}: {text}")

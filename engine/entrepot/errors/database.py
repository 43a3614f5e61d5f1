"""What goes wrong with the database."""

from __future__ import annotations

from entrepot.errors.error import EntrepotError


class DatabaseError(EntrepotError):
    """The database failed."""

    code = "PLP2040"


class DatabaseUnavailable(DatabaseError):
    """The database does not answer."""

    code, status = "PLP2041", 503


class DatabaseTooNew(DatabaseError):
    """The database was written by a newer version of this program."""

    code = "PLP2042"


class DatabaseOutdated(DatabaseError):
    """The database lacks migrations that this version needs."""

    code = "PLP2043"


class ValueNotKept(DatabaseError):
    """The database cannot keep a value."""

    code, status = "PLP2044", 400


class SearchTooSlow(DatabaseError):
    """A search takes longer than a search may, or is nested deeper than the database reads, and was given up."""

    code, status = "PLP2045", 400

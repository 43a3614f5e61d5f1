"""The one way in which a search says that it cannot be read."""

from __future__ import annotations

from entrepot.errors import InvalidValue, OperationRefused


def refusal(why: str) -> InvalidValue:
    """Return the error for filters that cannot be read: the property is `criteria`, and a sub error says why.

    Source: the Pulp 2 REST contract, 4.3.
    """
    error = InvalidValue("criteria", why=why)
    error.sub_errors.append(OperationRefused(why))
    return error

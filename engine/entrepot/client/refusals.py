"""Make an error of an error document: the class that has its code, with the same message and data."""

from __future__ import annotations

from functools import cache
from typing import Any

from entrepot import errors
from entrepot.errors import EntrepotError, InvalidValue, MissingValue, RefusedConfiguration, UnsupportedValue

#: What the server adds to the data of some errors, for Pulp's clients.
_ADDED: dict[type[EntrepotError], tuple[str, ...]] = {
    InvalidValue: ("properties",),
    MissingValue: ("properties", "property_names"),
    UnsupportedValue: ("properties", "property_names"),
}


def refusal(document: dict[str, Any]) -> EntrepotError:
    """Return the error that a document tells of: an `EntrepotError` itself where no class has its code.

    Source: the Pulp 2 REST contract, 1.4.
    """
    kind = _classes().get(str(document.get("code")), EntrepotError)
    data = document.get("data")
    message = str(document.get("description") or "The server refuses the request and does not say why.")
    error = kind.__new__(kind)
    EntrepotError.__init__(error, message)
    error.data = dict(data) if isinstance(data, dict) else {}
    for added in next((names for above, names in _ADDED.items() if issubclass(kind, above)), ()):
        error.data.pop(added, None)
    if isinstance(error, RefusedConfiguration):
        error.plugin_kind = "importer"  # that of a distributor comes as another code
    subs = document.get("sub_errors")
    error.sub_errors = [refusal(sub) for sub in subs if isinstance(sub, dict)] if isinstance(subs, list) else []
    return error


@cache
def _classes() -> dict[str, type[EntrepotError]]:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, EntrepotError)]
    return {kind.code: kind for kind in kinds}

"""What may be given for a repository, an importer or a distributor; every refusal names the property. Pure.

Source: the Pulp 2 REST contract, 2.2, 2.4 and 2.7 with their fixes, and appendix C.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from entrepot.errors import JSON, InvalidValue, OperationRefused, RefusedConfiguration
from entrepot.plugin import unmasked

#: Characters of an id: a reservation and its tags hold it, and indexes hold those.
LONGEST_ID = 255

_REPOSITORY_ID = re.compile(r"[.\-_A-Za-z0-9]+")
_DISTRIBUTOR_ID = re.compile(r"[\-_A-Za-z0-9]+")
#: NUL as JSON writes it, which PostgreSQL does not read; a backslash before it may itself be escaped.
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def is_repository_id(value: object) -> bool:
    """Say whether `value` can be a repository's id."""
    return (
        isinstance(value, str)
        and len(value) <= LONGEST_ID
        and _REPOSITORY_ID.fullmatch(value) is not None
        and not set(value) <= {"."}
    )


def is_distributor_id(value: object) -> bool:
    """Say whether `value` can be a distributor's id."""
    return isinstance(value, str) and len(value) <= LONGEST_ID and _DISTRIBUTOR_ID.fullmatch(value) is not None


def is_text_or_null(value: object) -> bool:
    """Say whether `value` is None, or text that both databases can keep."""
    if value is None:
        return True
    return isinstance(value, str) and "\0" not in value and _is_unicode(value)


def is_object(value: object) -> bool:
    """Say whether `value` is a JSON object that both databases can keep."""
    if not isinstance(value, Mapping) or not _has_text_keys(value):
        return False
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return _is_unicode(text) and _ESCAPED_NUL.search(text) is None


def is_notes(value: object) -> bool:
    """Say whether `value` is an object whose keys clients can search for: none with a dot or a leading dollar sign."""

    def searchable(item: object) -> bool:
        if isinstance(item, (list, tuple)):
            return all(map(searchable, item))
        if not isinstance(item, Mapping):
            return True
        return all("." not in key and not key.startswith("$") and searchable(inner) for key, inner in item.items())

    return is_object(value) and searchable(value)


def refuse(*properties: tuple[str, bool, str]) -> None:
    """Raise one `InvalidValue` for all of (name, whether it is right, what would be) that are not right."""
    wrong = {name: why for name, is_right, why in properties if not is_right}
    if wrong:
        raise InvalidValue(*wrong, why="; ".join(f"{name} {why}" for name, why in wrong.items()))


def given_object(name: str, value: object) -> Mapping[str, JSON]:
    """Return `value` if it is a JSON object; raises `InvalidValue` for property `name`."""
    if not isinstance(value, Mapping) or not is_object(value):
        raise InvalidValue(name, why="it must be an object of JSON values, without NUL characters")
    return value


def new_config(name: str, value: object, stored: Mapping[str, JSON] | None = None) -> dict[str, JSON]:
    """Return a configuration as it is to be kept: None is empty, a null is no key, and a mask means what is `stored`."""
    if value is None:
        return {}
    given = unmasked(given_object(name, value), stored or {})
    return {key: item for key, item in given.items() if item is not None}


def merged_config(name: str, stored: Mapping[str, JSON], value: object) -> dict[str, JSON]:
    """Return `stored` with what `value` changes: a null takes a key away, and a mask changes nothing."""
    return merged(stored, unmasked(given_object(name, value), stored))


def merged(stored: Mapping[str, JSON], given: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return `stored` with the keys of `given`, less those that this makes null."""
    return {key: value for key, value in {**stored, **given}.items() if value is not None}


@contextmanager
def refusals_of_tasks() -> Iterator[None]:
    """Let a refused configuration end a task with the code that clients expect there; the fields stay named.

    Source: the Pulp 2 REST contract, 2.6 and 2.7 (PUT).
    """
    try:
        yield
    except RefusedConfiguration as error:
        fields = {name: error.data[name] for name in ("problems", "property_names")}
        raise OperationRefused(error.message, **fields) from error


def _has_text_keys(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _has_text_keys(item) for key, item in value.items())
    return not isinstance(value, (list, tuple)) or all(map(_has_text_keys, value))


def _is_unicode(text: str) -> bool:
    """Say whether `text` holds no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

"""What each facade calls its tenants and channels, and what it allows: one literal table, no database."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from entrepot.errors import JSON, InvalidValue, MissingResource

#: Says what is wrong with the value of a setting; None if nothing is.
Check = Callable[[JSON], "str | None"]

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_CODE_RULE = "it begins with a letter or a digit, and goes on with letters, digits, '-' and '_', at most 64 in all"
_HANDLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_LONGEST_NAME = 100
_DOCUMENT_TYPES = ("article", "page", "data-record")
_MOST_UNIT_TYPES = 1000


def _document_types(value: JSON) -> str | None:
    is_table = (
        isinstance(value, dict)
        and len(value) <= _MOST_UNIT_TYPES
        and all(_is_name(unit_type) and kind in _DOCUMENT_TYPES for unit_type, kind in value.items())
    )
    return (
        None
        if is_table
        else f"an object of at most {_MOST_UNIT_TYPES} unit types, each with one of {', '.join(_DOCUMENT_TYPES)}"
    )


def _is_name(value: object) -> bool:
    """Say whether `value` can be asked for in either database, which a NUL and half of a character cannot."""
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME and value.isprintable()


def _code(value: JSON) -> str | None:
    return None if isinstance(value, str) and _CODE.fullmatch(value) else f"a code: {_CODE_RULE}"


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one facade; the first scope is the one that a token has unless others are asked for."""

    facade: str
    tenant: str
    channel: str
    name: re.Pattern[str]
    name_rule: str
    handle: re.Pattern[str]
    handle_rule: str
    scopes: tuple[str, ...]
    settings: Mapping[str, Check]
    channel_settings: Mapping[str, Check]
    #: Names of tokens, where not any will do; a new first one makes the one before the second.
    token_names: tuple[str, ...] = ()
    #: The most sources that a channel has; None: any number.
    most_sources: int | None = None
    #: The channel that each tenant has from the start, and no other; None: channels are made.
    only_handle: str | None = None
    #: True if a token is good for one channel, which must be named.
    binds_tokens: bool = False

    def canonical(self, name: object) -> str | None:
        """Return what a tenant's name is compared by; None if nobody can be called so."""
        if not isinstance(name, str) or not self.name.fullmatch(name):
            return None
        return name.upper() if self.facade == "edgecast" else name

    def check_name(self, name: object) -> None:
        """Raise `InvalidValue` unless a tenant may be called so."""
        if self.canonical(name) is None:
            raise InvalidValue("name", why=f"{name!r} is no {self.tenant}: {self.name_rule}")

    def check_handle(self, handle: object) -> None:
        """Raise `InvalidValue` unless a channel may be called so."""
        if not isinstance(handle, str) or not self.handle.fullmatch(handle):
            raise InvalidValue("handle", why=f"{handle!r} is no {self.channel}: {self.handle_rule}")

    def scopes_for(self, scopes: Sequence[str] | None) -> tuple[str, ...]:
        """Return the scopes of a new token, in the order of the table; raises `InvalidValue`."""
        if scopes is None:
            return self.scopes[:1]
        unknown = [repr(scope) for scope in scopes if scope not in self.scopes]
        if unknown or isinstance(scopes, str) or not scopes:
            raise InvalidValue("scopes", why=f"{', '.join(unknown) or 'nothing'} is none of {', '.join(self.scopes)}")
        return tuple(scope for scope in self.scopes if scope in scopes)

    def check_token_name(self, name: object) -> None:
        """Raise `InvalidValue` unless a token may be called so."""
        if self.token_names:
            if name not in self.token_names:
                raise InvalidValue("name", why=f"{name!r} is neither {' nor '.join(self.token_names)}")
        elif not _is_name(name):
            raise InvalidValue("name", why=f"{name!r} is no text of 1 to {_LONGEST_NAME} printable characters")


def merged(kept: Mapping[str, JSON], changes: object, known: Mapping[str, Check]) -> dict[str, JSON]:
    """Return settings with changes put in, null removes one; raises `InvalidValue` that names each that is refused."""
    if changes is None:
        return dict(kept)
    if not isinstance(changes, Mapping):
        raise InvalidValue("settings", why="they must be an object")
    problems: dict[str, str] = {}
    for key, value in changes.items():
        if key not in known:
            problems[str(key)] = f"there is no such setting here, only: {', '.join(known) or 'none'}"
        elif value is not None and (problem := known[key](value)) is not None:
            problems[key] = f"it must be {problem}"
    if problems:
        raise InvalidValue(*problems, why="; ".join(f"{key}: {problem}" for key, problem in problems.items()))
    return {key: value for key, value in {**kept, **changes}.items() if value is not None}


#: Source: the contracts of the three facades, 1.1, 2.1 and 3.1.
_ALL = (
    Rules(
        facade="edgecast",
        tenant="account number",
        channel="channel",
        name=re.compile(r"[0-9A-Fa-f]{1,16}"),
        name_rule="1 to 16 hexadecimal digits; zeros in front count",
        handle=re.compile(""),
        handle_rule="an account has one, whose handle is empty",
        scopes=("status", "deploy"),
        settings={},
        channel_settings={},
        token_names=("primary", "backup"),
        only_handle="",
    ),
    Rules(
        facade="livingdocs",
        tenant="project id",
        channel="channel handle",
        name=re.compile(r"[1-9][0-9]{0,17}"),
        name_rule="a whole number from 1, as a client is to read it in `projectId`",
        handle=_HANDLE,
        handle_rule="it begins with a letter or a digit, and goes on with those, '.', '-' and '_', at most 100 in all",
        scopes=("public-api:read",),
        settings={"document_types": _document_types},
        channel_settings={},
    ),
    Rules(
        facade="pugpig",
        tenant="account code",
        channel="publication code",
        name=re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"),
        name_rule="it is a part of a host's name: small letters, digits and '-' between them, at most 63",
        handle=_CODE,
        handle_rule=_CODE_RULE,
        scopes=("monitor", "act"),
        settings={},
        channel_settings={"endpoint_prefix": _code},
        most_sources=1,
        binds_tokens=True,
    ),
)
_BY_FACADE = {rules.facade: rules for rules in _ALL}
#: The facades that there are.
FACADES = tuple(_BY_FACADE)


def rules_of(facade: object) -> Rules:
    """Return the rules of a facade; raises `MissingResource`."""
    rules = _BY_FACADE.get(facade) if isinstance(facade, str) else None
    if rules is None:
        raise MissingResource(facade=str(facade))
    return rules

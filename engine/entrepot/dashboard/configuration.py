"""Forms made of a plugin's declared configuration, for every page that shows one.

A page that edits the configuration of an importer (of a distributor it is the same) does this:

* GET: `fields = fields_of(plugin.Config, report.config, server=settings.plugins.get(type_id))`; its template has
  `{% from "configuration.html" import configuration_fields %}` and, in the form, `{{ configuration_fields(fields, errors) }}`.
* POST: `changes = read_fields(plugin.Config, asked.form, stored=report.config, server=…)` goes to the engine as it is: what is
  the default is left out, None takes back what is stored, and `*****` is a secret that stays. A new one has nothing `stored`.
* Before it does: `errors = refused(plugin, changes, stored=report.config, server=…)`, since a change is refused by its task
  otherwise. If there are any (or by `errors_of` those of a `RefusedConfiguration`): the page again with status 400 and
  `fields_of(plugin.Config, typed(plugin.Config, asked.form), server=…, is_typed=True)`.

Keys that only the server's settings may give are shown, and never read from a form; keys that a form does not hold are left
as they are. `others_of` are those that are set and that no field is for: other spellings, and what importers keep unread.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from entrepot.dashboard.configuration_values import (
    NO,
    YES,
    Kind,
    choices_of,
    number_of,
    shape_of,
    takes_of,
    text_of,
    value_of,
    words_of,
)
from entrepot.errors import JSON, RefusedConfiguration
from entrepot.plugin import DeployConfig, Distributor, DistributorConfig, Importer, ImporterConfig
from entrepot.plugin.config import MASK, secret_keys

PREFIX = "config."
#: What stands for the configuration as a whole among errors.
WHOLE = ""
_GROUPS: Mapping[str, Sequence[str]] = {
    "Transfer": ("max_downloads", "max_speed", "connect_timeout", "read_timeout", "num_retries"),
    "Access": (
        "ssl_validation", "ssl_ca_cert", "ssl_client_cert", "ssl_client_key",
        "proxy_host", "proxy_port", "proxy_username", "proxy_password",
        "basic_auth_username", "basic_auth_password", "query_auth_token",
    ),
}  # fmt: skip
_MAIN = "Main"
_GROUP_OF = {name: group for group, names in _GROUPS.items() for name in names}
_SHARED = (ImporterConfig, DistributorConfig, DeployConfig)
#: Words of a key that are written otherwise than a plain word.
_SPELLED = {"ssl": "SSL", "ca": "CA", "http": "HTTP", "https": "HTTPS", "url": "URL", "gpg": "GPG", "iso": "ISO", "id": "ID"}
_UNIT = re.compile(r"[,:] (seconds|bytes a second|bytes|days|hours|minutes)\b")
#: Texts of many lines, as their descriptions call them.
_IS_LONG = re.compile(r"\bPEM\b|\barmored\b")


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a configuration, as a form shows it.

    `value` is what is set, as text (`*****` for a secret that is set, empty for what is not), `default` what holds otherwise,
    in words, empty if nothing does. `choices` are pairs of a value and its words. `takes` says in words what it may be.
    `note` is said beside it if it must be typed again. `is_long`: it has many lines.
    """

    name: str
    title: str
    description: str
    kind: Kind
    takes: str
    default: str = ""
    value: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    unit: str = ""
    least: float | None = None
    most: float | None = None
    is_whole: bool = False
    is_required: bool = False
    is_secret: bool = False
    is_long: bool = False
    is_server_only: bool = False
    note: str = ""
    group: str = _MAIN

    @property
    def is_on(self) -> bool:
        """Whether a checkbox is ticked."""
        return self.value == YES

    @property
    def is_changed(self) -> bool:
        """Whether it is not as it is by default."""
        return self.is_on != (self.default == "yes") if self.kind == "checkbox" else bool(self.value)

    @property
    def is_number(self) -> bool:
        """Whether its value may stand in a control for numbers."""
        return not self.value or not isinstance(number_of(self.value, is_whole=self.is_whole), str)

    @property
    def hint(self) -> str:
        """What is said below its control."""
        takes = {"lines": "" if self.is_long else "One a line.", "json": "JSON."}.get(self.kind, "")
        if self.kind == "number" and (self.least is not None or self.most is not None):
            takes = f"{self.takes.capitalize()}."
        default = f"Default: {self.default}." if self.default and self.kind != "select" else ""
        stays = f"Leave {MASK} to keep it as it is." if self.value == MASK else ""
        return " ".join(text for text in (self.description, takes, default, stays) if text)


def fields_of(
    model: type[BaseModel],
    values: Mapping[str, JSON] | None = None,
    *,
    server: Mapping[str, object] | None = None,
    is_typed: bool = False,
) -> list[Field]:
    """Return the fields of a model (a plugin's `Config`, or a unit type), those that all plugins share at their own places.

    `values` are those that are set, secrets masked; `server` is what the server's settings say of the plugin, which is the
    default then. `is_typed`: `values` are what somebody has typed (`typed`); a new secret among them is asked for again.
    """
    below = server or {}
    return [_field(model, name, info, values or {}, below, is_typed=is_typed) for name, info in _sorted(model)]


def others_of(model: type[BaseModel], values: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return what is set and has no field; it stays as it is."""
    known = _by_key(model)
    return {key: value for key, value in values.items() if key not in known}


def read_fields(
    model: type[BaseModel],
    form: Mapping[str, list[str]],
    prefix: str = PREFIX,
    *,
    stored: Mapping[str, JSON] | None = None,
    server: Mapping[str, object] | None = None,
) -> dict[str, JSON]:
    """Return what a form says of a configuration: the keys that are to be set, and None for those that are to be taken back.

    What is empty, or a box as it is by default, is left out unless it is `stored`. What cannot be read as what it should be
    stays text, which the plugin then refuses by name.
    """
    known, kept, below = _by_key(model), stored or {}, server or {}
    return {
        name: value
        for name, value in typed(model, form, prefix).items()
        if kept.get(name) is not None
        or not (value is None or (isinstance(value, bool) and value is _default(known[name], below.get(name))))
    }


def typed(model: type[BaseModel], form: Mapping[str, list[str]], prefix: str = PREFIX) -> dict[str, JSON]:
    """Return what a form holds of each key; None for what is empty. Keys that the form does not have are left out."""
    found: dict[str, JSON] = {}
    for name, info in _by_key(model).items():
        given = form.get(prefix + name)
        if given and name not in _reserved(model):
            found[name] = value_of(shape_of(info), given[-1])
    return found


def refused(
    plugin: type[Importer | Distributor],
    changes: Mapping[str, JSON],
    *,
    stored: Mapping[str, JSON] | None = None,
    server: Mapping[str, object] | None = None,
) -> dict[str, str]:
    """Return why the plugin would refuse `changes` of what is `stored` (secrets masked), by key; nothing if it would not."""
    try:
        plugin.configure({**(stored or {}), **changes}, server=server)
    except RefusedConfiguration as error:
        return errors_of(error, plugin.Config)
    return {}


def errors_of(error: RefusedConfiguration, model: type[BaseModel]) -> dict[str, str]:
    """Return why a configuration was refused, by key; what concerns no single key of the model stands under `WHOLE`."""
    problems = error.data.get("problems")
    known = _by_key(model)
    aliases = {name: info.alias or name for name, info in model.model_fields.items()}
    errors: dict[str, list[str]] = {}
    for place, why in (problems if isinstance(problems, Mapping) else {}).items():
        key, _, inside = str(place).partition(".")
        key = aliases.get(key, key)
        if key not in known:
            errors.setdefault(WHOLE, []).append(str(why) if place == "config" else f"{place} {why}")
        else:
            errors.setdefault(key, []).append(f"{inside}: {why}" if inside else str(why))
    return {key: "; ".join(reasons) for key, reasons in errors.items()} or {WHOLE: error.message}


def title_of(key: str) -> str:
    """Return a key as people read it: `ssl_ca_cert` is "SSL CA cert"."""
    words = [_SPELLED.get(word, word) for word in key.split("_") if word]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def _by_key(model: type[BaseModel]) -> dict[str, FieldInfo]:
    return {info.alias or name: info for name, info in model.model_fields.items()}


def _reserved(model: type[BaseModel]) -> frozenset[str]:
    return getattr(model, "server_only", frozenset())


def _sorted(model: type[BaseModel]) -> list[tuple[str, FieldInfo]]:
    """Return the fields with those that everybody needs first: what is required, the feed, then the plugin's own."""
    known = _by_key(model)
    shared = {key for base in _SHARED if issubclass(model, base) for key in _by_key(base)}
    ranks = {
        key: (not info.is_required(), key not in ("feed", "relative_url"), key in _GROUP_OF, key in shared)
        for key, info in known.items()
    }
    return sorted(known.items(), key=lambda item: ranks[item[0]])


def _field(
    model: type[BaseModel],
    name: str,
    info: FieldInfo,
    values: Mapping[str, JSON],
    server: Mapping[str, object],
    *,
    is_typed: bool,
) -> Field:
    shape = shape_of(info)
    is_secret = name in secret_keys(model)
    value, default, least, most = values.get(name), _default(info, server.get(name)), *_limits(info)
    description = (info.description or "").replace("`", "")
    is_long = bool(_IS_LONG.search(description))
    is_lost = is_secret and is_typed and value is not None and value != MASK
    shown = "" if is_lost else MASK if is_secret and value is not None else text_of(shape, value, is_long=is_long)
    if shape.kind == "checkbox" and value is None:
        shown = YES if default is True else NO
    return Field(
        name=name,
        title=info.title or title_of(name),
        description=description,
        kind=shape.kind,
        takes=takes_of(shape, least, most),
        default=("set by the server" if server.get(name) is not None else "") if is_secret else words_of(default),
        value=shown,
        choices=choices_of(shape, default) if shape.kind == "select" else (),
        unit=match[1] if shape.kind == "number" and (match := _UNIT.search(description)) else "",
        least=least,
        most=most,
        is_whole=shape.is_whole,
        is_required=(info.is_required() and server.get(name) is None) or is_lost,
        is_secret=is_secret,
        is_long=is_long,
        is_server_only=name in _reserved(model),
        note="Type it again: a secret is never sent back." if is_lost else "",
        group=_GROUP_OF.get(name, _MAIN) if issubclass(model, ImporterConfig) else _MAIN,
    )


def _limits(info: FieldInfo) -> tuple[float | None, float | None]:
    """Return the least and the largest number, where the declaration names them."""
    least = next((item.ge for item in info.metadata if hasattr(item, "ge")), None)
    most = next((item.le for item in info.metadata if hasattr(item, "le")), None)
    return least, most


def _default(info: FieldInfo, server: object) -> object:
    """Return what holds when nothing is said."""
    if server is not None:
        return server
    return None if info.is_required() else info.get_default(call_default_factory=True, validated_data={})

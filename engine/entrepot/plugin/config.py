"""What an importer and a distributor may be told: typed, checked at once, refused with every wrong field named.

A configuration arrives as JSON in layers, a later one wins: of the server, of the repository, of one run. A value may
come as text (`"5"`, `"true"`), as Pulp's clients send it. Importers keep keys that they do not know, distributors
refuse them, as in Pulp 2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Annotated, ClassVar, Literal, Self, TypeVar, get_args
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretBytes,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from entrepot.errors import JSON, RefusedConfiguration
from entrepot.plugin.unit_files import path_problem

MASK = "*****"  # what stands for a secret in every report. Source: the Pulp 2 REST contract, section 1.9
LONGEST_ECHO = 40  # characters of a refused value that a message repeats

ModelT = TypeVar("ModelT", bound=BaseModel)


def _no_fraction(value: object) -> object:
    """Refuse what pydantic would round or count: 5.0 and true are no whole numbers here."""
    if isinstance(value, bool | float):
        raise ValueError(f"must be a whole number, not {_shown(value)}")  # noqa: TRY004 - pydantic takes ValueError as a refusal
    return value


def _relative(value: str) -> str:
    """Check a relative URL, and drop the slash at its end, which Pulp's clients like to send."""
    path = value.removesuffix("/")
    problem = path_problem(path)
    if problem:
        raise ValueError(problem)
    return path


def _split(value: object) -> object:
    """Take a list that was written as text, separated by commas."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


WholeNumber = Annotated[int, BeforeValidator(_no_fraction)]
RelativeUrl = Annotated[str, AfterValidator(_relative)]
TextList = Annotated[list[str], BeforeValidator(_split)]


class ImporterConfig(BaseModel):
    """The keys that every importer knows; a plugin adds its own in a subclass. Unknown keys are kept, in `model_extra`.

    Source: Pulp 2, importer_constants. Where a default is None, the engine's setting holds. `server_only` names keys that
    only the server's settings may give, such as a path on the server or a command that it runs.
    """

    server_only: ClassVar[frozenset[str]] = frozenset()

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    feed: str | None = Field(None, description="Address of the feed: http, https or file.")
    validate_files: bool = Field(default=True, alias="validate", description="Check size and digests that the feed promises.")
    remove_missing: bool = Field(default=False, description="Remove units that the feed no longer offers.")
    retain_old_count: WholeNumber | None = Field(None, ge=0, description="Older versions to keep of each unit; all by default.")
    download_policy: Literal["immediate", "background", "on_demand"] = Field("immediate", description="When files are fetched.")
    force_full: bool = Field(default=False, description="Sync in full, even if the feed has not changed.")
    type_skip_list: TextList = Field([], description="Unit types to leave out.")

    max_downloads: WholeNumber = Field(5, ge=1, le=256, description="Transfers at once.")
    max_speed: WholeNumber | None = Field(None, ge=1, le=2**40, description="Highest speed of a transfer, bytes a second.")
    connect_timeout: float | None = Field(None, gt=0, le=86400, description="Time to connect, seconds.")
    read_timeout: float | None = Field(None, gt=0, le=86400, description="Longest silence within a transfer, seconds.")
    num_retries: WholeNumber | None = Field(None, ge=0, le=100, description="How often a failed transfer is tried again.")

    ssl_validation: bool = Field(default=True, description="Check the server's certificate.")
    ssl_ca_cert: str | None = Field(None, description="Certificates to trust, PEM text.")
    ssl_client_cert: str | None = Field(None, description="Certificate to show, PEM text.")
    ssl_client_key: SecretStr | None = Field(None, description="Key of the client certificate, PEM text.")
    proxy_host: str | None = Field(None, min_length=1, description="Proxy to go through.")
    proxy_port: WholeNumber | None = Field(None, ge=1, le=65535, description="Its port.")
    proxy_username: str | None = Field(None, description="User at the proxy.")
    proxy_password: SecretStr | None = Field(None, description="The user's password.")
    basic_auth_username: str | None = Field(None, description="User at the feed.")
    basic_auth_password: SecretStr | None = Field(None, description="The user's password.")
    query_auth_token: SecretStr | None = Field(None, description="Text that is appended to each URL, to be let in.")

    @field_validator("feed")
    @classmethod
    def _feed_is_an_address(cls, feed: str | None) -> str | None:
        problem = feed_problem(feed) if feed is not None else None
        if problem:
            raise ValueError(problem)
        return feed

    @model_validator(mode="after")
    def _fields_agree(self) -> Self:
        problems: dict[str, str] = {}
        if self.ssl_client_key is not None and self.ssl_client_cert is None:
            problems["ssl_client_cert"] = "is required when ssl_client_key is given"
        if self.proxy_host is None:
            for name in ("proxy_port", "proxy_username", "proxy_password"):
                if getattr(self, name) is not None:
                    problems["proxy_host"] = f"is required when {name} is given"
        for user, password in (("proxy_username", "proxy_password"), ("basic_auth_username", "basic_auth_password")):
            if (getattr(self, user) is None) != (getattr(self, password) is None):
                given, absent = (user, password) if getattr(self, password) is None else (password, user)
                problems[absent] = f"is required when {given} is given"
        if problems:
            lines = [
                InitErrorDetails(type=PydanticCustomError("disagreement", "{why}", {"why": why}), loc=(name,), input=None)
                for name, why in problems.items()
            ]
            raise ValidationError.from_exception_data(type(self).__name__, lines)
        return self


class DistributorConfig(BaseModel):
    """The keys that every distributor knows; a plugin adds its own in a subclass. Unknown keys are refused.

    `server_only` names keys that only the server's settings may give, such as a path on the server or a command that it runs.
    """

    server_only: ClassVar[frozenset[str]] = frozenset()

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    relative_url: RelativeUrl | None = Field(None, description="Where it is served; by default under the repository's id.")
    serve_http: bool = Field(default=True, description="Serve it over http.")
    serve_https: bool = Field(default=True, description="Serve it over https.")


class DeployConfig(DistributorConfig):
    """The keys of a distributor that copies what another one of its repository serves, and deploys it to the edge.

    A distributor whose `Config` is derived from this one deploys: what it publishes is pushed to every server of a network.
    Its own copy is not served, unless that is asked for.
    """

    source: str = Field(min_length=1, description="Id of the distributor, of the same repository, whose publication is copied.")
    network: str = Field("default", pattern=r"^[A-Za-z0-9_.-]{1,64}\z", description="Network whose servers it is pushed to.")
    environment: Literal["production", "staging"] = Field("production", description="What a deploy to this network counts as.")
    retries: WholeNumber | None = Field(None, ge=0, le=100, description="How often a push that failed is tried again.")
    serve_http: bool = Field(default=False, description="Serve its own copy over http as well.")
    serve_https: bool = Field(default=False, description="Serve its own copy over https as well.")


def load_config(
    model: type[ModelT], plugin: str, *layers: Mapping[str, JSON], server: Mapping[str, object] | None = None
) -> ModelT:
    """Return the configuration that `layers` make together; a later layer wins, and null takes back what earlier ones said.

    `server` is the layer below them, what the server's settings say of the plugin. Keys that `model` names in `server_only`
    are taken from there alone: elsewhere they are refused, unless they are null, which then says nothing.

    Raises:
        RefusedConfiguration: every refused field is named with the reason, secrets are not repeated.

    """
    merged: dict[str, object] = dict(server or {})
    reserved: frozenset[str] = getattr(model, "server_only", frozenset())
    refused = {key for layer in layers for key in reserved.intersection(layer) if layer[key] is not None}
    if refused:
        why = "may be set by the server's settings only: plugins."
        raise RefusedConfiguration(plugin, {key: f"{why}{plugin}.{key}" for key in sorted(refused)})
    for layer in layers:
        merged.update((key, value) for key, value in layer.items() if key not in reserved)
    given = {key: value for key, value in merged.items() if value is not None}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        problems: dict[str, list[str]] = {}
        for item in error.errors():
            field = ".".join(map(str, item["loc"])) or "config"
            problems.setdefault(field, []).append(_worded(item, model))
        raise RefusedConfiguration(plugin, {field: "; ".join(reasons) for field, reasons in problems.items()}) from None


@contextmanager
def refusals(plugin: str, kind: str) -> Iterator[None]:
    """Turn the ValueError of a plugin's own check into `RefusedConfiguration`, and note what kind of plugin refused."""
    try:
        yield
    except ValueError as error:
        refusal = RefusedConfiguration(plugin, {"config": str(error)})
        refusal.plugin_kind = kind
        raise refusal from error
    except RefusedConfiguration as refusal:
        refusal.plugin_kind = kind
        raise


def masked(model: type[BaseModel], config: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return a copy of a stored configuration to be shown: each secret that is set reads `*****`."""
    secrets = secret_keys(model)
    return {key: MASK if key in secrets and value is not None else value for key, value in config.items()}


def masked_unseen(model: type[BaseModel], config: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return the same where the plugin is missing: only what `model`, which all such plugins share, knows to be no secret.

    Nobody can tell which of the plugin's own keys are secret, so all of them read `*****`.
    """
    known = {field.alias or name for name, field in model.model_fields.items()} - secret_keys(model)
    return {key: value if key in known or value is None else MASK for key, value in config.items()}


def unmasked(new: Mapping[str, JSON], old: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return `new` as it is to be stored: `*****` that comes back means the value of `old`, or none if it has none."""
    return {key: old[key] if value == MASK else value for key, value in new.items() if value != MASK or key in old}


def secret_keys(model: type[BaseModel]) -> frozenset[str]:
    """Return the keys, as clients send them, whose values are never shown: the fields that are, or hold, a `SecretStr`."""
    return frozenset(field.alias or name for name, field in model.model_fields.items() if _holds_secret(field.annotation, ()))


def feed_problem(feed: str) -> str | None:
    """Return why `feed` is not the address of a feed, worded to follow its name, or None when it is one.

    Whether the engine may go there (file roots, blocked networks) is decided when it is fetched.
    """
    if not feed:
        return "is empty; leave it out, or set it to null"
    if any(character <= " " or character == "\x7f" for character in feed):
        return "contains a space or a control character"
    try:
        parts = urlsplit(feed)
        valid_port = parts.port != 0
    except ValueError as error:
        return f"is no address: {error}"
    if parts.scheme not in ("http", "https", "file"):
        return "must be an http://, https:// or file:// address"
    if parts.username is not None or parts.password is not None:
        return "must not hold a user name or password: use basic_auth_username and basic_auth_password"
    if parts.scheme == "file":
        local = parts.netloc in ("", "localhost") and parts.path.startswith("/")
        return None if local else "must be a file address with an absolute path: file:///folder"
    return None if parts.hostname and valid_port else "names no host"


def _holds_secret(kind: object, above: tuple[object, ...]) -> bool:
    """Say whether values of a type are secret, or hold what is; `above` are the models that it was found in."""
    if kind in (SecretStr, SecretBytes):
        return True
    inside = list(get_args(kind))
    if isinstance(kind, type) and hasattr(kind, "model_fields") and kind not in above:
        inside += [field.annotation for field in kind.model_fields.values()]
        above = (*above, kind)
    return any(_holds_secret(item, above) for item in inside)


def _worded(item: ErrorDetails, model: type[BaseModel]) -> str:
    """Say one of pydantic's errors in plain words; what is not listed here keeps pydantic's text."""
    kind, context, path = item["type"], item.get("ctx", {}), item["loc"]
    echo = "" if len(path) != 1 or path[0] in secret_keys(model) else _but_not(item["input"])
    if kind == "value_error":
        return str(context["error"])
    if kind == "extra_forbidden":
        keys = [field.alias or name for name, field in model.model_fields.items()]
        close = get_close_matches(str(path[0]), keys, n=1)
        return "is not a key of this plugin" + (f"; did you mean {close[0]}?" if close else f"; it knows {', '.join(keys)}")
    if kind == "disagreement":
        return item["msg"]
    if kind == "literal_error":
        return f"must be one of {context['expected']}{echo}"
    if kind in _LIMITS:
        return _LIMITS[kind].format(**context) + echo
    if kind in _KINDS:
        return _KINDS[kind] + ("" if kind == "missing" else echo)
    return item["msg"][:1].lower() + item["msg"][1:]


_LIMITS = {
    "greater_than_equal": "must be {ge} or more",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be {le} or less",
    "less_than": "must be less than {lt}",
    "string_too_short": "must have {min_length} characters or more",
    "string_too_long": "must have {max_length} characters or fewer",
}

_WHOLE, _NUMBER, _TRUTH, _TEXT = "must be a whole number", "must be a number", "must be true or false", "must be text"
_KINDS = {
    "missing": "is required",
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_type": _WHOLE,
    "int_from_float": _WHOLE,
    "float_parsing": _NUMBER,
    "float_type": _NUMBER,
    "finite_number": _NUMBER,
    "bool_parsing": _TRUTH,
    "bool_type": _TRUTH,
    "string_type": _TEXT,
    "string_unicode": _TEXT,
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
}


def _but_not(value: object) -> str:
    return f", not {_shown(value)}"


def _shown(value: object) -> str:
    """Return a refused value as JSON shows it, shortened; a container is only named."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, Mapping):
        return "an object"
    text = repr(value)
    return text if len(text) <= LONGEST_ECHO else text[: LONGEST_ECHO - 1] + "…"

"""Every knob of the engine: its default, its unit and one sentence.

Read, in this order, a later one loses: keyword arguments, environment variables `ENTREPOT_…`, the TOML file
named by `ENTREPOT_CONFIG` (default `entrepot.toml` in the data folder), the defaults below. Settings are read
once and never change; what the engine writes lies under `data_dir` and nowhere else.
"""

from __future__ import annotations

import os
import re
import tomllib
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from entrepot.errors import InvalidSettings
from entrepot.server_address import masked, redis_faults

#: No lease is longer, so one that ends later was given before the machine was started anew.
LONGEST_LEASE_SECONDS = 600
#: No time that anybody waits is longer; a figure that is needs no answer in years, and overflows clocks.
LONGEST_SECONDS = 366 * 24 * 3600
#: How queues may be called: as dramatiq allows, and short.
QUEUE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
#: A host, or with `*.` in front of it any that has one label more.
HOST_PATTERN = re.compile(r"(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]{0,250}[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\]")
#: What to say of a name that does not fit, behind it.
NO_QUEUE_NAME = "is no queue name: a letter or '_', then letters, digits, '_' and '-', at most 64 in all"

Seconds = Annotated[float, Field(le=LONGEST_SECONDS, allow_inf_nan=False)]
Minutes = Annotated[float, Field(le=366 * 24 * 60, allow_inf_nan=False)]
Hours = Annotated[float, Field(le=100 * 366 * 24, allow_inf_nan=False)]
Days = Annotated[float, Field(le=100 * 366, allow_inf_nan=False)]
Bytes = Annotated[int, Field(le=1_000_000_000)]
Megabytes = Annotated[int, Field(le=1_000_000_000)]


def default_data_dir() -> Path:
    """Return the folder used when `ENTREPOT_DATA_DIR` is not set: `entrepot` in the user's data folder."""
    root = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(root) / "entrepot"


def config_file() -> Path:
    """Return the settings file: `ENTREPOT_CONFIG`, or `entrepot.toml` in the data folder; it need not exist."""
    given, data_dir = os.environ.get("ENTREPOT_CONFIG"), os.environ.get("ENTREPOT_DATA_DIR")
    return Path(given) if given else (Path(data_dir) if data_dir else default_data_dir()) / "entrepot.toml"


class _SettingsFile(TomlConfigSettingsSource):
    """The settings file.

    A table that is given elsewhere takes the place of the whole table here: of patterns the first that matches counts, and
    merged tables would have no order that anybody has chosen.
    """

    def __call__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__call__().items() if name not in self.current_state}


class Settings(BaseSettings):
    """The settings of one engine; field names are the environment names without `ENTREPOT_`, in lower case."""

    model_config = SettingsConfigDict(env_prefix="ENTREPOT_", extra="ignore", frozen=True, hide_input_in_errors=True)

    data_dir: Path = Field(default_factory=default_data_dir, description="Folder that holds everything the engine writes.")
    database_url: str = Field("", repr=False, description="sqlite:///path or postgresql://…; empty: SQLite in the data folder.")
    broker_url: str = Field(
        "",
        repr=False,
        description="Transport that wakes workers: redis://[:password@]host[:port][/db], rediss://…; empty: embedded.",
    )
    broker_prefix: str = Field(
        "entrepot", pattern="^[A-Za-z0-9_.:-]{1,64}$", description="How all keys in Redis begin; one for each engine."
    )
    admin_password: SecretStr | None = Field(
        None, description="Password of the first administrator, user `admin`; not set: one is generated and said once."
    )
    credential_cache_seconds: Seconds = Field(
        60, ge=0, description="A password that was right is not hashed anew for this long, seconds; 0: each time."
    )
    login_failures: int = Field(
        10, ge=1, le=10_000, description="After so many failed logins of one user from one address, logins are refused."
    )
    login_failures_of_address: int = Field(
        50, ge=1, le=10_000, description="After so many failed logins of any users from one address, logins are refused."
    )
    login_failure_seconds: Seconds = Field(300, gt=0, description="How long a failed login counts, seconds.")
    session_idle_minutes: Minutes = Field(
        720, ge=1, description="A browser from which nothing has come for so long has to log in again, minutes."
    )
    session_days: Days = Field(14, gt=0, description="After so long a browser has to log in again in any case, days.")
    certificate_days: Days = Field(7, gt=0, description="How long the certificate that a login answers with is valid, days.")
    task_modules: list[str] = Field([], description="Python modules whose @entrepot.task functions workers may run.")
    plugins: dict[str, dict[str, Any]] = Field(
        {}, repr=False, description="What holds for all importers or distributors of a type, where they do not say otherwise."
    )

    worker_processes: int = Field(2, ge=1, le=256, description="Worker processes of `serve` and `worker`.")
    worker_threads: int = Field(4, ge=1, le=256, description="Tasks that one worker process runs at once.")
    worker_queues: list[str] = Field([], description="Queues that workers serve; none named: all of them.")
    lease_seconds: Seconds = Field(
        30, gt=0, le=LONGEST_LEASE_SECONDS, description="How long a claim holds without a sign of life, seconds."
    )
    beat_seconds: Seconds = Field(6, gt=0, validate_default=True, description="How often a worker renews its leases, seconds.")
    rescue_limit: int = Field(3, ge=0, description="How often a task is rescued from lost workers before it ends in error.")
    orphans: Literal["retry", "fail"] = Field("retry", description="What becomes of an idempotent task whose worker was lost.")
    cancel_patience_seconds: Seconds = Field(2, ge=0, description="Time a canceled task has to stop by itself, seconds.")
    cancel_grace_seconds: Seconds = Field(
        30, gt=0, description="Then its worker process is replaced, seconds after the cancel."
    )
    drain_seconds: Seconds = Field(60, ge=0, description="How long SIGTERM waits for running tasks, seconds.")
    task_retention_days: Days = Field(7, gt=0, description="Finished tasks are kept this long, days.")
    deploy_retention_days: Days = Field(
        30, gt=0, description="Deploys that have ended are kept this long, the latest of a distributor for good, days."
    )
    history_retention_days: Days = Field(60, gt=0, description="Sync and publish history is kept this long, days.")
    audit_retention_days: Days = Field(365, ge=0, description="Entries of the audit log are kept this long, days; 0: for good.")
    upload_expiry_hours: Hours = Field(24, gt=0, description="An upload is removed so long after its last piece came, hours.")
    max_result_bytes: Bytes = Field(1_000_000, gt=0, description="Largest result or progress report of a task, bytes of JSON.")
    recycle_after_tasks: int = Field(0, ge=0, description="A worker process is replaced after so many tasks; 0: never.")
    recycle_rss_mb: Megabytes = Field(
        0, ge=0, description="A worker process that holds more memory is replaced when its tasks have ended, MB; 0: never."
    )
    time_limits_seconds: dict[str, Annotated[Seconds, Field(ge=0)]] = Field(
        {}, description="Longest time of a run by pattern of task types, in place of the type's own, seconds; 0: no limit."
    )
    memory_limits_mb: dict[str, Annotated[Megabytes, Field(gt=0)]] = Field(
        {}, description="A task of these types is stopped when its worker process, as a whole, grows beyond this, MB."
    )
    concurrency_limits: dict[str, Annotated[int, Field(ge=1, le=100)]] = Field(
        {}, description="How many tasks with this limit key, a task type or one that its type names, may run at once."
    )

    tls_certificate: Path | None = Field(
        None, description="Certificate of the web server, PEM, followed by those above it; not set: no TLS."
    )
    tls_key: Path | None = Field(
        None, description="Private key of tls_certificate, PEM; not set: it stands in the file of the certificate."
    )
    min_free_mb: Megabytes = Field(
        500, ge=0, description="With less space than this in the data folder the server is not ready, MB."
    )
    metrics_networks: list[str] = Field(
        ["127.0.0.0/8", "::1/128"], description="Networks (CIDR) that may read /metrics without a login."
    )
    log_format: Literal["text", "json"] = Field("text", description="What a line of the log is: text for people, or JSON.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least important lines that the log has; those of libraries from warning on."
    )
    tracing: bool = Field(
        False, description="Whether requests and tasks are traced by OpenTelemetry, which OTEL_… variables configure."
    )
    max_body_bytes: Bytes = Field(8_000_000, gt=0, description="Largest body of a request to the REST API, bytes.")
    permission_denied_status: Literal[401, 403] = Field(
        401, description="HTTP status when a permission is lacking: 401 as Pulp 2 answers, or 403."
    )
    trusted_proxies: list[str] = Field(
        [], description="Networks (CIDR) of the proxies that end TLS and name the client's certificate."
    )
    client_certificate_header: str = Field(
        "", description="Header in which trusted_proxies send the client's certificate, PEM, percent-encoded; empty: none."
    )

    facades: list[Literal["edgecast", "livingdocs", "pugpig"]] = Field(
        ["edgecast", "livingdocs", "pugpig"], description="The status facades that are served; an empty list: none."
    )
    edgecast_hosts: list[str] = Field([], description="Hosts that serve the Edgecast facade; none named: any.")
    livingdocs_hosts: list[str] = Field([], description="Hosts that serve the Livingdocs facade; none named: any.")
    pugpig_hosts: list[str] = Field(
        [], description="Hosts that serve the Pugpig facade, `*.admin.example.org` for an account each; none named: any."
    )
    edgecast_average: Literal["servers", "pops"] = Field(
        "servers", description="What Percent_propagated is of: all servers, or the mean of the POPs."
    )
    edgecast_status_days: Days = Field(7, gt=0, description="A deploy's status is told this long, days.")
    livingdocs_limit_overflow: Literal["reject", "clamp"] = Field(
        "reject", description="What becomes of a limit above 1000: 400, or 1000."
    )
    pugpig_legacy_get: bool = Field(False, description="Whether action/update_content may be a GET, as prefetchers send.")
    facade_version_header: bool = Field(False, description="Whether facades say X-Facade: what they are, and their version.")

    livingdocs_after: Literal["inclusive", "exclusive"] = Field(
        "inclusive", description="Whether `after` in the Livingdocs facade tells the event of that id as well, or those after."
    )
    livingdocs_document_granularity: Literal["repository", "unit"] = Field(
        "repository", description="What a document of a publication event is: a repository, or each of its units."
    )
    event_retention_days: Days = Field(0, ge=0, description="Publication events are kept this long, days; 0: for good.")
    activity_retention_days: Days = Field(30, gt=0, description="Lines of a repository's log are kept this long, days.")
    activity_lines: int = Field(10_000, ge=1, description="Newest lines of a repository's log that are kept.")

    publication_grace_seconds: Seconds = Field(
        600, ge=0, description="A path that left a publication still resolves this long."
    )
    keep_publications: int = Field(10, ge=1, description="Publications of a distributor that are kept for roll-back.")

    push_timeout_seconds: Seconds = Field(30, gt=0, description="Longest silence of an edge server within a push, seconds.")
    push_retries: int = Field(
        5, ge=0, le=100, description="How often a failed push is tried again, where a distributor does not say otherwise."
    )
    push_retry_seconds: Seconds = Field(
        5, gt=0, description="Wait before a failed push is tried again, seconds; doubled each time."
    )
    push_retry_longest_seconds: Seconds = Field(600, gt=0, description="Longest such wait, seconds.")

    allowed_file_roots: list[Path] = Field([], description="Folders below which file:// feeds are allowed; none by default.")
    blocked_networks: list[str] = Field(
        ["169.254.0.0/16", "fe80::/10"], description="Networks that feeds may not point to (CIDR); link-local by default."
    )
    max_metadata_bytes: Bytes = Field(
        1_000_000_000, gt=0, description="Largest index, or other metadata, that is fetched from a feed, bytes."
    )
    connect_timeout_seconds: Seconds = Field(10, gt=0, description="Time to connect to a feed, seconds.")
    low_speed_bytes: Bytes = Field(
        1, ge=0, description="A transfer slower than this for low_speed_seconds fails, bytes a second."
    )
    low_speed_seconds: int = Field(30, ge=1, le=LONGEST_SECONDS, description="See low_speed_bytes, seconds.")
    total_timeout_seconds: Seconds = Field(24 * 3600, gt=0, description="Longest time of one transfer, seconds.")
    fetch_retries: int = Field(4, ge=0, description="How often a failed transfer is tried again.")

    @classmethod
    def settings_customise_sources(  # noqa: D102 - the library's hook
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's hook
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's hook
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _SettingsFile(settings_cls, config_file())

    @field_validator("broker_url")
    @classmethod
    def _known_transport(cls, url: str) -> str:
        if url in ("", "embedded://"):
            return url
        if not url.startswith(("redis://", "rediss://")):
            text = (
                f"{masked(url)!r} is no transport: write redis://host:6379/0 or rediss://…, or leave it empty: "
                "no server is needed"
            )
            raise ValueError(text)
        if fault := redis_faults(url):
            raise ValueError(fault)
        return url

    @field_validator("trusted_proxies", "metrics_networks")
    @classmethod
    def _are_networks(cls, networks: list[str]) -> list[str]:
        for network in networks:
            ip_network(network)  # raises ValueError that names it
        return networks

    @field_validator("worker_queues")
    @classmethod
    def _queues_have_names(cls, names: list[str]) -> list[str]:
        for name in names:
            if not QUEUE_NAME.fullmatch(name):
                text = f"{name!r} {NO_QUEUE_NAME}"
                raise ValueError(text)
        return names

    @field_validator("edgecast_hosts", "livingdocs_hosts", "pugpig_hosts")
    @classmethod
    def _facades_have_hosts(cls, hosts: list[str]) -> list[str]:
        for host in hosts:
            if not HOST_PATTERN.fullmatch(host):
                text = f"{host!r} is no name of a host, without scheme and port, such as api.example.org or *.admin.example.org"
                raise ValueError(text)
        return [host.lower() for host in hosts]

    @field_validator("beat_seconds")
    @classmethod
    def _beats_keep_leases(cls, beat: float, info: ValidationInfo) -> float:
        lease = info.data.get("lease_seconds")  # None: it was refused itself
        if lease is not None and beat > lease / 3:
            text = f"beat_seconds {beat:g} must be at most a third of lease_seconds {lease:g}"
            raise ValueError(text)
        return beat

    @property
    def uses_redis(self) -> bool:
        """True if Redis wakes the workers."""
        return self.broker_url.startswith(("redis://", "rediss://"))

    @property
    def effective_database_url(self) -> str:
        """The database in use: `database_url`, or SQLite in the data folder."""
        return self.database_url or f"sqlite:///{self.data_dir.absolute() / 'entrepot.sqlite3'}"

    @property
    def authority_dir(self) -> Path:
        """The folder of the key and the certificate that sign users' certificates."""
        return self.data_dir / "ca"

    @property
    def store_dir(self) -> Path:
        """The folder of the blob store."""
        return self.data_dir / "store"

    @property
    def lease(self) -> timedelta:
        """`lease_seconds` as a span."""
        return timedelta(seconds=self.lease_seconds)


def read_settings(**given: object) -> Settings:
    """Return the settings, or raise `InvalidSettings` that names each bad one."""
    try:
        return Settings(**given)  # type: ignore[arg-type]  # keywords are checked by pydantic
    except SettingsError as error:
        field = re.search(r'field "(\w+)"', str(error))
        raise InvalidSettings({field.group(1) if field else "config": f"is no JSON: {error.__cause__ or error}"}) from error
    except tomllib.TOMLDecodeError as error:
        raise InvalidSettings({"config": f"{config_file()} is no TOML: {error}"}) from error
    except ValidationError as error:
        problems: dict[str, list[str]] = {}
        for item in error.errors():
            name, *inside = map(str, item["loc"])  # inside: the pattern of a table, the number in a list
            problems.setdefault(name, []).append(": ".join([*inside, item["msg"]]))
        raise InvalidSettings({name: "; ".join(texts) for name, texts in problems.items()}) from error

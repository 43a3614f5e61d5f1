"""Who takes part: the packages, the worker command, the servers and the promises of each contestant.

Settings are those with which each peer is quickest for tiny tasks and still runs as its documentation shows: two worker
processes, nothing kept that need not be, polling as short as it can be set. entrepot runs with all its defaults.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

#: What a contestant's database is: entrepot keeps its rows in one, peers may need one of these servers.
REDIS, POSTGRESQL = "redis", "postgresql"


@dataclass(frozen=True)
class Contestant:
    """One queue with one set of settings; `{…}` in its command and environment is filled in by `stage`."""

    key: str  # what it is called on the command line
    name: str
    module: str
    command: tuple[str, ...]
    keeps: str
    packages: tuple[str, ...] = ()  # none: entrepot's own environment
    servers: tuple[str, ...] = ()
    processes: int = 2
    one_command_each: bool = False  # a command starts one worker process; else it is told how many
    environment: tuple[tuple[str, str], ...] = ()
    is_extra: bool = False  # stands beside another row: neither its start latency nor its idling is asked for

    @property
    def is_entrepot(self) -> bool:
        return not self.packages

    def reserving(self, resources: int) -> Contestant:
        """Return this contestant with tasks that each reserve one of `resources` resources in turn."""
        return replace(
            self,
            key=f"{self.key}-resources",
            name=f"{self.name}, one of {resources:,} resources a task",
            environment=(*self.environment, ("QUEUE_RESOURCES", str(resources))),
            is_extra=True,
        )

    def with_processes(self, processes: int) -> Contestant:
        """Return this contestant with so many worker processes."""
        return replace(self, name=f"{self.name}, {processes} worker processes", processes=processes, is_extra=True)


def _entrepot(key: str, name: str, keeps: str, servers: tuple[str, ...] = (), **settings: str) -> Contestant:
    return Contestant(
        key,
        name,
        "entrepot_engine",
        ("python", "-m", "entrepot", "worker", "--processes", "{processes}"),
        keeps,
        servers=servers,
        environment=(
            ("ENTREPOT_DATA_DIR", "{folder}"),
            ("ENTREPOT_TASK_MODULES", '["queues.entrepot_engine"]'),
            *((f"ENTREPOT_{setting.upper()}", value) for setting, value in settings.items()),
        ),
    )


_ROW = "a row from enqueue to retention, on the disk when enqueue returns; order, rescue, report"

EMBEDDED = _entrepot("embedded", "entrepot, embedded SQLite", f"{_ROW} (synchronous=FULL)")
REDIS_SQLITE = _entrepot(
    "redis-sqlite", "entrepot, Redis + SQLite", f"{_ROW} (synchronous=FULL)", (REDIS,), broker_url="{redis_url}"
)
REDIS_POSTGRESQL = _entrepot(
    "redis-postgresql",
    "entrepot, Redis + PostgreSQL",
    f"{_ROW} (synchronous_commit=on)",
    (REDIS, POSTGRESQL),
    broker_url="{redis_url}",
    database_url="{postgresql_url}",
)

DRAMATIQ = Contestant(
    "dramatiq",
    "dramatiq, Redis",
    "dramatiq_redis",
    ("dramatiq", "--processes", "{processes}", "--threads", "8", "queues.dramatiq_redis"),
    "at least once, while Redis lives; no row, no result",
    ("dramatiq==2.2.1", "redis==8.1.0"),
    (REDIS,),
)
CELERY = Contestant(
    "celery",
    "celery, Redis",
    "celery_redis",
    (
        *("celery", "--quiet", "--app", "queues.celery_redis", "worker", "--pool", "prefork", "--concurrency", "{processes}"),
        *("--prefetch-multiplier", "128", "--without-gossip", "--without-mingle", "--without-heartbeat"),
        *("--loglevel", "WARNING"),
    ),
    "at most once (acknowledged before it runs), while Redis lives; no row, no result",
    ("celery[redis]==5.7.0", "kombu==5.7.0", "billiard==4.3.2", "redis==8.1.0"),
    (REDIS,),
)
#: Quicker for tasks that do nothing, but without the processes of their own in which Celery's tasks run by default.
CELERY_THREADS = replace(
    CELERY,
    key="celery-threads",
    name="celery, Redis, threads",
    command=(
        *("celery", "--quiet", "--app", "queues.celery_redis", "worker", "--pool", "threads", "--concurrency", "8"),
        *("--prefetch-multiplier", "16", "--without-gossip", "--without-mingle", "--without-heartbeat"),
        *("--loglevel", "WARNING"),
    ),
    one_command_each=True,
    is_extra=True,
)
RQ = Contestant(
    "rq",
    "rq, Redis",
    "rq_redis",
    ("rq", "worker", "--quiet", "--worker-class", "rq.worker.SimpleWorker", "--url", "{redis_url}", "bench"),
    "at least once after a clean-up of abandoned jobs, while Redis lives; the job until it has run, no result",
    ("rq==3.0.0", "redis==8.1.0"),
    (REDIS,),
    one_command_each=True,
)
HUEY_SQLITE = Contestant(
    "huey-sqlite",
    "huey, SQLite",
    "huey_sqlite",
    (
        *("huey_consumer", "--workers", "{processes}", "--worker-type", "process", "--no-periodic", "--quiet"),
        *("--delay", "0.001", "--max-delay", "0.005", "queues.huey_sqlite.huey"),
    ),
    "at most once (deleted when fetched), never flushed to the disk (synchronous=OFF); no result",
    ("huey==3.5.4",),
)
#: What huey does unless told otherwise; shown beside its quickest setting, because that one flushes nothing to the disk.
HUEY_SQLITE_FLUSHED = replace(
    HUEY_SQLITE,
    key="huey-sqlite-flushed",
    name="huey, SQLite, flushed",
    keeps="at most once (deleted when fetched), on the disk when enqueue returns (synchronous=FULL); no result",
    environment=(("QUEUE_FSYNC", "1"),),
    is_extra=True,
)
HUEY_REDIS = Contestant(
    "huey-redis",
    "huey, Redis",
    "huey_redis",
    (
        *("huey_consumer", "--workers", "{processes}", "--worker-type", "process", "--no-periodic", "--quiet"),
        "queues.huey_redis.huey",
    ),
    "at most once (deleted when fetched), while Redis lives; no result",
    ("huey==3.5.4", "redis==8.1.0"),
    (REDIS,),
)
PROCRASTINATE = Contestant(
    "procrastinate",
    "procrastinate, PostgreSQL",
    "procrastinate_postgresql",
    ("procrastinate", "--app", "queues.procrastinate_postgresql.app", "worker", "--concurrency", "10"),
    "a row with status and events, on the disk when defer returns (synchronous_commit=on); at least once; no result",
    ("procrastinate==3.10.0", "psycopg[binary]==3.3.9", "psycopg-pool==3.3.3"),
    (POSTGRESQL,),
    one_command_each=True,
)

#: How many resources the tasks of an extra row share out among themselves.
RESOURCES = 100

ENTREPOT = (EMBEDDED, REDIS_SQLITE, REDIS_POSTGRESQL)
PEERS = (DRAMATIQ, CELERY, CELERY_THREADS, RQ, HUEY_SQLITE, HUEY_SQLITE_FLUSHED, HUEY_REDIS, PROCRASTINATE)
CONTESTANTS = (*ENTREPOT, *PEERS, *(mine.reserving(RESOURCES) for mine in ENTREPOT))

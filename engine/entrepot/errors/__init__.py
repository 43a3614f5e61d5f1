"""Every deliberate error, in one tree: a code that is never reused, an HTTP status and one sentence.

    EntrepotError
    ├── MissingResource              PLP0009  404
    ├── OperationConflict            PLP0010  409
    ├── InvalidValue                 PLP0015  400
    │   ├── InvalidSettings          PLP2001  400
    │   └── UnknownDistributorType   PLP2002  400
    ├── MissingValue                 PLP0016  400
    ├── UnsupportedValue             PLP0017  400
    ├── DuplicateResource            PLP0018  409
    ├── UnknownImporterType          PLP1008  400
    ├── RefusedConfiguration         PLP1000  400
    ├── OperationRefused             PLP0000  400
    │   └── UnitTypesDiffer          PLP0044  400
    ├── BadRequest                   PLP2060  400
    │   ├── MalformedBody            PLP1009  400
    │   ├── WrongBodyType            PLP1015  400
    │   ├── WrongType                PLP1010  400
    │   ├── BadEncoding              PLP0019  400
    │   ├── InvalidPurgeState        PLP1011  400
    │   ├── PurgeRefused             PLP1012  403
    │   └── BodyTooLarge             PLP2061  413
    ├── AccessError                  PLP2050  401
    │   ├── NotAuthenticated         PLP0025  401
    │   ├── PermissionDenied         PLP0026  401
    │   ├── InvalidCertificate       PLP0027  401
    │   ├── InvalidCredentials       PLP0030  401
    │   ├── TooManyAttempts          PLP2051  429
    │   ├── SessionEnded             PLP2052  401
    │   └── ForeignForm              PLP2053  403
    ├── BrokenPlugin                 PLP2003  500
    ├── PluginError                  PLP2004  500
    │   ├── SyncFailed               PLP2005  500
    │   ├── PublishFailed            PLP0034  500
    │   └── UploadRefused            PLP0047  500
    ├── TaskError                    PLP2010  500
    │   ├── TaskFailed               PLP2011  500
    │   ├── TaskCanceled             PLP2012  409
    │   ├── WaitTimeout              PLP2013  504
    │   ├── WorkerLost               PLP0049  500
    │   ├── TaskTimedOut             PLP2014  500
    │   ├── UnknownTaskType          PLP2015  500
    │   ├── ResultTooLarge           PLP2016  500
    │   └── TaskOutOfMemory          PLP2017  500
    ├── FetchError                   PLP2020  502
    │   ├── FetchRefused             PLP2021  400
    │   ├── FetchAnswered            PLP2022  502
    │   ├── FetchTimedOut            PLP2023  504
    │   ├── SizeDiffers              PLP2024  502
    │   ├── ChecksumDiffers          PLP1013  502
    │   └── UpstreamFailed           PLP2025  502
    │       └── UpstreamTimedOut     PLP2026  504
    ├── PushError                    PLP2080  502
    │   ├── PushFailed               PLP2081  502
    │   └── PushGivenUp              PLP2082  502
    ├── StorageError                 PLP2030  500
    │   ├── StorageFull              PLP2031  507
    │   ├── StorageUnwritable        PLP2032  500
    │   └── BytesUnavailable         PLP2033  500
    ├── DatabaseError                PLP2040  500
    │   ├── DatabaseUnavailable      PLP2041  503
    │   ├── DatabaseTooNew           PLP2042  500
    │   ├── DatabaseOutdated         PLP2043  500
    │   ├── ValueNotKept             PLP2044  400
    │   └── SearchTooSlow            PLP2045  400
    └── ServerUnavailable            PLP2070  503

Codes below 2000 are Pulp's (REST contract, section 1.4); those from 2001 are this project's own. The message is for a
person: what, why, what next. The keywords are data for a program. `Interrupted` and its kin are no errors: they derive
from `BaseException`, so that a plugin's `except Exception` cannot swallow them.
"""

from entrepot.errors.access import (
    AccessError,
    ForeignForm,
    InvalidCertificate,
    InvalidCredentials,
    NotAuthenticated,
    PermissionDenied,
    SessionEnded,
    TooManyAttempts,
)
from entrepot.errors.content import (
    BytesUnavailable,
    ChecksumDiffers,
    FetchAnswered,
    FetchError,
    FetchRefused,
    FetchTimedOut,
    SizeDiffers,
    StorageError,
    StorageFull,
    StorageUnwritable,
    UpstreamFailed,
    UpstreamTimedOut,
)
from entrepot.errors.database import (
    DatabaseError,
    DatabaseOutdated,
    DatabaseTooNew,
    DatabaseUnavailable,
    SearchTooSlow,
    ValueNotKept,
)
from entrepot.errors.error import JSON, EntrepotError
from entrepot.errors.plugins import BrokenPlugin, PluginError, PublishFailed, SyncFailed, UnitTypesDiffer, UploadRefused
from entrepot.errors.pushes import PushError, PushFailed, PushGivenUp
from entrepot.errors.requests import (
    BadEncoding,
    BadRequest,
    BodyTooLarge,
    InvalidPurgeState,
    MalformedBody,
    PurgeRefused,
    ServerUnavailable,
    WrongBodyType,
    WrongType,
)
from entrepot.errors.tasks import (
    Canceled,
    Interrupted,
    LeaseLost,
    MemoryLimitReached,
    ResultTooLarge,
    TaskCanceled,
    TaskError,
    TaskFailed,
    TaskOutOfMemory,
    TaskTimedOut,
    TimeLimitReached,
    UnknownTaskType,
    WaitTimeout,
    WorkerLost,
)
from entrepot.errors.values import (
    DuplicateResource,
    InvalidSettings,
    InvalidValue,
    MissingResource,
    MissingValue,
    OperationConflict,
    OperationRefused,
    RefusedConfiguration,
    UnknownDistributorType,
    UnknownImporterType,
    UnsupportedValue,
)

__all__ = [
    "JSON",
    "AccessError",
    "BadEncoding",
    "BadRequest",
    "BodyTooLarge",
    "BrokenPlugin",
    "BytesUnavailable",
    "Canceled",
    "ChecksumDiffers",
    "DatabaseError",
    "DatabaseOutdated",
    "DatabaseTooNew",
    "DatabaseUnavailable",
    "DuplicateResource",
    "EntrepotError",
    "FetchAnswered",
    "FetchError",
    "FetchRefused",
    "FetchTimedOut",
    "ForeignForm",
    "Interrupted",
    "InvalidCertificate",
    "InvalidCredentials",
    "InvalidPurgeState",
    "InvalidSettings",
    "InvalidValue",
    "LeaseLost",
    "MalformedBody",
    "MemoryLimitReached",
    "MissingResource",
    "MissingValue",
    "NotAuthenticated",
    "OperationConflict",
    "OperationRefused",
    "PermissionDenied",
    "PluginError",
    "PublishFailed",
    "PurgeRefused",
    "PushError",
    "PushFailed",
    "PushGivenUp",
    "RefusedConfiguration",
    "ResultTooLarge",
    "SearchTooSlow",
    "ServerUnavailable",
    "SessionEnded",
    "SizeDiffers",
    "StorageError",
    "StorageFull",
    "StorageUnwritable",
    "SyncFailed",
    "TaskCanceled",
    "TaskError",
    "TaskFailed",
    "TaskOutOfMemory",
    "TaskTimedOut",
    "TimeLimitReached",
    "TooManyAttempts",
    "UnitTypesDiffer",
    "UnknownDistributorType",
    "UnknownImporterType",
    "UnknownTaskType",
    "UnsupportedValue",
    "UploadRefused",
    "UpstreamFailed",
    "UpstreamTimedOut",
    "ValueNotKept",
    "WaitTimeout",
    "WorkerLost",
    "WrongBodyType",
    "WrongType",
]

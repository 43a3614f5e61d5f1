"""The tables, and the database they live in; no rules.

Hot statements are plain SQL through `Database.execute`; everything else is a peewee query bound to `Database.peewee`.
`migrations/` is what makes the tables; a test proves that the classes here and the migrated tables agree.
"""

from entrepot.models.access import (
    ApiToken,
    AuditEntry,
    FailedLogin,
    LoginSession,
    Permission,
    Role,
    RoleGrant,
    RoleMember,
    UserAccount,
    UserGrant,
)
from entrepot.models.change_watch import ChangeWatch
from entrepot.models.connection import Database, Row
from entrepot.models.content import Blob, HourlyMeasure, RemoteFile, Unit, UnitDocument, UnitFile, Upload
from entrepot.models.events import Activity, Counter, Document, PublicationEvent
from entrepot.models.fields import storable
from entrepot.models.propagation import Deploy, DeployPop, DeployServer, EdgeServer, Pop
from entrepot.models.repositories import (
    Association,
    Distributor,
    Entry,
    Importer,
    Publication,
    PublishResult,
    Repository,
    RepositoryNote,
    SyncResult,
)
from entrepot.models.schedules import Schedule, ScheduledRun
from entrepot.models.tasking import HourlyTasks, Reservation, Task, TaskAttempt, TaskGroup, TaskTag, Worker, WorkerDrain
from entrepot.models.tenants import Tenant, TenantChannel, TenantSource, TenantToken

__all__ = [
    "Activity",
    "ApiToken",
    "Association",
    "AuditEntry",
    "Blob",
    "ChangeWatch",
    "Counter",
    "Database",
    "Deploy",
    "DeployPop",
    "DeployServer",
    "Distributor",
    "Document",
    "EdgeServer",
    "Entry",
    "FailedLogin",
    "HourlyMeasure",
    "HourlyTasks",
    "Importer",
    "LoginSession",
    "Permission",
    "Pop",
    "Publication",
    "PublicationEvent",
    "PublishResult",
    "RemoteFile",
    "Repository",
    "RepositoryNote",
    "Reservation",
    "Role",
    "RoleGrant",
    "RoleMember",
    "Row",
    "Schedule",
    "ScheduledRun",
    "SyncResult",
    "Task",
    "TaskAttempt",
    "TaskGroup",
    "TaskTag",
    "Tenant",
    "TenantChannel",
    "TenantSource",
    "TenantToken",
    "Unit",
    "UnitDocument",
    "UnitFile",
    "Upload",
    "UserAccount",
    "UserGrant",
    "Worker",
    "WorkerDrain",
    "storable",
]

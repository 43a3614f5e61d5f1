"""The engine over REST: `Client` offers the names of `Engine` to programs that run elsewhere.

The walk of a call: `service`, `tasks`, `handle`, `groups`, `repositories`, `repository`, `contents`, `schedules`, `edges`,
`tenants` and `access` have the methods of the engine's classes of the same names; `connection` sends the request, and again
if nothing can have come of it; `refusals` makes an error of an error document; `documents`, `content_documents` and `figures`
make reports of the others; `events` follows a task.
"""

from entrepot.client.access import Access
from entrepot.client.contents import Contents
from entrepot.client.edges import Edges
from entrepot.client.groups import TaskGroup
from entrepot.client.handle import TaskHandle
from entrepot.client.repositories import Repositories
from entrepot.client.repository import Repository
from entrepot.client.schedules import Schedules
from entrepot.client.service import Client
from entrepot.client.tasks import Tasks
from entrepot.client.tenants import Tenants

__all__ = [
    "Access",
    "Client",
    "Contents",
    "Edges",
    "Repositories",
    "Repository",
    "Schedules",
    "TaskGroup",
    "TaskHandle",
    "Tasks",
    "Tenants",
]

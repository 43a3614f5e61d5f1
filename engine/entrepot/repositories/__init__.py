"""The walk of a sync.

| step | module |
|---|---|
| request, work, history, auto-publish | `sync`: `request_sync`, and the next function, `sync` |
| import: units and bytes | `sync_run` (the importer's conduit) -> `entrepot.content` |
| change set | `associations` |
| publish | `publish`: `request_publish`, `publish`; `publish_run` (the distributor's conduit) |
| entries and flip | `publication` |
| serve | `published` |
| copy, propagate | `entries` |

`changes` creates, updates and deletes; `importers` and `distributors` set, change and remove plugins; `rolling_back` serves an
earlier publication, by a task; `sources` knows which distributor copies which; `download` looks whether every file is there;
`flips` tells what is served; `history` keeps what ended; `listing` reports many at once; `service` and `repository` are what
programs hold.
"""

from entrepot.repositories.house import House
from entrepot.repositories.reports import (
    DistributorReport,
    HistoryEntry,
    ImporterReport,
    ListedItem,
    PublicationReport,
    PublishedDirectory,
    PublishedFile,
    RepositoryReport,
)
from entrepot.repositories.repository import Repository
from entrepot.repositories.service import Repositories
from entrepot.repositories.unset import UNSET, Unset

__all__ = [
    "UNSET",
    "DistributorReport",
    "HistoryEntry",
    "House",
    "ImporterReport",
    "ListedItem",
    "PublicationReport",
    "PublishedDirectory",
    "PublishedFile",
    "Repositories",
    "Repository",
    "RepositoryReport",
    "Unset",
]

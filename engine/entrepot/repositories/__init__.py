"""The walk of a sync.

| step | module |
|---|---|
| request, work, history, auto-publish | `sync`: `request_sync`, and the next function, `sync` |
| import: units and bytes | `sync_run` (the importer's conduit; `newest`: old versions) -> `keeper` -> `entrepot.content` |
| change set | `associations` |
| publish | `publish`: `request_publish`, `publish`; `publish_run` (the distributor's conduit) |
| entries and flip | `publication` |
| serve | `published` |
| copy, propagate | `entries` |

`changes` creates, updates and deletes; `importers` and `distributors` set, change and remove plugins; `rolling_back` serves
an earlier publication, by a task; `sources` knows which distributor copies which; `download` sees that every file is there,
and `recovery` gets back what is not, by `feeds`; `arrivals` gives bytes that come later to all who wait; `copying` brings
units in from another repository (`copy_run`), `importing` from an upload (`import_run`), `removing` takes them out;
`contents` is all content, whatever holds it: `content_units`, `uploading`, `orphans`, `catalog_sources`. `unit_search` finds
units, by the index of their names where it can (`unit_names`). `task_table` lists what workers run. `flips` tells what is
served; `history` keeps what ended; `listing` reports many at once, `overview` a page of
them with how they do; `service` and `repository` are what programs hold.
"""

from entrepot.repositories.content_reports import OrphanReport, SourceReport, UnitFileReport, UnitReport, UploadReport
from entrepot.repositories.contents import Contents
from entrepot.repositories.house import House
from entrepot.repositories.overview import RepositoryPage, RepositoryQuery, RepositorySummary, RunReport
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
    "Contents",
    "DistributorReport",
    "HistoryEntry",
    "House",
    "ImporterReport",
    "ListedItem",
    "OrphanReport",
    "PublicationReport",
    "PublishedDirectory",
    "PublishedFile",
    "Repositories",
    "Repository",
    "RepositoryPage",
    "RepositoryQuery",
    "RepositoryReport",
    "RepositorySummary",
    "RunReport",
    "SourceReport",
    "UnitFileReport",
    "UnitReport",
    "Unset",
    "UploadReport",
]

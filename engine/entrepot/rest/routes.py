"""Every endpoint of the door: the table that `app` serves and `openapi` describes."""

from __future__ import annotations

from entrepot.rest import (
    actions,
    distributors,
    docs,
    histories,
    importers,
    login,
    permissions,
    plugins,
    repositories,
    repository_search,
    roles,
    schedule_collection,
    schedules,
    status,
    task_groups,
    tasks,
    tokens,
    unit_search,
    users,
    workers,
)
from entrepot.rest.endpoint import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = (
    *repositories.ENDPOINTS,
    *repository_search.ENDPOINTS,
    *unit_search.ENDPOINTS,
    *importers.ENDPOINTS,
    *distributors.ENDPOINTS,
    *actions.ENDPOINTS,
    *histories.ENDPOINTS,
    *tasks.ENDPOINTS,
    *login.ENDPOINTS,
    *permissions.ENDPOINTS,
    *roles.ENDPOINTS,
    *schedule_collection.ENDPOINTS,
    *schedules.ENDPOINTS,
    *tokens.ENDPOINTS,
    *users.ENDPOINTS,
    *docs.ENDPOINTS,
    *plugins.ENDPOINTS,
    *status.ENDPOINTS,
    *task_groups.ENDPOINTS,
    *workers.ENDPOINTS,
)

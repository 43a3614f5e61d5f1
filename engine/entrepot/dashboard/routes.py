"""The table of all pages; each module has its own part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.dashboard import (
    audit,
    bulk,
    docs,
    login,
    overview,
    plugins,
    propagation,
    propagation_actions,
    propagation_pops,
    repositories,
    repository,
    repository_content,
    repository_new,
    repository_publications,
    repository_removal,
    repository_runs,
    repository_settings,
    roles,
    schedule,
    schedule_form,
    schedules,
    task,
    tasks,
    unit,
    users,
    workers,
)

if TYPE_CHECKING:
    from entrepot.dashboard.page import Route

ROUTES: tuple[Route, ...] = (
    *overview.ROUTES,
    *tasks.ROUTES,
    *bulk.ROUTES,
    *task.ROUTES,
    *propagation_pops.ROUTES,
    *propagation.ROUTES,
    *propagation_actions.ROUTES,
    *repositories.ROUTES,
    *repository_new.ROUTES,
    *repository.ROUTES,
    *repository_content.ROUTES,
    *repository_publications.ROUTES,
    *repository_runs.ROUTES,
    *repository_settings.ROUTES,
    *repository_removal.ROUTES,
    *unit.ROUTES,
    *schedules.ROUTES,
    *schedule_form.ROUTES,
    *schedule.ROUTES,
    *plugins.ROUTES,
    *workers.ROUTES,
    *users.ROUTES,
    *roles.ROUTES,
    *audit.ROUTES,
    *docs.ROUTES,
    *login.ROUTES,
)

"""The forms that make and change a schedule, with a preview that keeps what was typed.

What is wrong is said on the form: by its own reading of numbers and JSON first, then by the engine, which names the fields.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from entrepot import clock
from entrepot.access import Operation
from entrepot.dashboard.configuration_values import json_of
from entrepot.dashboard.page import Asked, Page, Redirect, Route, rest_path
from entrepot.dashboard.schedule import ALL, coming, named_place, owner_place, path_of, place_of, schedule_of
from entrepot.errors import JSON, InvalidValue
from entrepot.named_tasks import require_callable
from entrepot.schedules.words import how_soon, what_runs

if TYPE_CHECKING:
    from entrepot.schedules import ScheduleReport

_KINDS = ("sync", "publish", "task")
_SHOWN_RUNS = 5
_PREVIEW = "preview"
#: What the form is filled with when somebody begins.
_FRESH = {"schedule": "", "enabled": "true", "overlap": "coalesce", "jitter_seconds": "0", "args": "[]", "kwargs": "{}"}
#: Fields of the form, and the names under which the engine refuses what they hold.
_FIELDS = {"iso_schedule": "schedule", "task_type": "task", "arguments": "args"}


@dataclass(frozen=True, slots=True)
class _Target:
    """What a schedule is to run: a repository's importer or distributor, or a task, which has neither."""

    kind: str
    repository_id: str = ""
    plugin_id: str = ""

    @property
    def place(self) -> str:
        """The REST path that it is made at."""
        return owner_place(self.kind, self.repository_id, self.plugin_id)


@dataclass(slots=True)
class _Typed:
    """What a form holds, as text and as the values that it stands for, and why some of it is refused."""

    texts: Mapping[str, str]
    errors: dict[str, str] = field(default_factory=dict)

    def options(self, kind: str) -> dict[str, Any]:
        """Return the values of the form by their names in the engine, but for a task's type and arguments."""
        threshold = self._whole("failure_threshold")
        if not self.texts.get("schedule", "").strip():
            self.errors["schedule"] = "Say when it is to run."
        found: dict[str, Any] = {
            "schedule": self.texts.get("schedule", "").strip(),
            "time_zone": self.texts.get("time_zone", "").strip() or None,
            "failure_threshold": threshold,
            "overlap": self.texts.get("overlap", "coalesce"),
            "jitter_seconds": self._whole("jitter_seconds") or 0,
            "enabled": self.texts.get("enabled") == "true",
        }
        if kind != "task":
            found["override_config"] = self.json("override_config", dict)
        return found

    def json(self, name: str, kind: type) -> Any:  # noqa: ANN401 - JSON of that kind
        """Return the JSON of a field, an empty one if it is blank."""
        text = self.texts.get(name, "").strip()
        try:
            found: JSON = json_of(text) if text else kind()
        except ValueError as error:
            self.errors[name] = f"This is no JSON: {error}."
            return kind()
        if not isinstance(found, kind):
            self.errors[name] = "This must be a list: [ … ]." if kind is list else "This must be an object: { … }."
            return kind()
        return found

    def _whole(self, name: str) -> int | None:
        text = self.texts.get(name, "").strip()
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 12):  # noqa: PLR2004 - more than any limit
            self.errors[name] = "This must be a whole number."
            return None
        return int(text)


def show_new(asked: Asked) -> Page:
    """Show the form of a new schedule, or what is to be chosen before that."""
    return _start(asked, _FRESH)


def create_schedule(asked: Asked) -> Page | Redirect:
    """Make a schedule; with `preview` only show when it would run."""
    target = _chosen(asked, asked.given)
    if target is None:
        raise InvalidValue("kind", "repository", why="choose what the schedule is to run first")
    asked.require("CREATE", target.place)
    typed = _Typed(_texts(asked))
    options = typed.options(target.kind)
    args, kwargs = (typed.json("args", list), typed.json("kwargs", dict)) if target.kind == "task" else ([], {})
    if asked.given("do") == _PREVIEW or typed.errors:
        return _form(asked, target, typed)
    try:
        report = _created(asked, target, options, args, kwargs)
    except InvalidValue as error:
        _note(typed, error)
        return _form(asked, target, typed)
    when = f", next {how_soon(report.next_run, clock.now())}" if report.enabled and report.next_run else ""
    return Redirect(path_of(report.schedule_id), f"It is scheduled: {what_runs(report)} {report.sentence}{when}.")


def show_edit(asked: Asked) -> Page:
    """Show the form that changes a schedule."""
    report = schedule_of(asked, Operation.UPDATE)
    return _form(asked, _target_of(report), _Typed(_stored(report)), report)


def update_schedule(asked: Asked) -> Page | Redirect:
    """Change what differs; with `preview` only show when it would run."""
    report = schedule_of(asked, Operation.UPDATE)
    typed, before = _Typed(_texts(asked)), _Typed(_stored(report)).options(report.kind)
    options = typed.options(report.kind)
    if asked.given("do") == _PREVIEW or typed.errors:
        return _form(asked, _target_of(report), typed, report)
    changes = {name: value for name, value in options.items() if value != before[name]}
    try:
        after = asked.engine.schedules.update(report.schedule_id, changes)
    except InvalidValue as error:
        _note(typed, error)
        return _form(asked, _target_of(report), typed, report)
    return Redirect(path_of(report.schedule_id), f"It is changed: {after.sentence}." if changes else "Nothing was changed.")


def _start(asked: Asked, texts: Mapping[str, str]) -> Page:
    target = _chosen(asked, asked.asks)
    if target is not None and (target.kind == "task" or target.plugin_id):
        asked.require("CREATE", target.place)
        return _form(asked, target, _Typed(texts))
    if target is None and not asked.may("CREATE", ALL):
        asked.require("CREATE", "/v2/repositories/")
    return _choice(asked, target)


def _chosen(asked: Asked, value: Any) -> _Target | None:  # noqa: ANN401 - `asked.asks` or `asked.given`
    """Return what is to be scheduled as far as it was chosen, None if the choice is not made; raises `MissingResource`."""
    kind, repository_id, plugin_id = (value(name).strip() for name in ("kind", "repository", "plugin"))
    plugin_id = plugin_id or value("distributor").strip()
    if kind == "task":
        return _Target(kind)
    if kind not in _KINDS or not repository_id:
        return None
    if not asked.may("READ", rest_path("/v2/repositories/{id}/", {"id": repository_id})):
        asked.require("CREATE", owner_place(kind, repository_id, plugin_id) if plugin_id else "/v2/repositories/")
    repository = asked.engine.repositories.get(repository_id)
    if kind == "sync":
        found = [one.importer_type_id for one in repository.importers()]
    else:
        found = [one.distributor_id for one in repository.distributors()]
    only = found[0] if len(found) == 1 and not plugin_id else ""
    return _Target(kind, repository_id, only or plugin_id)


def _choice(asked: Asked, target: _Target | None) -> Page:
    """Show what is to be chosen before the form: the kind, the repository, and its distributor if it has several."""
    distributors: list[str] = []
    repository_id = target.repository_id if target else asked.asks("repository")
    if target is not None and target.kind == "publish":
        distributors = [one.distributor_id for one in asked.engine.repositories.get(target.repository_id).distributors()]
    values = {
        "kind": asked.asks("kind") if asked.asks("kind") in _KINDS else "sync",
        "kinds": _KINDS,
        "repository": repository_id,
        "distributors": distributors,
        "is_lacking": target is not None and not distributors,
    }
    return Page("schedule_choice.html", "New schedule", values)


def _created(
    asked: Asked, target: _Target, options: dict[str, Any], args: list[JSON], kwargs: dict[str, JSON]
) -> ScheduleReport:
    """Make the schedule, and grant it to who made it as the REST API does."""
    engine, principal = asked.engine, asked.principal
    with engine.transaction():
        if target.kind == "task":
            name = asked.given("task").strip()
            require_callable(engine, name, args, kwargs, is_superuser=principal.is_superuser, property_name="task")
            report = engine.schedules.create_task(options.pop("schedule"), name, args, kwargs, **options)
        elif target.kind == "sync":
            report = engine.schedules.create_sync(target.repository_id, target.plugin_id, **options)
        else:
            report = engine.schedules.create_publish(target.repository_id, target.plugin_id, **options)
        if not principal.is_superuser:
            engine.access.grant_creator(principal.login, place_of(report))
    return report


def _form(asked: Asked, target: _Target, typed: _Typed, report: ScheduleReport | None = None) -> Page:
    """Show the form with what was typed, what is wrong with it, and when it would run."""
    shown = None
    if typed.texts.get("schedule", "").strip():
        shown = _preview(asked, typed)
    values = {
        "report": report,
        "target": target,
        "what": what_runs(report) if report else {"sync": "syncs", "publish": "publishes", "task": "tasks"}[target.kind],
        "typed": typed.texts,
        "errors": typed.errors,
        "preview": shown,
        "action": asked.path,
        "back": path_of(report.schedule_id) if report else "/schedules",
    }
    title = "Change a schedule" if report else "New schedule"
    return Page("schedule_form.html", title, values, 400 if typed.errors else 200)


def _preview(asked: Asked, typed: _Typed) -> dict[str, object] | None:
    """Return when what was typed would run; what is wrong with it is noted."""
    zone = typed.texts.get("time_zone", "").strip() or None
    try:
        found = asked.engine.schedules.preview(typed.texts["schedule"].strip(), time_zone=zone, count=_SHOWN_RUNS)
    except InvalidValue as error:
        _note(typed, error)
        return None
    return {"sentence": found.sentence, "zone": zone, "runs": coming(found.runs, zone, clock.now())}


def _note(typed: _Typed, error: InvalidValue) -> None:
    """Say at the fields what the engine says of them."""
    names = cast("list[str]", error.data.get("property_names") or [])
    for name in names or [""]:
        typed.errors.setdefault(_FIELDS.get(name, name), error.reasons.get(name) or error.why or error.message)


def _texts(asked: Asked) -> dict[str, str]:
    """Return what was typed; a box that is not ticked is not sent."""
    return {"enabled": "", **{name: values[-1] for name, values in asked.form.items() if name not in ("csrf", "do")}}


def _stored(report: ScheduleReport) -> dict[str, str]:
    """Return a schedule as the form holds it."""
    return {
        "schedule": report.schedule,
        "time_zone": report.time_zone or "",
        "failure_threshold": "" if report.failure_threshold is None else str(report.failure_threshold),
        "overlap": report.overlap,
        "jitter_seconds": str(report.jitter_seconds),
        "enabled": "true" if report.enabled else "",
        "override_config": json.dumps(report.override_config, indent=2, ensure_ascii=False) if report.override_config else "",
    }


def _target_of(report: ScheduleReport) -> _Target:
    return _Target(report.kind, report.repository_id or "", report.plugin_id or "")


def _new_place(asked: Asked) -> str:
    """Return the REST path that a schedule is made at, as the form names it."""
    kind, repository_id, plugin_id = (asked.given(name).strip() for name in ("kind", "repository", "plugin"))
    return owner_place(kind, repository_id, plugin_id)


ROUTES = (
    Route("GET", "/schedules/new", show_new),
    Route("POST", "/schedules/new", create_schedule, place=_new_place),
    Route("GET", "/schedules/{schedule_id}/edit", show_edit),
    Route("POST", "/schedules/{schedule_id}/edit", update_schedule, place=named_place),
)

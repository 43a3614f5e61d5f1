"""Plugins that are watched: what they ask for is counted, and at a chosen moment they are canceled or fail.

A watched plugin is a subclass that does what the plugin does, with a conduit that has the public calls and nothing else.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from entrepot.plugin import Canceled, Distributor, Importer, PublishConduit, RemoteFile, SyncConduit, Unit

PluginT = TypeVar("PluginT", Importer, Distributor)

#: Units that are remembered; a feed of many units has more.
_MOST_REMEMBERED = 100
#: How often it is counted how many units there are: each time so many were yielded. Often enough that of 2,000 units that
#: are read all at once 1,750 are still to come at the next count, whatever was yielded before.
_COUNTED_EVERY = 250


class Watch:
    """What a plugin did since `begin`, and when it is to be stopped.

    A moment is a call of the conduit, or a unit that is yielded. `files` are those that the importer declared, `units` those
    that it yielded; those of the first 100 are remembered. `most_ahead` is how many units there were that had not been
    yielded, at most, while `counting_ahead` was open.
    """

    def __init__(self) -> None:
        """Watch, and stop nothing."""
        self.begin()

    def begin(
        self,
        *,
        stop_at: int | None = None,
        stop: Callable[[], BaseException] = Canceled,
        reverse: bool = False,
    ) -> None:
        """Forget what was; raise `stop()` at the moment `stop_at`, counted from 0. `reverse`: give units newest first."""
        self.most_ahead = 0
        self._counts_ahead = False
        self._yielded = 0
        self._passed_on: list[weakref.ref[Unit]] = []  # what was yielded, and is somewhere still
        self.moments = 0
        self.was_stopped = False
        self.reverse = reverse
        self.files: list[RemoteFile] = []
        self.units: list[Unit] = []
        self._stop_at = stop_at
        self._stop = stop

    @contextmanager
    def counting_ahead(self) -> Iterator[None]:
        """Begin, and count now and then how many units were made and not yet yielded.

        Only units that are made meanwhile count, and of those none that was yielded, however long the engine keeps it. What
        was there before (units of other tests, held or not yet collected) is frozen: `gc.get_objects` passes over it.
        """
        self.begin()
        self._counts_ahead = True
        gc.freeze()
        try:
            yield
        finally:
            gc.unfreeze()
            self._counts_ahead = False

    def is_time(self) -> bool:
        """Count a moment, and answer whether it is the one to stop at."""
        self.moments += 1
        if self.moments - 1 != self._stop_at:
            return False
        self.was_stopped = True
        return True

    def error(self) -> BaseException:
        """Return what is to be raised at the chosen moment."""
        return self._stop()

    def saw(self, unit: Unit) -> None:
        """Note a unit that was yielded."""
        if self._counts_ahead:
            self._yielded += 1
            self._passed_on.append(weakref.ref(unit))
            if self._yielded % _COUNTED_EVERY == 0:
                self.most_ahead = max(self.most_ahead, self._ahead())
        if len(self.units) < _MOST_REMEMBERED:
            self.units.append(unit)
            self.files.extend(unit.remote_files)

    def _ahead(self) -> int:
        """Return how many units there are that were not yielded."""
        self._passed_on = [one for one in self._passed_on if one() is not None]
        passed_on = [one() for one in self._passed_on]  # held while it is counted: no other takes the place of one that goes
        known = {id(unit) for unit in passed_on}
        return sum(isinstance(one, Unit) and id(one) not in known for one in gc.get_objects())


class WatchedConduit:
    """A conduit without anything that its protocol does not name."""

    def __init__(self, conduit: object, protocol: type, watch: Watch) -> None:
        """Stand before `conduit`."""
        self._conduit = conduit
        self._names = {name for name in dir(protocol) if not name.startswith("_")}
        self._protocol = protocol.__name__
        self._watch = watch

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the conduit has under this name
        """Return a property, or a call that is counted."""
        if name not in self._names:
            raise AttributeError(f"{self._protocol} has no {name!r}: a plugin may ask only for what entrepot.plugin names")
        found = getattr(self._conduit, name)
        return self._counted(name, found) if callable(found) else found

    def _counted(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as the conduit's own
            if self._watch.is_time():
                raise self._watch.error()
            found = call(*arguments, **options)
            if not self._watch.reverse or name not in ("units", "added", "removed"):
                return found
            units: list[Unit] = list(found)[::-1]
            if options.get("by_name"):
                units.sort(key=lambda unit: (unit.name_value or "").encode())
            return iter(units)

        return counted


def watched_importer(importer: type[Importer], watch: Watch) -> type[Importer]:
    """Return the importer as one that `watch` sees."""

    def sync(self: Importer, ctx: SyncConduit) -> Iterator[Unit]:
        units = iter(importer.sync(self, WatchedConduit(ctx, SyncConduit, watch)))
        for unit in units:
            if watch.is_time():
                throw = getattr(units, "throw", None)
                if throw is None:
                    raise watch.error()
                try:
                    throw(watch.error())
                except StopIteration:
                    return  # it took the cancel for an end
                continue
            watch.saw(unit)
            yield unit

    return _subclass(importer, sync=sync)


def watched_distributor(distributor: type[Distributor], watch: Watch) -> type[Distributor]:
    """Return the distributor as one that `watch` sees."""

    def publish(self: Distributor, pub: PublishConduit) -> None:
        distributor.publish(self, WatchedConduit(pub, PublishConduit, watch))

    return _subclass(distributor, publish=publish)


def _subclass(plugin: type[PluginT], **methods: object) -> type[PluginT]:
    kept = {name: getattr(plugin, name) for name in ("__module__", "__qualname__", "__doc__")}
    make: Any = type(plugin)
    return cast("type[PluginT]", make(plugin.__name__, (plugin,), {**kept, **methods}))

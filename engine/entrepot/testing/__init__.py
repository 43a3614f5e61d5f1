"""For tests of plugins and of programs that enqueue.

`drain` runs what was enqueued in this thread. `PluginContract` is the conformance suite of importers and distributors: a
subclass names them and writes a `Feed`, and pytest runs what it inherits, each test on a `Workshop`: an engine in a temporary
folder that has nothing but these plugins. `pytest_plugin` is what pytest loads at its start.

Names are imported when they are first used, so that pytest starts as fast as without.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from entrepot.testing.contract import PluginContract
    from entrepot.testing.draining import drain
    from entrepot.testing.feed import Feed
    from entrepot.testing.upload import UploadSample
    from entrepot.testing.workshop import Workshop

_HOMES = {
    "Feed": "entrepot.testing.feed",
    "PluginContract": "entrepot.testing.contract",
    "UploadSample": "entrepot.testing.upload",
    "Workshop": "entrepot.testing.workshop",
    "drain": "entrepot.testing.draining",
}

__all__ = ["Feed", "PluginContract", "UploadSample", "Workshop", "drain"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the module exports
    """Import a public name at its first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)

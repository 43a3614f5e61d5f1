"""For tests of plugins and of programs that enqueue: an engine in a temporary folder, and a worker in this thread."""

from entrepot.testing.draining import drain

__all__ = ["drain"]

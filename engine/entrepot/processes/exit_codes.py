"""The exit codes by which a worker process tells its supervisor how it ended; 0 is as it was asked to."""

from __future__ import annotations

#: It was given up because tasks in it did not stop in time: they are to be handed on.
GIVEN_UP = 75
#: It has retired: it had done its share or held too much memory, and runs nothing any more.
RECYCLED = 76

"""Processes: one supervisor, its worker processes, the web process, and the background loops.

`supervisor` starts the others as programs of their own (`python -m entrepot …`), so that one that dies takes nothing
with it; `worker` is the main function of a worker process.
"""

__all__: list[str] = []

"""Processes: one supervisor, its worker processes, the web process, and the background loops.

`supervisor` starts the others as programs of their own (`python -m entrepot …`), so that one that dies takes nothing
with it; each is a `child` of its. `worker` is the main function of a worker process, `scheduler` of one that runs the loops
alone, `undertaker` of one that hands on what a worker without a supervisor left behind.
"""

__all__: list[str] = []

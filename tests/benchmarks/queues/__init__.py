"""Queues side by side: entrepot and its peers, each with the same no-op task, measured from outside in the same way.

* `contestants`: who takes part, with which packages, workers and servers: the one table to read first.
* One module a peer (`celery_redis`, `dramatiq_redis`, `entrepot_engine`, …): its settings, its task, how it enqueues. It is
  imported by the peer's workers and by `driver`, in the peer's own environment, and so needs nothing but the peer's packages.
* `stamps`: what the no-op task does. `driver`: the program that enqueues.
* `environments`, `servers`, `processes`: virtual environments, Redis and PostgreSQL, worker processes.
* `stage`: one contestant made ready with an empty queue. `contest`: the rounds. `scaling`: entrepot against itself.
* `results`: the tables, as Markdown and JSON.

The folder is not called `queue`, because a benchmark's folder comes first on its path and would hide the standard library's.
"""

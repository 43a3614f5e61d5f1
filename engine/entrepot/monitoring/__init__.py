"""The door for machines that watch this one: `/healthz`, `/readyz`, `/metrics`.

`door` answers; `figures` asks the database what there is, `exposition` writes it as Prometheus reads it, and `requests` counts
what this process answers.
"""

from entrepot.monitoring.door import PATHS, MonitoringDoor
from entrepot.monitoring.requests import RequestFigures

__all__ = ["PATHS", "MonitoringDoor", "RequestFigures"]

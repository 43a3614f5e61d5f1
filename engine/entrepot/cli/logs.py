"""The log of long-running commands: one line a record on standard error; and their traces, if these are asked for."""

from __future__ import annotations


def start_logging() -> None:
    """Log, and trace, as the settings say; with settings that are refused as without, for the command says what is wrong.

    Raises `InvalidSettings` if tracing is asked for and cannot be.
    """
    from entrepot import logs, tracing
    from entrepot.errors import InvalidSettings
    from entrepot.settings import Settings, read_settings

    try:
        settings = read_settings()
    except InvalidSettings:
        settings = Settings.model_construct()
    logs.start_logging(settings)
    tracing.start_tracing(settings)

"""What goes wrong in plugins."""

from __future__ import annotations

from entrepot.errors.error import EntrepotError
from entrepot.errors.values import OperationRefused


class BrokenPlugin(EntrepotError):
    """The plugin is installed but could not be loaded."""

    code = "PLP2003"


class PluginError(EntrepotError):
    """The feed or the content is not what the format asks for; raised by plugins, shown without traceback."""

    code = "PLP2004"


class SyncFailed(PluginError):
    """The sync ended with errors, and the repository was left as it was."""

    code, shown_code = "PLP2005", OperationRefused.code


class PublishFailed(PluginError):
    """The distributor failed, and the last publication was left as it was."""

    code = "PLP0034"


class UploadRefused(PluginError):
    """The importer refused an upload, and the repository was left as it was."""

    code = "PLP0047"


class UnitTypesDiffer(OperationRefused):
    """The importer of a repository cannot hold units of the types that are to be copied into it."""

    code = "PLP0044"

"""The conformance suite for plugins: an author subclasses `PluginContract`, and pytest runs what it inherits.

    class TestZoo(PluginContract):
        importer = ZooImporter
        distributor = ZooDistributor

        def make_feed(self, feed, version):
            ...

What may be named or overridden is in `hooks`, the tests are in `declaring`, `syncing`, `failing` and `publishing`. One that
does not fit a format is left out by its name: `test_… = None`.
"""

from __future__ import annotations

from entrepot.testing.declaring import DeclarationTests
from entrepot.testing.failing import FaultTests
from entrepot.testing.publishing import PublishTests
from entrepot.testing.syncing import SyncTests


class PluginContract(DeclarationTests, SyncTests, FaultTests, PublishTests):
    """What every importer and distributor has to do; a subclass names them and writes `make_feed`."""

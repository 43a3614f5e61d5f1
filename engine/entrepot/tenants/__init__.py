"""Whose programs may see what in the status facades: tenants, their channels, what those show, and their tokens.

`service` is `engine.tenants`; what a facade calls them and what it allows is in `rules`; `tenant_rows`, `channels` and
`tokens` change the tables; `reports` are what doors see.
"""

from entrepot.tenants.reports import ChannelReport, TenantPrincipal, TenantReport, TokenReport
from entrepot.tenants.rules import FACADES, Rules, rules_of
from entrepot.tenants.service import Tenants

__all__ = [
    "FACADES",
    "ChannelReport",
    "Rules",
    "TenantPrincipal",
    "TenantReport",
    "Tenants",
    "TokenReport",
    "rules_of",
]

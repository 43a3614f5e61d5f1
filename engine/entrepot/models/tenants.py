"""The tables of the facades' tenants: whose programs may see what."""

from __future__ import annotations

import peewee

from entrepot.models.fields import JSONText, MomentField


class Tenant(peewee.Model):
    """An account (Edgecast, by its number; Pugpig, by its code) or a project (Livingdocs, by its id). Written by: tenants."""

    id = peewee.BigAutoField()
    facade = peewee.TextField()  # edgecast, livingdocs or pugpig
    name = peewee.TextField()
    settings = JSONText()
    created_at = MomentField()

    class Meta:
        """Where it is kept."""

        table_name = "tenant"


class TenantChannel(peewee.Model):
    """What a tenant sees under one handle: a channel (Livingdocs), a publication (Pugpig). Written by: tenants.

    An Edgecast account has one, with an empty handle.
    """

    id = peewee.BigAutoField()
    tenant = peewee.BigIntegerField()
    handle = peewee.TextField()
    is_default = peewee.BooleanField()
    settings = JSONText()
    created_at = MomentField()

    class Meta:
        """Where it is kept."""

        table_name = "tenant_channel"


class TenantSource(peewee.Model):
    """A repository's distributor that a channel shows; `*` stands for any. Written by: tenants."""

    id = peewee.BigAutoField()
    channel = peewee.BigIntegerField()
    repository_id = peewee.TextField()
    distributor_id = peewee.TextField()

    class Meta:
        """Where it is kept."""

        table_name = "tenant_source"


class TenantToken(peewee.Model):
    """256 random bits that let a tenant's program in, kept as their SHA-256. Written by: tenants.

    With a `channel` it is good for that one only.
    """

    id = peewee.BigAutoField()
    tenant = peewee.BigIntegerField()
    channel = peewee.BigIntegerField(null=True)
    name = peewee.TextField()
    token_hash = peewee.TextField(unique=True)
    scopes = JSONText()
    created_at = MomentField()
    expires_at = MomentField(null=True)
    last_used_at = MomentField(null=True)

    class Meta:
        """Where it is kept."""

        table_name = "tenant_token"

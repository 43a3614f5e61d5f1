"""The tables of who may do what."""

from __future__ import annotations

import peewee

from entrepot.models.fields import MomentField


class UserAccount(peewee.Model):
    """A user. Written by: access.

    The id is drawn at random and so never given twice: certificates name it, and one of a user who is gone must not fit
    another of the same login. Without a password hash there is no login by password.
    """

    id = peewee.BigIntegerField(primary_key=True)
    login = peewee.TextField(unique=True)
    name = peewee.TextField()
    password_hash = peewee.TextField(null=True)
    created_at = MomentField()

    class Meta:
        """Where it is kept."""

        table_name = "user_account"


class Role(peewee.Model):
    """What several users may do. Written by: access."""

    id = peewee.BigAutoField()
    role_id = peewee.TextField(unique=True)
    display_name = peewee.TextField()
    description = peewee.TextField(null=True)

    class Meta:
        """Where it is kept."""

        table_name = "role"


class RoleMember(peewee.Model):
    """A user has a role. Written by: access."""

    role = peewee.BigIntegerField()
    user_account = peewee.BigIntegerField()

    class Meta:
        """Where it is kept."""

        table_name = "role_member"
        primary_key = peewee.CompositeKey("role", "user_account")


class Permission(peewee.Model):
    """A resource path that something is granted on. Written by: access."""

    id = peewee.BigAutoField()
    resource = peewee.TextField(unique=True)

    class Meta:
        """Where it is kept."""

        table_name = "permission"


class UserGrant(peewee.Model):
    """A user may do one operation on a resource and all below it. Written by: access."""

    permission = peewee.BigIntegerField()
    user_account = peewee.BigIntegerField()
    operation = peewee.SmallIntegerField()

    class Meta:
        """Where it is kept."""

        table_name = "user_grant"
        primary_key = peewee.CompositeKey("permission", "user_account", "operation")


class RoleGrant(peewee.Model):
    """Those who have a role may do one operation on a resource and all below it. Written by: access."""

    permission = peewee.BigIntegerField()
    role = peewee.BigIntegerField()
    operation = peewee.SmallIntegerField()

    class Meta:
        """Where it is kept."""

        table_name = "role_grant"
        primary_key = peewee.CompositeKey("permission", "role", "operation")


class ApiToken(peewee.Model):
    """A token that stands for its user; the token itself is not kept, `digest` is its SHA-256. Written by: access."""

    id = peewee.BigAutoField()
    user_account = peewee.BigIntegerField()
    name = peewee.TextField()
    digest = peewee.TextField(unique=True)
    created_at = MomentField()
    expires_at = MomentField(null=True)
    last_used_at = MomentField(null=True)

    class Meta:
        """Where it is kept."""

        table_name = "api_token"


class FailedLogin(peewee.Model):
    """A login that failed; kept for as long as it counts. Written by: access."""

    id = peewee.BigAutoField()
    login = peewee.TextField()
    address = peewee.TextField()
    failed_at = MomentField()

    class Meta:
        """Where it is kept."""

        table_name = "failed_login"


class LoginSession(peewee.Model):
    """Somebody who has logged in with a browser; `digest` is the SHA-256 of the cookie's secret. Written by: access."""

    digest = peewee.TextField(primary_key=True)
    user_account = peewee.BigIntegerField()
    created_at = MomentField()
    last_seen_at = MomentField()
    expires_at = MomentField()
    address = peewee.TextField(null=True)
    agent = peewee.TextField(null=True)

    class Meta:
        """Where it is kept."""

        table_name = "login_session"


class AuditEntry(peewee.Model):
    """Who has changed what, through which door; written by the transaction that did it. Written by: access.

    `fields` is a JSON list of the names that were given, never their values; `outcome` is `done` or `refused`.
    """

    id = peewee.BigAutoField()
    created_at = MomentField()
    login = peewee.TextField()
    via = peewee.TextField()
    token_name = peewee.TextField(null=True)
    address = peewee.TextField(null=True)
    door = peewee.TextField()
    action = peewee.TextField()
    resource = peewee.TextField()
    fields = peewee.TextField()
    outcome = peewee.TextField()
    request_id = peewee.TextField(null=True)

    class Meta:
        """Where it is kept."""

        table_name = "audit_entry"

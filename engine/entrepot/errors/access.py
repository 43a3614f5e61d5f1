"""Who may not do what they ask for."""

from __future__ import annotations

from entrepot.errors.error import EntrepotError


class AccessError(EntrepotError):
    """Somebody may not do what they ask for."""

    code, status = "PLP2050", 401


class NotAuthenticated(AccessError):
    """The request says nothing about who sends it."""

    code = "PLP0025"

    def __init__(self) -> None:
        """Say what could be sent."""
        text = "Authentication is required: send a login and password (HTTP Basic), a token (Bearer) or a client certificate."
        super().__init__(text, auth_error_code="authentication_failed")


class PermissionDenied(AccessError):
    """The user is known and lacks the permission."""

    code = "PLP0026"

    def __init__(self, user: str, operation: str, resource: str) -> None:
        """Name the user, the operation and the resource that it was to be done to."""
        super().__init__(
            f"Permission denied: user {user} cannot perform {operation} on {resource}.",
            auth_error_code="permission_denied",
            user=user,
            operation=operation,
        )


class InvalidCertificate(AccessError):
    """The client certificate is not one of ours, has expired, or names a user who is gone."""

    code = "PLP0027"

    def __init__(self, why: str) -> None:
        """Say what is wrong with it."""
        super().__init__(f"The client certificate is refused: {why}.", auth_error_code="invalid_ssl_certificate")


class InvalidCredentials(AccessError):
    """The login or the password is wrong, or the token is unknown or has expired."""

    code = "PLP0030"

    def __init__(self, user: str | None = None) -> None:
        """Name the user who was claimed; None for a token."""
        text = "The token is unknown, revoked or expired." if user is None else f"Invalid username or password: {user}."
        super().__init__(text, auth_error_code="invalid_username_or_password", user=user)


class SessionEnded(AccessError):
    """The session of a browser is unknown or over: logged out, idle for too long, too old, or its password was changed."""

    code = "PLP2052"

    def __init__(self) -> None:
        """Say what to do; which of the reasons it is nobody needs to know."""
        super().__init__("You are not logged in, or no longer. Log in again.", auth_error_code="authentication_failed")


class TooManyAttempts(AccessError):
    """Too many logins failed; none is looked at for a while."""

    code, status = "PLP2051", 429

    def __init__(self, retry_after: int) -> None:
        """Say after how many seconds to try again."""
        text = f"Too many logins have failed. Try again in {retry_after} s."
        super().__init__(text, auth_error_code="too_many_attempts", retry_after=retry_after)


class ForeignForm(AccessError):
    """A form was not sent by one of the dashboard's own pages, or its page was made for another session."""

    code, status = "PLP2053", 403

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__(
            "This form was not sent from a page of this session. Load the page again, and send it from there.",
            auth_error_code="permission_denied",
        )

"""The token of forms fits one session."""

from __future__ import annotations

from entrepot.access import csrf_token, is_csrf_token


def test_a_token_of_forms_fits_its_session_only() -> None:
    token = csrf_token("secret of a session")

    assert is_csrf_token("secret of a session", token)
    assert not is_csrf_token("secret of another", token)
    assert not any(is_csrf_token("secret of a session", given) for given in ("", token[:-1], "secret of a session", "ö\ud800"))
    assert "secret" not in token

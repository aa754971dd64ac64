from datetime import timedelta

import pytest
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.accounts.signing_in.session_cookies import (
    drop_session_cookie,
    session_secret,
    set_session_cookie,
)
from services.gateway.kernel.limits import AccountPolicy

SECURE, PLAIN = AccountPolicy(), AccountPolicy(secure_cookies=False)


def request(cookie):
    return Request({"type": "http", "headers": [(b"cookie", cookie.encode())]})


def test_on_plain_http_the_cookie_has_another_name():
    for policy, name, secure in ((SECURE, "__Host-lectern", True), (PLAIN, "lectern-plain", False)):
        answer = Response()
        set_session_cookie(answer, policy, "abc", timedelta(hours=1))
        header = answer.headers["set-cookie"]
        assert header.startswith(f"{name}=abc; HttpOnly; Max-Age=3600; Path=/; SameSite=lax")
        assert ("Secure" in header) == secure
        assert "Domain" not in header
        assert session_secret(request(f"{name}=abc"), policy) == "abc"
    assert session_secret(request("lectern-plain=abc"), SECURE) is None


TOO_LONG = "__Host-lectern=" + "x" * 201


@pytest.mark.parametrize("cookie", ["", "other=1", "__Host-lectern=", TOO_LONG])
def test_what_cannot_be_ours_is_none(cookie):
    assert session_secret(request(cookie), SECURE) is None


def test_a_cookie_is_dropped_as_it_was_set():
    answer = Response()
    drop_session_cookie(answer, SECURE)
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert "Secure" in answer.headers["set-cookie"]

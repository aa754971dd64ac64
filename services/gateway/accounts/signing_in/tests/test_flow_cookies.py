import pytest
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.accounts.identities.login_flows import GOOD_FOR
from services.gateway.accounts.signing_in.flow_cookies import (
    FLOW_COOKIE,
    KEPT_FOR,
    drop_flow_cookie,
    flow_secret,
    set_flow_cookie,
)
from services.gateway.accounts.signing_in.session_cookies import SESSION_COOKIE
from services.gateway.kernel.limits import AccountPolicy


def coming_with(cookie):
    return Request({"type": "http", "headers": [(b"cookie", cookie.encode())]})


@pytest.mark.parametrize("secure", [True, False])
def test_it_is_kept_as_long_as_a_login_may_take_and_apart_from_the_session(secure):
    policy, answer = AccountPolicy(secure_cookies=secure), Response()
    set_flow_cookie(answer, policy, "s3cret")
    name = FLOW_COOKIE.name(policy)
    assert name != SESSION_COOKIE.name(policy)
    assert name.startswith("__Host-") == secure
    said = answer.headers["set-cookie"].split("; ")
    assert {"HttpOnly", "Path=/", "SameSite=lax", "Max-Age=600"} <= set(said)
    assert ("Secure" in said) == secure
    assert KEPT_FOR == GOOD_FOR
    assert flow_secret(coming_with(f"{name}=s3cret"), policy) == "s3cret"
    for other in (
        "a=b",
        f"{name}=",
        f"{name}=" + "x" * 201,
        f"{SESSION_COOKIE.name(policy)}=s3cret",
    ):
        assert flow_secret(coming_with(other), policy) is None
    gone = Response()
    drop_flow_cookie(gone, policy)
    assert "Max-Age=0" in gone.headers["set-cookie"]

import pytest
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.accounts.signing_in.own_cookies import OwnCookie
from services.gateway.kernel.limits import AccountPolicy


@pytest.mark.parametrize("secure", [True, False])
def test_what_is_set_is_found_under_its_name_alone_until_it_is_dropped(secure):
    cookie, policy = OwnCookie("__Host-a", "a-plain"), AccountPolicy(secure_cookies=secure)
    answer = Response()
    cookie.set(answer, policy, "s3cret", None)
    said = answer.headers["set-cookie"]
    assert said.startswith(f"{cookie.name(policy)}=s3cret; HttpOnly; Path=/; SameSite=lax")
    assert ("Secure" in said, "Max-Age" in said) == (secure, False)

    def found(sent):
        headers = [(b"cookie", sent.encode())]
        return cookie.secret(Request({"type": "http", "headers": headers}), policy)

    assert found(said.partition(";")[0]) == "s3cret"
    other = cookie.plain_name if secure else cookie.secure_name
    for nothing in ("", f"{other}=s3cret", f"{cookie.name(policy)}=" + "x" * 201):
        assert found(nothing) is None
    cookie.drop(answer, policy)
    assert "Max-Age=0" in answer.headers.getlist("set-cookie")[-1]

from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from pydantic import SecretStr

from services.gateway.accounts.identities.oauth_steps import (
    AuthorizationRequest,
    AuthorizationResponse,
    authorization_url,
    bearer,
    token_answer,
)
from services.gateway.accounts.identities.refusals import BadAnswer
from services.gateway.kernel.login_providers import LoginProvider

PROVIDER = LoginProvider(
    "site", "oidc", "the id", SecretStr("a:b"), "https://site.example", "Site", ("openid", "email")
)
BACK = "https://lectern.example/login/site/callback"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


class Requests:
    """Notes what is posted, and answers."""

    def __init__(self, answer):
        self.answer = answer

    async def post(self, url, headers, body):
        self.posted = (url, headers, body)
        return self.answer


def test_where_somebody_is_sent_has_the_challenge_of_rfc_7636():
    asked = AuthorizationRequest(state="st", code_verifier=VERIFIER, nonce="no", redirect_uri=BACK)
    url = urlsplit(authorization_url(PROVIDER, "https://site.example/go?a=1", asked, nonce="no"))
    assert parse_qs(url.query) == {
        "a": ["1"],
        "response_type": ["code"],
        "client_id": ["the id"],
        "redirect_uri": [BACK],
        "scope": ["openid email"],
        "state": ["st"],
        "nonce": ["no"],
        "code_challenge": ["E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"],  # its appendix B
        "code_challenge_method": ["S256"],
    }
    assert VERIFIER not in url.query


CAME = AuthorizationResponse(
    code="c&d", issuer=None, code_verifier=VERIFIER, nonce="no", redirect_uri=BACK
)


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_a_code_is_given_with_the_verifier_and_the_secret(method):
    requests: Any = Requests({"access_token": "at", "token_type": "bearer"})
    await token_answer(requests, PROVIDER, "https://site.example/token", method, CAME)
    url, headers, body = requests.posted
    form = dict(parse_qsl(body))
    assert url == "https://site.example/token"
    assert (form["code"], form["code_verifier"], form["redirect_uri"]) == ("c&d", VERIFIER, BACK)
    assert form["grant_type"] == "authorization_code"
    assert ("Authorization" in headers) == (method == "client_secret_basic")
    assert (form.get("client_secret") == "a:b") == (method == "client_secret_post")


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {},
        {"error": "invalid_grant", "access_token": "at", "token_type": "Bearer"},
        {"access_token": 7, "token_type": "Bearer"},
        {"access_token": "a\nb", "token_type": "Bearer"},
        {"access_token": "at", "token_type": "mac"},
        {"access_token": "at"},
    ],
)
async def test_what_is_no_token_is_refused(answer):
    requests: Any = Requests(answer)
    with pytest.raises(BadAnswer):
        await token_answer(
            requests, PROVIDER, "https://site.example/t", "client_secret_basic", CAME
        )


def test_a_token_goes_in_the_header():
    assert bearer("at") == {"Authorization": "Bearer at"}

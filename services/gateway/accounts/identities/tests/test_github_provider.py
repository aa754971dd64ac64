"""Where GitHub is asked; that it is, routing/tests/test_provider_pages.py shows."""

from typing import Any

import pytest
from pydantic import SecretStr

from services.gateway.accounts.identities.github_provider import GitHubProvider, primary_address
from services.gateway.accounts.identities.oauth_steps import (
    AuthorizationRequest,
    AuthorizationResponse,
)
from services.gateway.accounts.identities.refusals import BadAnswer
from services.gateway.kernel.login_providers import GITHUB, LoginProvider

CAME = {"code": "c", "code_verifier": "v", "nonce": "n", "redirect_uri": "https://x.example/"}


class Requests:
    """Notes where is asked what, and answers as GitHub does."""

    def __init__(self):
        self.asked: list[str] = []

    async def post(self, url, headers, body):
        self.asked.append(url)
        return {"access_token": "at", "token_type": "bearer"}

    async def get(self, url, headers):
        assert headers["Authorization"] == "Bearer at"
        self.asked.append(url)
        return [] if "emails" in url else {"id": 7}


def github(issuer=GITHUB):
    return GitHubProvider(LoginProvider("github", "github", "id", SecretStr("s"), issuer))


@pytest.mark.parametrize(
    ("issuer", "api"),
    [
        (GITHUB, "https://api.github.com"),
        ("https://github.example", "https://github.example/api/v3"),
    ],
)
async def test_the_site_and_its_api_are_asked(issuer, api):
    requests: Any = Requests()
    found = await github(issuer).prove(
        requests, AuthorizationResponse(**CAME, issuer=f"{issuer}/login/oauth")
    )
    assert (found.issuer, found.subject, found.address) == (f"{issuer}/login/oauth", "7", None)
    assert requests.asked == [
        f"{issuer}/login/oauth/access_token",
        f"{api}/user",
        f"{api}/user/emails?per_page=100",
    ]
    asked = AuthorizationRequest(
        state="s", code_verifier="v", nonce="n", redirect_uri="https://x.example/"
    )
    url = await github(issuer).address(requests, asked)
    assert url.startswith(f"{issuer}/login/oauth/authorize?")
    assert "nonce" not in url, "GitHub knows none"


async def test_the_answer_of_another_issuer_is_not_taken_to_it():
    requests: Any = Requests()
    with pytest.raises(BadAnswer):
        await github().prove(requests, AuthorizationResponse(**CAME, issuer="https://github.com"))
    assert requests.asked == []


def test_the_primary_address_counts():
    other = {"email": "b@c.example", "primary": False, "verified": True}
    assert primary_address([other]) is None
    assert primary_address([other, {**other, "email": "a@b.example", "primary": True}]) == (
        "a@b.example"
    )

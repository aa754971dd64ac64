"""GitHub: OAuth 2.0 without OpenID Connect; who somebody is, its API says.

https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
https://docs.github.com/en/rest/users/emails
"""

from dataclasses import dataclass
from typing import Any

from services.gateway.accounts.identities.oauth_steps import (
    AuthorizationRequest,
    AuthorizationResponse,
    authorization_url,
    bearer,
    token_answer,
)
from services.gateway.accounts.identities.proven_identity import ProvenIdentity, verified_address
from services.gateway.accounts.identities.provider_requests import ProviderRequests
from services.gateway.accounts.identities.refusals import BadAnswer
from services.gateway.kernel.login_providers import GITHUB, LoginProvider

API = "https://api.github.com"
API_OF_SERVER = "/api/v3"
"""Where GitHub Enterprise Server has it."""
JSON = "application/vnd.github+json"
VERSION = "2022-11-28"


@dataclass(frozen=True)
class GitHubProvider:
    """GitHub itself, or a GitHub Enterprise Server."""

    provider: LoginProvider

    async def address(self, requests: ProviderRequests, asked: AuthorizationRequest) -> str:
        """Return where somebody is sent to log in."""
        return authorization_url(self.provider, f"{self.provider.identifier}/authorize", asked)

    async def prove(
        self, requests: ProviderRequests, response: AuthorizationResponse
    ) -> ProvenIdentity:
        """Return who somebody is who came back: by number, for names are given to others.

        Raises:
            BadAnswer: GitHub does not prove it.
        """
        if response.issuer not in {None, self.provider.identifier}:
            raise BadAnswer("the answer is of another issuer")
        endpoint = f"{self.provider.identifier}/access_token"
        answer = await token_answer(
            requests, self.provider, endpoint, "client_secret_post", response
        )
        headers = bearer(answer["access_token"]) | {
            "Accept": JSON,
            "X-GitHub-Api-Version": VERSION,
        }
        user = await requests.get(f"{self._api}/user", headers)
        number = user.get("id") if isinstance(user, dict) else None
        if not isinstance(number, int) or isinstance(number, bool):
            raise BadAnswer("it does not say who it is")
        found = await requests.get(f"{self._api}/user/emails?per_page=100", headers)
        return ProvenIdentity(
            issuer=self.provider.identifier, subject=str(number), address=primary_address(found)
        )

    @property
    def _api(self) -> str:
        issuer = self.provider.issuer
        return API if issuer == GITHUB else issuer + API_OF_SERVER


def primary_address(found: Any) -> str | None:
    """Return the primary address of a list, if GitHub verified it; the others name no account."""
    for entry in found if isinstance(found, list) else ():
        if isinstance(entry, dict) and entry.get("primary") is True:
            return verified_address(
                {"email": entry.get("email"), "email_verified": entry.get("verified") is True}
            )
    return None

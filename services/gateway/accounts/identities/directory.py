"""The other sites of an installation, each with what this process knows of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from fastapi import FastAPI

from services.gateway.accounts.identities.github_provider import GitHubProvider
from services.gateway.accounts.identities.oauth_steps import (
    AuthorizationRequest,
    AuthorizationResponse,
)
from services.gateway.accounts.identities.openid_provider import OpenIdProvider
from services.gateway.accounts.identities.proven_identity import ProvenIdentity
from services.gateway.accounts.identities.provider_requests import ProviderRequests
from services.gateway.kernel.errors import NotFound
from services.gateway.kernel.limits import AccountPolicy
from services.gateway.kernel.login_providers import LoginProvider


class IdentityProvider(Protocol):
    """What proves who somebody is."""

    @property
    def provider(self) -> LoginProvider:
        """As the settings have it."""
        ...

    async def address(self, requests: ProviderRequests, asked: AuthorizationRequest) -> str:
        """Return where somebody is sent to log in.

        Raises:
            BadAnswer: It says nothing that can be used.
        """
        ...

    async def prove(
        self, requests: ProviderRequests, response: AuthorizationResponse
    ) -> ProvenIdentity:
        """Return who somebody is who came back.

        Raises:
            BadAnswer: It does not prove it.
        """
        ...


@dataclass(frozen=True)
class ProviderDirectory:
    """All of them, by name."""

    providers: Mapping[str, IdentityProvider]

    def named(self, name: str) -> IdentityProvider:
        """Return one.

        Raises:
            NotFound: There is none of that name.
        """
        if (found := self.providers.get(name)) is None:
            raise NotFound("site to log in with")
        return found


def provider_directory(app: FastAPI, policy: AccountPolicy) -> ProviderDirectory:
    """Return the directory of this process."""
    if not hasattr(app.state, "provider_directory"):
        app.state.provider_directory = ProviderDirectory(
            {provider.name: _adapter(provider) for provider in policy.providers}
        )
    found: ProviderDirectory = app.state.provider_directory
    return found


def _adapter(provider: LoginProvider) -> IdentityProvider:
    if provider.kind == "github":
        return GitHubProvider(provider)
    return OpenIdProvider(provider=provider)

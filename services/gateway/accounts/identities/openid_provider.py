"""A provider of OpenID Connect: the code flow, with metadata and keys that are kept for a while."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic, time
from typing import Any

from services.gateway.accounts.identities.id_tokens import (
    ExpectedToken,
    SigningKey,
    UnknownKey,
    signing_keys,
    verified_claims,
)
from services.gateway.accounts.identities.oauth_steps import (
    AuthorizationRequest,
    AuthorizationResponse,
    authorization_url,
    bearer,
    token_answer,
)
from services.gateway.accounts.identities.openid_metadata import (
    OpenIdMetadata,
    metadata_of,
    metadata_url,
)
from services.gateway.accounts.identities.proven_identity import ProvenIdentity, verified_address
from services.gateway.accounts.identities.provider_requests import ProviderRequests
from services.gateway.accounts.identities.refusals import BadAnswer
from services.gateway.kernel.login_providers import LoginProvider

KEPT_S = 3600.0
"""How long metadata and keys are good for."""
NEW_KEYS_EVERY_S = 30.0
"""A key that is not known has keys fetched anew, but no more often: anybody can name one."""
FAILURE_KEPT_S = 5.0
"""Who comes so soon after a failure is told of it, and does not wait for another one."""


@dataclass(kw_only=True)
class _Kept:
    """What a provider said, and until when it is good; or until when it is not asked again."""

    value: Any = None
    until: float = 0.0
    asked_at: float = float("-inf")
    failed_until: float = 0.0
    why: str = ""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(kw_only=True)
class OpenIdProvider:
    """One of them, in one process."""

    provider: LoginProvider
    clock: Callable[[], float] = monotonic
    wall_clock: Callable[[], float] = time
    _metadata: _Kept = field(default_factory=_Kept)
    _keys: _Kept = field(default_factory=_Kept)

    async def address(self, requests: ProviderRequests, asked: AuthorizationRequest) -> str:
        """Return where somebody is sent to log in.

        Raises:
            BadAnswer: The provider says nothing that can be used.
        """
        metadata = await self._known_metadata(requests)
        endpoint = metadata.authorization_endpoint
        return authorization_url(self.provider, endpoint, asked, nonce=asked.nonce)

    async def prove(
        self, requests: ProviderRequests, response: AuthorizationResponse
    ) -> ProvenIdentity:
        """Return who somebody is who came back.

        Raises:
            BadAnswer: The provider does not prove it.
        """
        metadata = await self._known_metadata(requests)
        if response.issuer != self.provider.issuer and (response.issuer or metadata.says_issuer):
            raise BadAnswer("the answer is of another issuer")
        answer = await token_answer(
            requests, self.provider, metadata.token_endpoint, metadata.auth_method, response
        )
        expected = ExpectedToken(
            issuer=self.provider.issuer,
            client_id=self.provider.client_id,
            nonce=response.nonce,
            access_token=answer["access_token"],
            now=int(self.wall_clock()),
        )
        claims = await self._claims(requests, metadata, answer.get("id_token"), expected)
        said = await self._said_of_address(requests, metadata, claims, expected.access_token)
        return ProvenIdentity(
            issuer=self.provider.identifier, subject=claims["sub"], address=verified_address(said)
        )

    async def _claims(
        self,
        requests: ProviderRequests,
        metadata: OpenIdMetadata,
        token: Any,
        expected: ExpectedToken,
    ) -> Mapping[str, Any]:
        keys = await self._known_keys(requests, metadata)
        try:
            return verified_claims(token, keys, expected)
        except UnknownKey:
            if self.clock() < self._keys.asked_at + NEW_KEYS_EVERY_S:
                raise
            self._keys.until = 0.0
        return verified_claims(token, await self._known_keys(requests, metadata), expected)

    async def _said_of_address(
        self,
        requests: ProviderRequests,
        metadata: OpenIdMetadata,
        claims: Mapping[str, Any],
        access_token: str,
    ) -> Mapping[str, Any]:
        """Return the claims that have the address: those of the ID token, else of UserInfo."""
        if "email" in claims or metadata.userinfo_endpoint is None:
            return claims
        said = await requests.get(metadata.userinfo_endpoint, bearer(access_token))
        if not isinstance(said, dict) or said.get("sub") != claims["sub"]:  # section 5.3.2
            raise BadAnswer("its UserInfo is about somebody else")
        return said

    async def _known_metadata(self, requests: ProviderRequests) -> OpenIdMetadata:
        async def ask() -> OpenIdMetadata:
            return metadata_of(self.provider, await requests.get(metadata_url(self.provider)))

        found: OpenIdMetadata = await self._known(self._metadata, ask)
        return found

    async def _known_keys(
        self, requests: ProviderRequests, metadata: OpenIdMetadata
    ) -> Sequence[SigningKey]:
        async def ask() -> Sequence[SigningKey]:
            return signing_keys(await requests.get(metadata.jwks_uri))

        found: Sequence[SigningKey] = await self._known(self._keys, ask)
        return found

    async def _known(self, kept: _Kept, ask: Callable[[], Any]) -> Any:
        """Return what is kept, or ask: one at a time, for all who wait."""
        async with kept.lock:
            if self.clock() < kept.until:
                return kept.value
            if self.clock() < kept.failed_until:
                raise BadAnswer(kept.why)
            kept.asked_at = self.clock()
            try:
                kept.value = await ask()
            except BadAnswer as error:
                kept.failed_until, kept.why = self.clock() + FAILURE_KEPT_S, error.why
                raise
            kept.until = self.clock() + KEPT_S
            return kept.value

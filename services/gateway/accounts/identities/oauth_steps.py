"""The two steps of OAuth 2.0 that all providers share: where to send people, and what a code buys.

Authlib puts both together (RFC 6749, section 4.1, with PKCE, RFC 7636); its HTTP clients are not
used, for what providers answer is bounded here: see docs/decisions/0048.
"""

from dataclasses import dataclass, field
from typing import Any

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.client import OAuth2Client
from authlib.oauth2.rfc6749.parameters import prepare_token_request

from services.gateway.accounts.identities.provider_requests import ProviderRequests
from services.gateway.accounts.identities.refusals import BadAnswer
from services.gateway.kernel.login_providers import LoginProvider

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, kw_only=True)
class AuthorizationRequest:
    """What goes along with somebody to another site, and is compared when they come back."""

    state: str = field(repr=False)
    code_verifier: str = field(repr=False)
    nonce: str = field(repr=False)
    redirect_uri: str


@dataclass(frozen=True, kw_only=True)
class AuthorizationResponse:
    """What somebody comes back with; ``issuer`` is that of RFC 9207, None: none was said."""

    code: str = field(repr=False)
    issuer: str | None
    code_verifier: str = field(repr=False)
    nonce: str = field(repr=False)
    redirect_uri: str


def authorization_url(
    provider: LoginProvider, endpoint: str, asked: AuthorizationRequest, **more: str
) -> str:
    """Return where somebody is sent to log in."""
    client = OAuth2Client(
        None,
        client_id=provider.client_id,
        scope=" ".join(provider.scopes),
        redirect_uri=asked.redirect_uri,
        code_challenge_method="S256",
    )
    url, _ = client.create_authorization_url(
        endpoint, state=asked.state, code_verifier=asked.code_verifier, **more
    )
    return str(url)


async def token_answer(
    requests: ProviderRequests,
    provider: LoginProvider,
    endpoint: str,
    auth_method: str,
    response: AuthorizationResponse,
) -> dict[str, Any]:
    """Return what a provider gives for a code; there is an ``access_token`` in it.

    Raises:
        BadAnswer: It gives nothing.
    """
    body = prepare_token_request(
        "authorization_code",
        redirect_uri=response.redirect_uri,
        code=response.code,
        code_verifier=response.code_verifier,
    )
    auth = ClientAuth(provider.client_id, provider.client_secret.get_secret_value(), auth_method)
    headers = {"Accept": "application/json", "Content-Type": FORM}
    url, headers, body = auth.prepare("POST", endpoint, headers, body)
    answer = await requests.post(url, headers, body)
    if not isinstance(answer, dict) or "error" in answer:
        raise BadAnswer("it gives nothing for the code")
    token = answer.get("access_token")
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise BadAnswer("it gives no access token")
    if str(answer.get("token_type", "")).lower() != "bearer":
        raise BadAnswer("its access token is of another type")
    return answer


def bearer(token: str) -> dict[str, str]:
    """Return the header that an access token goes in (RFC 6750)."""
    return {"Authorization": f"Bearer {token}"}

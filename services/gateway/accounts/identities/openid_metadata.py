"""What a provider of OpenID Connect says of itself: OpenID Connect Discovery 1.0, section 4."""

from dataclasses import dataclass
from typing import Any

from services.gateway.accounts.identities.refusals import BadAnswer
from services.gateway.kernel.login_providers import LoginProvider, address_problem

WELL_KNOWN = "/.well-known/openid-configuration"
BASIC, POST = "client_secret_basic", "client_secret_post"


@dataclass(frozen=True, kw_only=True)
class OpenIdMetadata:
    """Where a provider is asked what; ``says_issuer``: it keeps RFC 9207, and must do so."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    auth_method: str
    says_issuer: bool


def metadata_url(provider: LoginProvider) -> str:
    """Return where a provider says it."""
    return provider.issuer.removesuffix("/") + WELL_KNOWN


def metadata_of(provider: LoginProvider, document: Any) -> OpenIdMetadata:
    """Return what ``document`` says, if it is this provider's and can be used.

    Raises:
        BadAnswer: It is another one's, or leads where no secret may go.
    """
    if not isinstance(document, dict) or document.get("issuer") != provider.issuer:
        raise BadAnswer("its metadata are of another issuer")
    return OpenIdMetadata(
        authorization_endpoint=_endpoint(provider, document, "authorization_endpoint"),
        token_endpoint=_endpoint(provider, document, "token_endpoint"),
        jwks_uri=_endpoint(provider, document, "jwks_uri"),
        userinfo_endpoint=(
            _endpoint(provider, document, "userinfo_endpoint")
            if document.get("userinfo_endpoint") is not None
            else None
        ),
        auth_method=_auth_method(document.get("token_endpoint_auth_methods_supported")),
        says_issuer=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _endpoint(provider: LoginProvider, document: dict[str, Any], name: str) -> str:
    url = document.get(name)
    if not isinstance(url, str) or address_problem(url, plain=provider.may_be_plain) is not None:
        raise BadAnswer(f"its {name} cannot be used")
    return url


def _auth_method(supported: Any) -> str:
    """Return how the client says who it is; without a word, section 3 has it, it is by Basic."""
    if supported is None or (isinstance(supported, list) and BASIC in supported):
        return BASIC
    if isinstance(supported, list) and POST in supported:
        return POST
    raise BadAnswer("it takes no client secret")

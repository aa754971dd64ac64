import pytest
from pydantic import SecretStr

from services.gateway.accounts.identities.openid_metadata import metadata_of, metadata_url
from services.gateway.accounts.identities.refusals import BadAnswer
from services.gateway.kernel.login_providers import LoginProvider

SITE = "https://site.example/realm"
LOCAL = "http://127.0.0.1:8080"


def provider(issuer=SITE):
    return LoginProvider("site", "oidc", "id", SecretStr("secret"), issuer)


def document(issuer=SITE, **changed):
    said = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token?tenant=1",
        "jwks_uri": f"{issuer}/keys",
        **changed,
    }
    return {name: value for name, value in said.items() if value is not None}


def test_where_it_is_said():
    assert metadata_url(provider()) == f"{SITE}/.well-known/openid-configuration"
    assert metadata_url(provider(SITE + "/")) == f"{SITE}/.well-known/openid-configuration"


def test_what_is_said_is_taken():
    found = metadata_of(provider(), document())
    assert found.token_endpoint == f"{SITE}/token?tenant=1"
    assert (found.userinfo_endpoint, found.auth_method) == (None, "client_secret_basic")
    assert not found.says_issuer
    more = {
        "authorization_response_iss_parameter_supported": True,
        "token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_post"],
        "userinfo_endpoint": "https://elsewhere.example/me",
    }
    found = metadata_of(provider(), document(**more))
    assert (found.says_issuer, found.auth_method) == (True, "client_secret_post")
    assert found.userinfo_endpoint == "https://elsewhere.example/me"


def test_plain_http_is_for_sites_on_this_machine():
    assert metadata_of(provider(LOCAL), document(LOCAL)).jwks_uri == f"{LOCAL}/keys"


@pytest.mark.parametrize(
    ("issuer", "said"),
    [
        (SITE, []),
        (SITE, None),
        (SITE, document(issuer=SITE + "/")),
        (SITE, document(issuer="https://evil.example")),
        (SITE, document(token_endpoint=None)),
        (SITE, document(authorization_endpoint=7)),
        (SITE, document(token_endpoint="http://site.example/token")),
        (SITE, document(token_endpoint="http://127.0.0.1/token")),
        (SITE, document(jwks_uri="file:///etc/passwd")),
        (SITE, document(userinfo_endpoint="https://user@site.example/")),
        (SITE, document(authorization_endpoint="javascript:alert(1)")),
        (SITE, document(authorization_endpoint="https://site.example/#x")),
        (SITE, document(token_endpoint_auth_methods_supported=["private_key_jwt"])),
        (SITE, document(token_endpoint_auth_methods_supported="client_secret_basic")),
        (LOCAL, document(LOCAL, token_endpoint="http://10.0.0.1/token")),
    ],
)
def test_what_cannot_be_used_is_refused(issuer, said):
    with pytest.raises(BadAnswer):
        metadata_of(provider(issuer), said)

import json

import pytest

from libs.common.settings import InvalidSettings, load, secret_values
from services.gateway.kernel.login_providers import address_problem, read_providers
from services.gateway.settings import Settings

GOOGLE = {
    "name": "google",
    "kind": "oidc",
    "issuer": "https://accounts.google.com",
    "client_id": "id.apps.example",
    "client_secret": "very s3cret",
    "label": "Google",
}
GITHUB = {"name": "github", "kind": "github", "client_id": "id", "client_secret": "s3cret as well"}


def listed(*some, **changed):
    return json.dumps([one | changed for one in some])


def test_what_is_left_out_is_as_usual():
    google, github = read_providers(listed(GOOGLE, GITHUB))
    assert (google.label, google.scopes) == ("Google", ("openid", "email"))
    assert google.identifier == "https://accounts.google.com"
    assert (github.label, github.scopes) == ("github", ("user:email",))
    assert github.identifier == "https://github.com/login/oauth"
    assert not github.may_be_plain
    (server,) = read_providers(listed(GITHUB, issuer="http://127.0.0.1:9/"))
    assert (server.identifier, server.may_be_plain) == ("http://127.0.0.1:9/login/oauth", True)
    assert read_providers("") == read_providers("[]") == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "JSON"),
        ("{}", "JSON list"),
        ("[7]", "number 1"),
        (listed(GOOGLE, kind="saml"), "kind"),
        (listed(GOOGLE, name="Google"), "name"),
        (listed(GOOGLE, name="a/b"), "name"),
        (listed(GOOGLE, client_id=""), "client_id"),
        (listed(GOOGLE, client_secret=""), "client_secret of number 1 is empty"),
        (listed(GOOGLE, secret="x"), "secret"),
        (listed(GOOGLE, issuer=""), "issuer of number 1"),
        (listed(GOOGLE, issuer="http://accounts.google.com"), "https://"),
        (listed(GOOGLE, issuer="https://a.example?x=1"), "no query"),
        (listed(GOOGLE, scopes=["email"]), "lack openid"),
        (listed(GITHUB, GOOGLE, name="same"), "one name"),
        (listed(GOOGLE, GOOGLE | {"name": "other"}), "one issuer"),
        (json.dumps([{k: v for k, v in GOOGLE.items() if k != "client_secret"}]), "client_secret"),
        (
            json.dumps([GOOGLE | {"name": f"n{i}", "issuer": f"https://{i}.e"} for i in range(21)]),
            "at most",
        ),
    ],
)
def test_what_is_wrong_is_said_without_secrets(text, said):
    with pytest.raises(ValueError, match=said) as wrong:
        read_providers(text)
    assert "s3cret" not in str(wrong.value)


@pytest.mark.parametrize(
    ("url", "plain", "fits"),
    [
        ("https://a.example/x?y=1", False, True),
        ("http://127.0.0.1:80/x", True, True),
        ("http://localhost/x", True, True),
        ("http://127.0.0.1/x", False, False),
        ("http://10.0.0.1/x", True, False),
        ("ftp://a.example/", True, False),
        ("https:///x", False, False),
        ("https://a@b.example/", False, False),
        ("https://a.example/#x", False, False),
        ("https://a.example/\r\nX: y", False, False),
        ("https://a.example:x/", False, False),
        ("https://ä.example/", False, False),
    ],
)
def test_addresses_where_secrets_go(url, plain, fits):
    assert (address_problem(url, plain=plain) is None) == fits


def test_settings_read_them_and_no_log_shows_their_secrets(monkeypatch):
    monkeypatch.setenv("GATEWAY_LOGIN_PROVIDERS", listed(GOOGLE, GITHUB))
    monkeypatch.setenv("GATEWAY_DATABASE_URL", "sqlite+aiosqlite:///x.db")
    with pytest.raises(InvalidSettings, match="takes GATEWAY_PUBLIC_URL"):
        load(Settings)
    monkeypatch.setenv("GATEWAY_PUBLIC_URL", "https://lectern.example")
    settings = load(Settings)
    assert [one.name for one in settings.login_providers] == ["google", "github"]
    assert {"very s3cret", "s3cret as well"} <= secret_values(settings)
    assert "s3cret" not in repr(settings) + repr(settings.login_providers)
    monkeypatch.setenv("GATEWAY_LOGIN_PROVIDERS", listed(GOOGLE, client_id=""))
    with pytest.raises(InvalidSettings, match="GATEWAY_LOGIN_PROVIDERS: number 1, client_id"):
        load(Settings)

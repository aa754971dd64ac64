from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr

from services.gateway.accounts.identities.directory import provider_directory
from services.gateway.accounts.identities.github_provider import GitHubProvider
from services.gateway.accounts.identities.openid_provider import OpenIdProvider
from services.gateway.kernel.errors import NotFound
from services.gateway.kernel.limits import AccountPolicy
from services.gateway.kernel.login_providers import LoginProvider

PROVIDERS = (
    LoginProvider("site", "oidc", "id", SecretStr("secret"), "https://site.example"),
    LoginProvider("github", "github", "id", SecretStr("secret"), "https://github.com"),
)


def test_each_is_asked_in_its_own_way_and_known_as_long_as_the_process_runs():
    app: Any = SimpleNamespace(state=SimpleNamespace())
    directory = provider_directory(app, AccountPolicy(providers=PROVIDERS))
    assert isinstance(directory.named("site"), OpenIdProvider)
    assert isinstance(directory.named("github"), GitHubProvider)
    assert provider_directory(app, AccountPolicy()) is directory
    with pytest.raises(NotFound):
        directory.named("google")

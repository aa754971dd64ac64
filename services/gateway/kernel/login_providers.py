"""Other sites that people log in with, as the settings list them.

[{"name": "google", "kind": "oidc", "issuer": "https://accounts.google.com", "client_id": "...",
  "client_secret": "...", "label": "Google"},
 {"name": "github", "kind": "github", "client_id": "...", "client_secret": "..."}]
"""

from typing import Annotated, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, TypeAdapter, ValidationError

from libs.common.public_addresses import is_loopback

GITHUB = "https://github.com"
MOST_PROVIDERS = 20
DEFAULT_SCOPES = {"oidc": ("openid", "email"), "github": ("user:email",)}

_Line = Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[\x21-\x7e]+$")]


class LoginProvider(NamedTuple):
    """One of them; a tuple, so that its secret is found among those that no log may show.

    ``issuer`` is the address that a provider of kind ``oidc`` is known by, and that of the site
    itself for ``github``, where it may be left out.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
    kind: Literal["oidc", "github"]
    client_id: _Line
    client_secret: SecretStr
    issuer: Annotated[str, Field(max_length=200)] = ""
    label: Annotated[str, Field(max_length=50)] = ""
    scopes: Annotated[tuple[_Line, ...], Field(max_length=20)] = ()

    @property
    def identifier(self) -> str:
        """What subjects belong to: the same for ever, however the provider is called here."""
        return f"{self.issuer}/login/oauth" if self.kind == "github" else self.issuer

    @property
    def may_be_plain(self) -> bool:
        """Whether it is on this machine, and so may speak plain HTTP."""
        return self.issuer.startswith("http://")


_PROVIDERS = TypeAdapter(tuple[LoginProvider, ...])


def read_providers(text: str) -> tuple[LoginProvider, ...]:
    """Return the providers that a setting lists; empty: none.

    Raises:
        ValueError: It is not as it must be; the message shows no value.
    """
    if not text.strip():
        return ()
    try:
        given = _PROVIDERS.validate_json(text)
    except ValidationError as error:
        raise ValueError(_complaint(error)) from None
    if len(given) > MOST_PROVIDERS:
        raise ValueError(f"there may be {MOST_PROVIDERS} at most")
    whole = tuple(_whole(provider, number) for number, provider in enumerate(given, start=1))
    if len({provider.name for provider in whole}) < len(whole):
        raise ValueError("two have one name")
    if len({provider.identifier for provider in whole}) < len(whole):
        raise ValueError("two have one issuer")
    return whole


def address_problem(url: str, *, plain: bool = False) -> str | None:
    """Return what is wrong with an address of a provider; ``plain`` allows HTTP on this machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is no web address"
    if parts.scheme == "http" and not (plain and is_loopback(host or "")):
        return "must begin with https://"
    if parts.scheme not in {"http", "https"} or not host or "@" in parts.netloc:
        return "must begin with https:// and a host"
    if parts.fragment or not url.isascii() or not url.isprintable() or " " in url:
        return "is no web address"
    return None


def _whole(provider: LoginProvider, number: int) -> LoginProvider:
    issuer = provider.issuer
    if provider.kind == "github":
        issuer = (issuer or GITHUB).rstrip("/")
    problem = address_problem(issuer, plain=True)
    if problem is None and "?" in issuer:
        problem = "must have no query"
    if problem is not None:
        raise ValueError(f"the issuer of number {number} {problem}")
    if not provider.client_secret.get_secret_value():
        raise ValueError(f"the client_secret of number {number} is empty")
    scopes = provider.scopes or DEFAULT_SCOPES[provider.kind]
    if provider.kind == "oidc" and "openid" not in scopes:
        raise ValueError(f"the scopes of number {number} lack openid")
    label = provider.label.strip() or provider.name
    return provider._replace(issuer=issuer, scopes=scopes, label=label)


def _complaint(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    place = first["loc"]
    if not place or not isinstance(place[0], int):
        return "write a JSON list of objects"
    field = ".".join(str(part) for part in place[1:])[:100] or "it"
    return f"number {place[0] + 1}, {field}: {first['msg']}"

"""Other sites to log in with, on loopback: they keep OpenID Connect and OAuth, or break them.

They check what a site must check: client and secret, redirect URI, PKCE, and that a code is used
once. What they answer can be changed by a test, one thing at a time.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from libs.common.runtime.http_server import HttpServer
from libs.common.testing.costs.loop_watchdog import not_counted

CLIENT_ID, CLIENT_SECRET = "lectern-at-site", "s3cret of the client"
SECRET_WORDS = "words of the site that nobody may repeat"

Sign = Callable[[dict[str, Any], dict[str, Any]], str]


@dataclass
class Code:
    """What was asked for when a code was given."""

    query: Mapping[str, str]
    used: bool = False


@cache
def rsa_key(kid: str, number: int = 1) -> RSAKey:
    """A key of that name; to make one takes long."""
    with not_counted():
        return RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})


def ec_key(kid: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig"})


def unsigned(claims: dict[str, Any], header: dict[str, Any]) -> str:
    """A token without a signature, as ``alg: none`` has it."""
    return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(claims)}."


def signed_by_secret(secret: bytes) -> Sign:
    """What signs with a secret that both sides have, as ``alg: HS256`` has it."""

    def sign(claims: dict[str, Any], header: dict[str, Any]) -> str:
        text = f"{_part(header | {'alg': 'HS256'})}.{_part(claims)}"
        digest = hmac.digest(secret, text.encode(), "sha256")
        return f"{text}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"

    return sign


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@dataclass
class Site:
    """What both kinds share. ``broken`` answers in place of a path; ``asked`` is what was."""

    url: str = ""
    issuer_said: str | None = None
    declines: bool = False
    codes: dict[str, Code] = field(default_factory=dict)
    broken: dict[str, Callable[[], Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    bearers: set[str] = field(default_factory=set)

    def app(self) -> Starlette:
        routes = [
            Route(path, self._answering(answer), methods=["GET", "POST"])
            for path, answer in self.answers().items()
        ]
        return Starlette(routes=routes)

    def answers(self) -> dict[str, Any]:
        """What answers each path."""
        return {}

    def _answering(self, answer: Any) -> Any:
        async def endpoint(request: Request) -> Response:
            self.asked.append(request.url.path)
            if (broken := self.broken.get(request.url.path)) is not None:
                found = broken()
                answered: Response = await found if asyncio.iscoroutine(found) else found
            else:
                answered = await answer(request)
            return answered

        return endpoint

    async def authorize(self, request: Request) -> Response:
        query = dict(request.query_params)
        assert query["client_id"] == CLIENT_ID
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert len(query["state"]) >= 43
        back = {"state": query["state"]}
        if self.issuer_said is not None:
            back["iss"] = self.issuer_said
        if self.declines:
            back |= {"error": "access_denied", "error_description": SECRET_WORDS}
        else:
            code = secrets.token_urlsafe(16)
            self.codes[code] = Code(query)
            back["code"] = code
        return RedirectResponse(f"{query['redirect_uri']}?{urlencode(back)}", 302)

    def redeemed(self, form: Mapping[str, str]) -> Code | None:
        """The code of a form, if it is good, and the verifier fits."""
        code = self.codes.get(form.get("code", ""))
        if code is None or code.used or form.get("grant_type") != "authorization_code":
            return None
        code.used = True
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        fits = challenge == code.query["code_challenge"]
        same = form.get("redirect_uri") == code.query["redirect_uri"]
        return code if fits and same else None

    def bearer(self) -> str:
        token = secrets.token_urlsafe(16)
        self.bearers.add(f"Bearer {token}")
        return token


@dataclass
class OpenIdSite(Site):
    """One that keeps OpenID Connect; ``claims`` are put over those of an ID token."""

    keys: list[Any] = field(default_factory=lambda: [rsa_key("first")])
    algorithm: str = "RS256"
    subject: str = "248289761001"
    person: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    sign: Sign | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] | None = None

    def answers(self) -> dict[str, Any]:
        return {
            "/.well-known/openid-configuration": self.describe,
            "/authorize": self.authorize,
            "/token": self.token,
            "/keys": self.show_keys,
            "/userinfo": self.show_person,
        }

    def behave(self) -> None:
        """Break nothing any more."""
        self.claims, self.header, self.metadata, self.sign = {}, {}, {}, None

    async def describe(self, request: Request) -> Response:
        said = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.algorithm],
        }
        return JSONResponse(said | self.metadata)

    async def show_keys(self, request: Request) -> Response:
        return JSONResponse({"keys": [key.as_dict(private=False) for key in self.keys]})

    async def show_person(self, request: Request) -> Response:
        if request.headers.get("authorization") not in self.bearers:
            return JSONResponse({"error": "invalid_token"}, 401)
        return JSONResponse(self.userinfo or {"sub": self.subject})

    async def token(self, request: Request) -> Response:
        given = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {given}":
            return JSONResponse({"error": "invalid_client"}, 401)
        form = dict(parse_qsl((await request.body()).decode()))
        code = self.redeemed(form)
        if code is None:
            said = {"error": "invalid_grant", "error_description": SECRET_WORDS}
            return JSONResponse(said, 400)
        now = int(time.time())
        claims = {
            "iss": self.url,
            "sub": self.subject,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": code.query.get("nonce"),
            **self.person,
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": self.algorithm, "kid": self.keys[-1].kid, **self.header}
        signed = (self.sign or self._signed)(claims, header)
        answer = {"access_token": self.bearer(), "token_type": "Bearer", "id_token": signed}
        return JSONResponse(answer)

    def _signed(self, claims: dict[str, Any], header: dict[str, Any]) -> str:
        header = {name: value for name, value in header.items() if value is not None}
        return jwt.encode(header, claims, self.keys[-1], algorithms=[header["alg"]])


@dataclass
class GitHubSite(Site):
    """One that does as GitHub Enterprise Server does."""

    number: Any = 583231
    emails: Any = field(default_factory=list)

    def answers(self) -> dict[str, Any]:
        return {
            "/login/oauth/authorize": self.authorize,
            "/login/oauth/access_token": self.token,
            "/api/v3/user": self.user,
            "/api/v3/user/emails": self.addresses,
        }

    async def token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        known = (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        if not known or self.redeemed(form) is None:
            return JSONResponse({"error": "bad_verification_code"})  # with 200, as GitHub does
        return JSONResponse(
            {"access_token": self.bearer(), "token_type": "bearer", "scope": "user:email"}
        )

    async def user(self, request: Request) -> Response:
        if request.headers.get("authorization") not in self.bearers:
            return PlainTextResponse("no", 401)
        return JSONResponse({"id": self.number, "login": "octocat", "email": "public@example.org"})

    async def addresses(self, request: Request) -> Response:
        if request.headers.get("authorization") not in self.bearers:
            return PlainTextResponse("no", 401)
        return JSONResponse(self.emails)


@asynccontextmanager
async def served(site: Site) -> AsyncIterator[Site]:
    """Have a site answer on a free port of loopback."""
    server = HttpServer(site.app(), "127.0.0.1", 0)
    await server.start()
    site.url = f"http://127.0.0.1:{server.port}"
    try:
        yield site
    finally:
        await server.stop(0.1)


async def authorize(url: str) -> str:
    """Go where the gateway sends a browser, and return the path that the site sends it back to."""
    async with httpx.AsyncClient(verify=False) as client:  # else it reads certificates
        answer = await client.get(url)
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["location"])
    assert f"{back.scheme}://{back.netloc}" == "https://gateway"
    return f"{back.path}?{back.query}"

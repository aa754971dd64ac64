"""Every route as everybody who may come, against the table of what they expect."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from libs.common.contracts.permissions import EVERY_SCOPE, Scope, ShareLevel
from services.gateway.accounts.administration.closing import AccountClosing
from services.gateway.accounts.identities.identity_rows import identities_of, link_identity
from services.gateway.accounts.identities.proven_identity import ProvenIdentity
from services.gateway.accounts.signing_in.login_sessions import begin_session
from services.gateway.accounts.tests.people import KEY
from services.gateway.accounts.users import add_address
from services.gateway.documents.public_links.commands import LinkCommands
from services.gateway.tests.everything import account, everything, shared
from services.gateway.tests.world import VOICES, World, a_world

pytestmark = pytest.mark.slow

API = "/api/v1"
COLUMNS = (
    "session owner can_share collaborator view_only stranger staff link nobody".split()  # noqa: SIM905
)
NOBODY = ("anonymous", "expired", "revoked", "disabled", "malformed", "old_link", "revoked_link")
ROLES = (*COLUMNS[:-1], *NOBODY)
STREAMS = {"/documents/{document_id}/events", "/events"}
"""Answers that do not end: HEAD tells whether they would begin."""
BODIES: dict[tuple[str, str], Any] = {
    ("PATCH", "/documents/{document_id}"): {"title": "Mine"},
    ("POST", "/documents/{document_id}/pages"): {"text": "More"},
    ("PUT", "/documents/{document_id}/page-order"): {"pages": "2,1"},
    ("PUT", "/documents/{document_id}/pages/{page}"): {"text": "Mine"},
    ("POST", "/documents/{document_id}/shares"): {"address": "bea@example.org"},
    ("PATCH", "/documents/{document_id}/shares/{share_id}"): {"level": "view_only"},
    ("POST", "/documents/{document_id}/links"): {"label": "For the reading group"},
    ("POST", "/tokens"): {"name": "new", "scopes": ["read"]},
    ("POST", "/account/addresses"): {"address": "new@example.org"},
    ("PUT", "/account/password"): {"password": "battery 8", "password_again": "battery 8"},
}


@dataclass(frozen=True, kw_only=True)
class Line:
    """What one route answers to whom."""

    method: str
    path: str
    scope: str
    expected: dict[str, str]


def read_table() -> list[Line]:
    """The lines of the table, in their order."""
    text = Path(__file__).with_name("rights.txt").read_text("utf-8")
    lines = []
    for words in (line.split() for line in text.splitlines() if line[:1].isupper()):
        method, path, scope, *cells = words
        expected = dict(zip(COLUMNS, cells, strict=True))
        lines.append(Line(method=method, path=path, scope=scope, expected=expected))
    return lines


TABLE = read_table()


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """One in which somebody can register."""
    monkeypatch.setenv("LECTERN_MAIL_LINK_KEY", KEY)
    async with a_world(tmp_path, sign_up="open") as world:
        await world.take(VOICES)
        yield world


@asynccontextmanager
async def caller(world: World, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody with these headers alone."""
    async with world.client() as client:
        client.headers.pop("Authorization")
        client.headers.update(headers)
        client.base_url = httpx.URL(f"https://gateway{API}")
        yield client


async def headers_of(world: World, role: str, ids: dict[str, Any]) -> dict[str, str]:
    """What somebody of a role sends along, who has come to be one in the usual way."""
    if role == "anonymous":
        return {}
    if role == "malformed":
        return bearer("x" * 5000)
    if "link" in role:
        return bearer(await link(world, role, ids))
    if role == "session":
        return await browser_of(world, world.owner)
    if role == "owner":
        return bearer(world.token)
    if role in set(ShareLevel):
        user, token = await somebody(world, "holder@example.org")
        await shared(world, ids["document_id"], "holder@example.org", ShareLevel(role))
        return bearer(token)
    if role == "expired":
        return bearer((await world.tokens.create("old", world.owner, valid_days=-1))[1])
    user, token = await somebody(world, "bea@example.net", is_staff=role == "staff")
    if role == "revoked":
        [row] = await world.tokens.of_owner(user)
        await world.tokens.revoke(row.token_id)
    if role == "disabled":
        await AccountClosing(world.kernel).disable(user, None)
    return bearer(token)


async def link(world: World, role: str, ids: dict[str, Any]) -> str:
    """The secret of a public link, which may have ended."""
    commands, document = LinkCommands(world.kernel), ids["document_id"]
    end = datetime.now(UTC) + timedelta(seconds=0.2) if role == "old_link" else None
    link_id, secret = await commands.make(world.owner, document, None, end)
    if role == "revoked_link":
        await commands.revoke(world.owner, document, link_id)
    if role == "old_link":
        await asyncio.sleep(0.2)
    return secret


async def somebody(world: World, address: str, *, is_staff: bool = False) -> tuple[UUID, str]:
    """Make an account, and return its id and a token with every scope."""
    user = uuid4()
    await account(world, user, address, is_staff=is_staff)
    return await world.tokens.create("all", user)


async def browser_of(world: World, user: UUID) -> dict[str, str]:
    """Log somebody in."""
    async with world.database.transaction() as connection:
        session = await begin_session(connection, user, "Mosaic", remembered=False)
    return {"Cookie": f"__Host-lectern={session.secret}", "Sec-Fetch-Site": "same-origin"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def owned(world: World, ids: dict[str, Any]) -> dict[str, Any]:
    """Let the paths of credentials lead to some of the owner's."""
    _, spare = await world.tokens.create("spare", world.owner)
    assert spare
    [token] = [one for one in await world.tokens.of_owner(world.owner) if one.name == "spare"]
    async with world.database.transaction() as connection:
        session = await begin_session(connection, world.owner, "Lynx", remembered=False)
        address = await add_address(connection, world.owner, "o2@example.org", is_primary=False)
        identity = ProvenIdentity(issuer="https://site.example", subject="7", address=None)
        await link_identity(connection, identity, world.owner)
        [linked] = await identities_of(connection, world.owner)
    return ids | {
        "token_id": token.token_id,
        "session_id": session.session_id,
        "address_id": address,
        "identity_id": linked.identity_id,
    }


def verdict(answer: httpx.Response) -> str:
    """What an answer says about rights."""
    return str(answer.status_code) if answer.status_code in {401, 403, 404} else "ok"


async def ask(client: httpx.AsyncClient, method: str, line: Line, ids: dict[str, Any]) -> Any:
    sent: dict[str, Any] = {"headers": {}}
    if method not in {"GET", "HEAD"}:
        sent["headers"]["If-Match"] = '"0"'
    if method not in {"GET", "HEAD", "DELETE"}:
        sent["json"] = BODIES.get((method, line.path), {})
    return await client.request(method, line.path.format(**ids), **sent)


@pytest.mark.parametrize("role", ROLES)
async def test_everybody_may_do_what_the_table_says_and_no_more(world: World, role: str) -> None:
    ids = await owned(world, await everything(world))
    column = "nobody" if role in NOBODY else role
    wrong, headers = [], await headers_of(world, role, ids)
    for line in TABLE:
        expected = line.expected[column]
        methods = {"GET": ("HEAD", "GET")}.get(line.method, (line.method,))
        if line.path in STREAMS and expected == "ok":
            methods = ("HEAD",)
        if role == "session":  # some routes end it
            headers = await browser_of(world, world.owner)
        async with caller(world, **headers) as client:
            for method in methods:
                answer = await ask(client, method, line, ids)
                if verdict(answer) != expected:
                    wrong.append((method, line.path, expected, answer.status_code, answer.text))
    assert wrong == []


@pytest.mark.parametrize("lacking", sorted(Scope))
async def test_a_token_does_nothing_that_its_scopes_do_not_name(
    world: World, lacking: Scope
) -> None:
    ids = await owned(world, await everything(world))
    _, token = await world.tokens.create("less", world.owner, scopes=EVERY_SCOPE - {lacking})
    async with caller(world, **bearer(token)) as client:
        for line in TABLE:
            if line.scope == lacking:
                answer = await ask(client, line.method, line, ids)
                assert answer.status_code == HTTPStatus.FORBIDDEN, line
                assert answer.json()["code"] == "insufficient_scope", line


async def test_the_table_has_every_route_and_no_other(world: World) -> None:
    async with world.client() as client:
        declared = (await client.get("/openapi.json")).json()["paths"]
    served = {
        (method.upper(), path.removeprefix(API))
        for path, operations in declared.items()
        for method, operation in operations.items()
        if "operationId" in operation and method != "head"
    }
    assert {(line.method, line.path) for line in TABLE} == served
    assert len(TABLE) == len(served)


async def test_the_table_names_scopes_that_there_are() -> None:
    assert {line.scope for line in TABLE} == {*map(str, Scope), "-"}

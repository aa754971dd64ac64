"""Two people and a stranger, two gateways: accounts, shares, mails, public links."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any
from uuid import UUID, uuid4

import httpx

from tests.journeys.deployment import Deployment
from tests.journeys.evidence import check_nothing_lost_or_doubled
from tests.journeys.outside import PUBLIC_URL
from tests.journeys.person import Person, book, until

PASSWORD = {"password": "correct horse 7", "password_again": "correct horse 7"}
LINK = re.compile(rf"^{PUBLIC_URL}/links/([0-9a-f-]{{36}})/(\S+)$", re.MULTILINE)
SOME = {"Range": "bytes=10-99"}
OTHER = "gateway-2"


@dataclass
class Reader:
    """Somebody in a browser, who reads their mail."""

    deployment: Deployment
    address: str
    api: httpx.AsyncClient

    async def mail(self, subject: str) -> str:
        """What the first mail to them says that has such a subject."""

        async def look() -> EmailMessage | None:
            mails = [mail for mail in self.deployment.world.mails if mail["To"] == self.address]
            return next((mail for mail in mails if subject in mail["Subject"]), None)

        found = await until(look, f"a mail about: {subject}")
        assert found.get_content_type() == "text/plain"
        return str(found.get_content()).replace("\r\n", "\n")

    async def register(self) -> None:
        answer = await self.api.post("/registrations", json={"address": self.address, **PASSWORD})
        assert answer.status_code == 202, answer.text
        await self.use_link_of(await self.mail("Confirm your mail address"))

    async def use_link_of(self, mail: str) -> None:
        """Open the link of a mail, choose or repeat the password, and log in."""
        link = LINK.search(mail)
        assert link is not None, mail
        given = {"mail_id": link[1], "secret": link[2], **PASSWORD}
        answer = await self.api.post("/mail-links", json=given)
        assert answer.status_code == 204, answer.text
        login = {"address": self.address, "password": PASSWORD["password"]}
        assert (await self.api.post("/login", json=login)).status_code == 204

    async def status(self, method: str, path: str, **more: Any) -> int:
        return (await self.api.request(method, path, **more)).status_code


@asynccontextmanager
async def reader(deployment: Deployment, name: str, gateway: str) -> AsyncIterator[Reader]:
    async with _client(deployment, gateway) as api:
        yield Reader(deployment, f"{name}-{uuid4().hex[:8]}@example.org", api)


def _client(deployment: Deployment, gateway: str, token: str | None = None) -> httpx.AsyncClient:
    headers = {"Sec-Fetch-Site": "same-origin"}
    if token is not None:
        headers = {"Authorization": f"Bearer {token}"}
    url = f"{deployment.url(gateway)}/api/v1"
    return httpx.AsyncClient(base_url=url, headers=headers, timeout=30)


async def heard(ada: Reader) -> tuple[str, str]:
    """A document that can be heard, and the audio of its first page."""
    person = Person(UUID(int=0), ada.api)
    document, narration = await person.submit_file("sea.md", book(f"Tides {uuid4().hex}"), {})
    await person.finished(narration)
    return document, (await person.audios(document))[0]["audio_id"]


async def test_what_is_shared_is_told_heard_and_taken_back(deployment: Deployment) -> None:
    deployment.start(OTHER, role="http")
    deployment.wait_until_ready(OTHER)
    async with (
        reader(deployment, "ada", "gateway") as ada,
        reader(deployment, "bea", OTHER) as bea,
        reader(deployment, "cal", OTHER) as cal,
    ):
        await ada.register()
        await bea.register()
        document, audio = await heard(ada)
        assert await bea.status("GET", f"/documents/{document}") == 404
        await _shared_with_bea(ada, bea, document, audio)
        await _invited(ada, cal, document)
        await _by_link(ada, document, audio)
    await check_nothing_lost_or_doubled(deployment)


async def _shared_with_bea(ada: Reader, bea: Reader, document: str, audio: str) -> None:
    shares, stream = f"/documents/{document}/shares", f"/audios/{audio}/stream"
    given = {"address": bea.address, "level": "can_share", "message": "Begin with\nchapter 2."}
    shared = await ada.api.post(shares, json=given)
    assert shared.status_code == 201, shared.text
    share = f"{shares}/{shared.json()['share_id']}"
    mail = await bea.mail(f"{ada.address} shared")
    assert "> Begin with\n> chapter 2.\n" in mail
    assert f"{PUBLIC_URL}/documents/{document}" in mail.splitlines()
    [listed] = (await bea.api.get("/shared")).json()["items"]
    assert (listed["document_id"], listed["shared_by"]) == (document, ada.address)
    assert await bea.status("GET", stream, headers=SOME) == 206
    assert await bea.status("GET", shares) == 200
    assert await ada.status("PATCH", share, json={"level": "view_only"}) == 200
    assert await bea.status("GET", shares) == 403
    assert await bea.status("GET", stream, headers=SOME) == 206
    assert await ada.status("DELETE", share) == 204
    assert await bea.status("GET", stream, headers=SOME) == 404
    assert await bea.status("GET", f"/documents/{document}") == 404


async def _invited(ada: Reader, cal: Reader, document: str) -> None:
    given = {"address": cal.address, "level": "view_only"}
    assert await ada.status("POST", f"/documents/{document}/shares", json=given) == 201
    mail = await cal.mail(f"{ada.address} shared")
    assert "You have no account yet." in mail
    await cal.use_link_of(mail)
    assert await cal.status("GET", f"/documents/{document}") == 200


async def _by_link(ada: Reader, document: str, audio: str) -> None:
    links, stream = f"/documents/{document}/links", f"/audios/{audio}/stream"
    made = (await ada.api.post(links, json={"label": "For the reading group"})).json()
    async with _client(ada.deployment, OTHER, made["secret"]) as stranger:
        assert (await stranger.get("/listen")).json()["document_id"] == document
        part = await stranger.get(stream, headers=SOME)
        assert (part.status_code, len(part.content)) == (206, 90)
        assert part.headers["cache-control"] == "private"
        assert (await stranger.get(f"/audios/{audio}/download")).status_code == 403
        assert await ada.status("DELETE", f"{links}/{made['link_id']}") == 204
        assert (await stranger.get(stream, headers=SOME)).status_code == 401
        assert (await stranger.get("/listen")).status_code == 401
    logged = ada.deployment.log_of("gateway") + ada.deployment.log_of(OTHER)
    assert made["secret"] not in logged

"""People who register, and read their mail."""

from collections.abc import Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from libs.common.contracts.accounts import AccountMailRequested, UserRegistered
from libs.common.contracts.details import MailDetails
from libs.common.mail_links import MailLinks
from libs.common.storage.details import read_details
from services.gateway.tests.world import World, _EachByItself

KEY = "a key for the tests of thirty-two characters"
ADA, BEA = "Ada@example.org", "bea@example.org"
GOOD, BETTER = "correct horse 7", "battery staple 8"
LINKS = MailLinks.read(KEY)


@dataclass(frozen=True)
class Mail:
    """As the notifier would write it."""

    kind: str
    address: str
    about_address: str | None
    mail_id: UUID

    @property
    def path(self) -> str:
        return LINKS.path(self.mail_id)

    @property
    def link(self) -> dict[str, str]:
        """What uses its link, where somebody registered with the usual password."""
        link = {"mail_id": str(self.mail_id), "secret": self.path.rpartition("/")[2]}
        return link | ({"password": GOOD} if self.kind == "verify_address" else {})


@dataclass
class People:
    world: World

    @asynccontextmanager
    async def browser(self, app: Any = None, **headers: str) -> Any:
        """A browser that shows a page of ours."""
        async with httpx.AsyncClient(
            transport=_EachByItself(app=app or self.world.app),
            base_url="https://gateway",
            headers={"Sec-Fetch-Site": "same-origin", "User-Agent": "Mosaic 1.0", **headers},
        ) as browser:
            yield browser

    async def mails(self) -> Sequence[Mail]:
        """All mails that were asked for so far, in their order."""
        found = []
        for event in await self.world.decided(AccountMailRequested):
            said = await read_details(self.world.storage, event.details, MailDetails)
            found.append(Mail(event.kind, said.address, said.about_address, event.mail_id))
        return found

    async def register(self, browser: Any, address: str = ADA, password: str = GOOD) -> Mail:
        """Register, and return the mail that came."""
        answer = await browser.post("/api/v1/registrations", json=registration(address, password))
        assert answer.status_code == 202, answer.text
        return (await self.mails())[-1]

    async def make(self, browser: Any, address: str = ADA, password: str = GOOD) -> UUID:
        """Have somebody registered and confirmed, and return their id."""
        mail = await self.register(browser, address, password)
        answer = await browser.post("/api/v1/mail-links", json=mail.link | {"password": password})
        assert answer.status_code == 204, answer.text
        registered: UserRegistered = (await self.world.decided(UserRegistered))[-1]
        return registered.user_id

    async def log_in(
        self, browser: Any, address: str = ADA, password: str = GOOD, *, remember: bool = False
    ) -> Any:
        given = {"address": address, "password": password, "remember": remember}
        return await browser.post("/api/v1/login", json=given)


def registration(address: str = ADA, password: str = GOOD, again: str | None = None) -> Any:
    return {
        "address": address,
        "password": password,
        "password_again": password if again is None else again,
    }

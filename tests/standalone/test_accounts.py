"""From registering to being gone: all services, a real mail server, and what a browser asks."""

import asyncio
import re
from typing import Any

import httpx
import pytest

from lectern.standalone import Options, running
from services.notifier.tests.servers import mail_server
from tests.standalone.test_serve import free_ports

ADA, GOOD = "ada@example.org", "correct horse 7"
LINK = re.compile(r"(http://127\.0\.0\.1:\d+/links/\S+)")


@pytest.mark.slow
async def test_somebody_registers_hands_in_a_document_and_leaves(tmp_path):
    async with mail_server() as mailbox:
        settings: dict[str, dict[str, Any]] = {
            "gateway": {"sign_up": "open"},
            "notifier": {
                "smtp_host": "127.0.0.1",
                "smtp_port": mailbox.port,
                "smtp_security": "none",
                "mail_from": "lectern@example.org",
            },
        }
        options = Options(data=tmp_path, port=free_ports(), settings=settings)
        async with running(options) as lectern:
            await lectern.until_ready()
            url = f"http://127.0.0.1:{options.port}"
            headers = {"Sec-Fetch-Site": "same-origin"}
            async with httpx.AsyncClient(base_url=url, headers=headers) as browser:
                await live(browser, mailbox)
            await nothing_is_left(lectern.gateway.kernel.storage)


async def live(browser, mailbox):
    wanted = {"address": ADA, "password": GOOD, "password_again": GOOD}
    answer = await browser.post("/api/v1/registrations", json=wanted)
    assert answer.status_code == 202, answer.text
    await mails(mailbox, 1)
    found = LINK.search(mailbox.messages[0].get_content())
    assert found
    confirmed = await browser.post(found[1], data={"password": GOOD})
    assert confirmed.status_code == 200, confirmed.text
    login = {"address": ADA, "password": GOOD}
    assert (await browser.post("/api/v1/login", json=login)).status_code == 204
    assert [cookie.name for cookie in browser.cookies.jar] == ["lectern-plain"]
    text = {"text": "Once upon a time.", "title": "A tale"}
    handed_in = await browser.post("/api/v1/documents", json=text)
    assert handed_in.status_code == 202, handed_in.text
    gone = await browser.post("/api/v1/account/deletion", json={"password": GOOD})
    assert gone.status_code == 204
    assert (await browser.post("/api/v1/login", json=login)).status_code == 401


async def mails(mailbox, count):
    async with asyncio.timeout(30):
        while len(mailbox.messages) < count:
            await asyncio.sleep(0.05)


async def nothing_is_left(storage):
    """Objects of mails, users and documents go by jobs."""
    async with asyncio.timeout(60):
        while True:
            prefixes = ("mails/", "users/", "documents/")
            left = [key for prefix in prefixes async for key in storage.keys(prefix)]
            if not left:
                return
            await asyncio.sleep(0.2)

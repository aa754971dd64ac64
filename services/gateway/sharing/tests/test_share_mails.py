"""Who is told of a share, and what: read as the notifier reads it."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from libs.common.contracts.details import ShareMailDetails
from libs.common.contracts.permissions import ShareLevel
from libs.common.contracts.sharing import ShareGranted, ShareMailRequested
from libs.common.storage.details import read_details
from libs.common.store.tables import events, jobs
from services.gateway.accounts.administration.closing import AccountClosing
from services.gateway.accounts.tables import mail_links
from services.gateway.accounts.tests.people import GOOD, KEY, LINKS, People
from services.gateway.documents.shares.commands import ShareCommands, ShareOrder
from services.gateway.documents.tests.test_shares import share, somebody
from services.gateway.sharing.tests.test_invitations import user
from services.gateway.tests.world import a_world


async def told(world):
    """Every mail that was asked for, with what it says."""
    return [
        (event, await read_details(world.storage, event.details, ShareMailDetails))
        for event in await world.decided(ShareMailRequested)
    ]


async def test_who_is_given_a_share_is_told_once_and_changes_are_not(world, client):
    document = await world.hand_in()
    await somebody(world, "bea@example.org")
    answer = await share(client, document, "BEA@example.org", "can_share", message="Read\nthis.")
    path = answer.headers["location"].removeprefix("/api/v1")
    await client.patch(path, json={"level": "view_only"})
    await client.delete(path)
    [(event, details)] = await told(world)
    [granted] = await world.decided(ShareGranted)
    assert event.mail_id == granted.share_id
    assert details.address == "bea@example.org", "as it was proved, not as it was written"
    assert (details.document_id, details.title) == (document, "A title")
    assert (details.level, details.message) == (ShareLevel.CAN_SHARE, "Read\nthis.")
    assert (details.audience, details.shared_by) == ("user", None)
    assert event.valid_until > datetime.now(UTC) + timedelta(days=2)
    assert event.details.key.startswith(f"mails/{event.mail_id}/")


async def test_no_event_says_whom_or_what_it_is_about(world, client):
    document = await world.hand_in()
    await share(client, document, "bea@example.org", message="Read this.")
    [(event, _)] = await told(world)
    written = event.encode().decode()
    for secret in ("bea@", "Read this", "A title", str(document)):
        assert secret not in written


async def test_who_shares_is_named_by_the_address_they_are_written_to(world, client):
    document = await world.hand_in()
    sharer = await user(world, "ada@example.org")
    await share(client, document, "ada@example.org", "can_share")
    order = ShareOrder(
        address="bea@example.org", level=ShareLevel.VIEW_ONLY, expires_at=None, message=None
    )
    await ShareCommands(world.kernel).grant(sharer, document, order)
    assert [details.shared_by for _, details in await told(world)] == [None, "ada@example.org"]


async def test_a_share_that_is_refused_is_told_to_nobody(world, client):
    document = await world.hand_in()
    await share(client, document, "bea@example.org")
    assert (await share(client, document, "bea@example.org")).status_code == 422
    assert (await share(client, uuid4(), "bea@example.org")).status_code == 404
    assert len(await told(world)) == 1


async def test_a_closed_account_is_not_written_to(world, client):
    document = await world.hand_in()
    bea = await user(world, "bea@example.org")
    await AccountClosing(world.kernel).disable(bea, None)
    answer = await share(client, document, "bea@example.org")
    assert answer.status_code == 201
    [(event, _)] = await told(world)
    assert event.valid_until <= datetime.now(UTC)


async def test_an_address_that_only_compares_equal_is_somebody_elses(world, client):
    document = await world.hand_in()
    await user(world, "ada@straße.example")
    await share(client, document, "ada@strasse.example")
    [(_, details)] = await told(world)
    assert (details.address, details.audience) == ("ada@strasse.example", "uninvited")


@pytest.mark.parametrize("sign_up", ["open", "invitation", "closed"])
async def test_who_has_no_account_is_invited_where_one_may_register(tmp_path, monkeypatch, sign_up):
    monkeypatch.setenv("LECTERN_MAIL_LINK_KEY", KEY)
    async with a_world(tmp_path, sign_up=sign_up) as world, world.client() as client:
        document = await world.hand_in()
        assert (await share(client, document, "bea@example.org")).status_code == 201
        [(event, details)] = await told(world)
        assert details.audience == ("uninvited" if sign_up == "closed" else "invited")
        link = {
            "mail_id": str(event.mail_id),
            "secret": LINKS.path(event.mail_id).rpartition("/")[2],
            "password": GOOD,
            "password_again": GOOD,
        }
        async with People(world).browser() as browser:
            used = await browser.post("/api/v1/mail-links", json=link)
            if sign_up == "closed":
                assert used.status_code == 404
                return
            assert used.status_code == 204, used.text
            assert (await People(world).log_in(browser, "bea@example.org")).is_success
            shared = (await browser.get("/api/v1/shared")).json()["items"]
            assert [one["document_id"] for one in shared] == [str(document)]


async def test_the_same_is_recorded_whether_there_is_an_account_or_not(people):
    """Neither the answer nor its time tells; the link of who has an account is of no use."""
    world = people.world
    async with people.browser() as browser:
        await people.make(browser, "bea@example.org")
    document = await world.hand_in()
    counts = []
    async with world.client() as client:
        for address in ("bea@example.org", "cal@example.org"):
            before = await _appended(world)
            assert (await share(client, document, address)).status_code == 201
            counts.append(await _appended(world) - before)
    assert counts[0] == counts[1]
    event, details = (await told(world))[0]
    assert details.audience == "user"
    async with people.browser() as browser:
        link = {"mail_id": str(event.mail_id), "secret": LINKS.path(event.mail_id).split("/")[-1]}
        chosen = {"password": "battery staple 9", "password_again": "battery staple 9"}
        used = await browser.post("/api/v1/mail-links", json={**link, **chosen})
        assert used.json()["code"] == "address_taken"
        assert (await people.log_in(browser, "bea@example.org")).is_success


async def _appended(world):
    """How many rows a share made: of events, jobs and links."""
    async with world.database.reading() as connection:
        counted = [
            await connection.scalar(select(func.count()).select_from(table))
            for table in (events, jobs, mail_links)
        ]
    return sum(counted)

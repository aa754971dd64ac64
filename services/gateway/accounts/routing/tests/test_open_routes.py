import asyncio

import pytest
from sqlalchemy import select, update

from libs.common.contracts.accounts import AccountMailRequested, UserRegistered
from libs.common.contracts.details import UserDetails
from libs.common.storage.details import read_details
from services.gateway.accounts.tables import addresses, mail_links, passwords, sessions, users
from services.gateway.accounts.tests.people import ADA, BEA, BETTER, GOOD, registration
from services.gateway.tests.world import a_world, another_app

pytestmark = pytest.mark.slow


def said(answer):
    """All but what each answer has of its own."""
    return {name: value for name, value in answer.json().items() if name != "request_id"}


async def rows(world, table):
    async with world.database.reading() as connection:
        return (await connection.execute(select(table))).all()


async def test_registering_makes_no_account_before_the_link_is_used(people):
    async with people.browser() as browser:
        mail = await people.register(browser)
        assert (mail.kind, mail.address) == ("verify_address", ADA)
        assert await rows(people.world, users) == []
        assert (await people.log_in(browser)).status_code == 401
        assert (await browser.post("/api/v1/mail-links", json=mail.link)).status_code == 204
        assert (await people.log_in(browser, "ADA@EXAMPLE.ORG")).status_code == 204
    [told] = await people.world.decided(UserRegistered)
    said = await read_details(people.world.storage, told.details, UserDetails)
    assert said.address == ADA
    [row], [password] = await rows(people.world, users), await rows(people.world, passwords)
    assert (row.user_id, row.is_staff) == (str(told.user_id), False)
    assert password.hash.startswith("$argon2id$")
    assert GOOD not in str(password)


async def test_a_link_works_once(people):
    async with people.browser() as browser:
        mail = await people.register(browser)
        assert (await browser.post("/api/v1/mail-links", json=mail.link)).status_code == 204
        again = await browser.post("/api/v1/mail-links", json=mail.link)
        assert (again.status_code, again.json()["code"]) == (404, "not_found")
        wrong = mail.link | {"secret": "x" * 43}
        assert (await browser.post("/api/v1/mail-links", json=wrong)).json()[
            "detail"
        ] == again.json()["detail"]


async def test_a_link_works_once_with_two_gateways_at_once(people_on_postgresql):
    people = people_on_postgresql
    apps = [another_app(people.world) for _ in range(2)]
    async with people.browser(apps[0]) as one, people.browser(apps[1]) as other:
        mail = await people.register(one)
        used = [browser.post("/api/v1/mail-links", json=mail.link) for browser in (one, other) * 4]
        answers = await asyncio.gather(*used)
    assert sorted(answer.status_code for answer in answers) == [204] + [404] * 7
    assert len(await people.world.decided(UserRegistered)) == 1


async def test_of_two_links_for_one_address_one_makes_an_account(people_on_postgresql):
    people = people_on_postgresql
    async with people.browser() as browser:
        mails = [await people.register(browser) for _ in range(3)]
        used = [browser.post("/api/v1/mail-links", json=mail.link) for mail in mails]
        answers = await asyncio.gather(*used)
    assert sorted(answer.status_code for answer in answers) == [204, 422, 422]
    [address] = await rows(people.world, addresses)
    assert (address.address, address.is_primary) == (ADA, True)


async def test_a_link_expires(people):
    async with people.browser() as browser:
        mail = await people.register(browser)
        async with people.world.database.transaction() as connection:
            past = update(mail_links).values(expires_at="2026-01-01T00:00:00.000000Z")
            await connection.execute(past)
        assert (await browser.post("/api/v1/mail-links", json=mail.link)).status_code == 404


async def test_who_has_an_account_gets_another_mail_and_the_same_answer(people):
    async with people.browser() as browser:
        first = await browser.post("/api/v1/registrations", json=registration())
        [mail] = await people.mails()
        await browser.post("/api/v1/mail-links", json=mail.link)
        second = await browser.post("/api/v1/registrations", json=registration("ada@EXAMPLE.org"))
        assert (first.status_code, first.content) == (second.status_code, second.content)
        told = (await people.mails())[-1]
        assert told.kind == "already_registered"
        assert (await browser.post("/api/v1/mail-links", json=told.link)).status_code == 404
    assert len(await people.world.decided(UserRegistered)) == 1


async def test_nothing_of_a_mail_is_decided_before_the_answer(people):
    async with people.browser() as browser:
        await browser.post("/api/v1/registrations", json=registration())
        await browser.post("/api/v1/password-resets", json={"address": BEA})
        assert await people.world.appended(AccountMailRequested) == []


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (registration("nobody"), "bad_address"),
        (registration(password="short"), "weak_password"),
        (registration(again=BETTER), "passwords_differ"),
    ],
)
async def test_what_cannot_be_is_refused_at_once(people, wrong, code):
    async with people.browser() as browser:
        answer = await browser.post("/api/v1/registrations", json=wrong)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert await rows(people.world, mail_links) == []


async def test_where_registration_is_not_open(tmp_path, people):
    async with a_world(tmp_path / "..", sign_up="invitation") as world:
        people.world = world
        async with people.browser() as browser:
            answer = await browser.post("/api/v1/registrations", json=registration())
    assert (answer.status_code, answer.json()["code"]) == (403, "sign_up_closed")


async def test_who_cannot_log_in_learns_nothing(people):
    async with people.browser() as browser:
        await people.make(browser)
        wrong, nobody = [await people.log_in(browser, address, BETTER) for address in (ADA, BEA)]
        assert wrong.status_code == nobody.status_code == 401
        assert said(wrong) == said(nobody)
        assert wrong.headers.get("set-cookie") is None
        async with people.world.database.transaction() as connection:
            await connection.execute(update(users).values(disabled_at="2026-01-01T00:00:00Z"))
        assert said(await people.log_in(browser)) == said(nobody)


async def test_a_session_has_a_cookie_that_only_the_browser_reads(people):
    async with people.browser() as browser:
        await people.make(browser)
        for_now = (await people.log_in(browser)).headers["set-cookie"]
        longer = (await people.log_in(browser, remember=True)).headers["set-cookie"]
    assert for_now.startswith("__Host-lectern=")
    assert {part.strip() for part in for_now.split(";")[1:]} == {
        "HttpOnly",
        "Path=/",
        "SameSite=lax",
        "Secure",
    }
    assert "Max-Age=2592000" in longer
    secrets = [cookie.partition("=")[2].partition(";")[0] for cookie in (for_now, longer)]
    assert secrets[0] != secrets[1]
    kept = str(await rows(people.world, sessions))
    assert not any(secret in kept for secret in secrets)


async def test_a_password_is_reset_by_a_link_and_all_sessions_end(people):
    async with people.browser() as browser:
        await people.make(browser)
        await people.log_in(browser)
        assert (await browser.get("/api/v1/documents")).status_code == 200
        asked = await browser.post("/api/v1/password-resets", json={"address": ADA.lower()})
        assert asked.status_code == 202
        mail = (await people.mails())[-1]
        assert (mail.kind, mail.address) == ("reset_password", ADA), "as it was proved"
        weak = mail.link | {"password": "short", "password_again": "short"}
        assert (await browser.post("/api/v1/mail-links", json=weak)).status_code == 422
        good = mail.link | {"password": BETTER, "password_again": BETTER}
        assert (await browser.post("/api/v1/mail-links", json=good)).status_code == 204
        assert (await browser.post("/api/v1/mail-links", json=good)).status_code == 404
        assert (await browser.get("/api/v1/documents")).status_code == 401
        assert (await people.log_in(browser)).status_code == 401
        assert (await people.log_in(browser, password=BETTER)).status_code == 204
    assert (await people.mails())[-1].kind == "password_changed"


async def test_nobody_is_mailed_about_an_account_that_is_not_there(people):
    async with people.browser() as browser:
        answer = await browser.post("/api/v1/password-resets", json={"address": BEA})
        assert answer.status_code == 202
    assert await people.mails() == []
    assert await rows(people.world, mail_links) == []


async def test_another_site_cannot_log_anybody_in(people):
    async with people.browser() as browser:
        await people.make(browser)
        browser.headers["Sec-Fetch-Site"] = "cross-site"
        assert (await people.log_in(browser)).json()["code"] == "cross_site"


async def test_a_registration_is_confirmed_by_who_knows_its_password(people):
    """Whoever registers with somebody else's address knows the password, and reads no mail."""
    async with people.browser() as browser:
        mail = await people.register(browser)
        for wrong in (BETTER, ""):
            refused = await browser.post("/api/v1/mail-links", json=mail.link | {"password": wrong})
            assert (refused.status_code, refused.json()["code"]) == (422, "bad_password")
            page = await browser.post(mail.path, data={"password": wrong})
            assert (page.status_code, "not the password" in page.text) == (422, True)
        assert await rows(people.world, users) == []
        assert (await browser.post("/api/v1/mail-links", json=mail.link)).status_code == 204


async def test_whoever_reads_the_mail_may_choose_another_password(people):
    """Somebody else registered with her address, and their mails come to her."""
    async with people.browser() as browser:
        mail = await people.register(browser, password="known to another 9")
        for again, status in (("x" * 9, 422), (GOOD, 204)):
            link = mail.link | {"password": GOOD, "password_again": again}
            assert (await browser.post("/api/v1/mail-links", json=link)).status_code == status
        assert (await people.log_in(browser, password="known to another 9")).status_code == 401
        assert (await people.log_in(browser, password=GOOD)).status_code == 204


async def test_a_reset_ends_tokens_of_before(people):
    async with people.browser() as browser:
        user = await people.make(browser)
        _, token = await people.world.tokens.create("stolen", user)
        await browser.post("/api/v1/password-resets", json={"address": ADA})
        good = (await people.mails())[-1].link | {"password": BETTER, "password_again": BETTER}
        assert (await browser.post("/api/v1/mail-links", json=good)).status_code == 204
    assert await people.world.tokens.caller(token) is None


async def test_a_reset_that_was_asked_for_before_the_password_changed_is_none(people):
    """Also if the mail is decided afterwards, when nobody knows any more whose it is."""
    async with people.browser() as browser:
        await people.make(browser)
        await browser.post("/api/v1/password-resets", json={"address": ADA})
        async with people.world.database.transaction() as connection:
            await connection.execute(update(passwords).values(changed_at="2999-01-01T00:00:00Z"))
        late = (await people.mails())[-1].link | {"password": BETTER, "password_again": BETTER}
        assert (await browser.post("/api/v1/mail-links", json=late)).status_code == 404
        assert (await people.log_in(browser)).status_code == 204


async def test_logging_in_ends_the_session_of_before(people):
    async with people.browser() as browser:
        await people.make(browser)
        for _ in range(2):
            await people.log_in(browser)
    assert len(await rows(people.world, sessions)) == 1


async def test_nobody_is_let_in_while_the_password_changes(people_on_postgresql):
    """Whoever knows the password of before has no session afterwards, whoever was first."""
    people = people_on_postgresql
    async with people.browser() as browser:
        await people.make(browser)
        await people.log_in(browser)
        wanted = {"current": GOOD, "password": BETTER, "password_again": BETTER}
        async with people.browser() as other:
            asked = [people.log_in(other) for _ in range(4)]
            changing = browser.put("/api/v1/account/password", json=wanted)
            changed, *_ = await asyncio.gather(changing, *asked)
        assert changed.status_code == 204
        assert (await browser.get("/api/v1/account")).status_code == 200
    assert len(await rows(people.world, sessions)) == 1


@pytest.mark.parametrize("field", ["address", "password"])
async def test_what_is_no_text_is_refused_and_no_error_of_ours(people_on_postgresql, field):
    async with people_on_postgresql.browser() as browser:
        given = {"address": ADA, "password": GOOD} | {field: "a\x00@x.example"}
        answer = await browser.post("/api/v1/login", json=given)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")

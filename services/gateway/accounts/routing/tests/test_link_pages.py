import pytest

from services.gateway.accounts.links.asking import link_asked
from services.gateway.accounts.links.link_rows import LinkRequest
from services.gateway.accounts.tests.people import ADA, BETTER, GOOD

pytestmark = pytest.mark.slow


async def test_looking_changes_nothing_and_the_button_does(people):
    async with people.browser() as browser:
        mail = await people.register(browser)
        for _ in range(2):
            page = await browser.get(mail.path)
            assert page.status_code == 200
            assert '<form method="post">' in page.text
            assert ADA in page.text
            assert (await people.log_in(browser)).status_code == 401
        done = await browser.post(mail.path, data={"password": GOOD})
        assert (done.status_code, "You can log in now" in done.text) == (200, True)
        assert (await people.log_in(browser)).status_code == 204
        assert (await browser.get(mail.path)).status_code == 404
        assert (await browser.post(mail.path)).status_code == 404


async def test_a_page_can_run_nothing_and_be_framed_by_nobody(people):
    async with people.browser() as browser:
        mail = await people.register(browser)
        page = await browser.get(mail.path)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "<script" not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "same-origin"


async def test_a_password_is_chosen_on_the_page(people):
    async with people.browser() as browser:
        await people.make(browser)
        await browser.post("/api/v1/password-resets", json={"address": ADA})
        mail = (await people.mails())[-1]
        assert 'type="password"' in (await browser.get(mail.path)).text
        for weak in ({}, {"password": BETTER, "password_again": "x"}):
            page = await browser.post(mail.path, data=weak)
            assert page.status_code == 422
            assert "<strong>" in page.text
        chosen = {"password": BETTER, "password_again": BETTER}
        assert (await browser.post(mail.path, data=chosen)).status_code == 200
        assert (await people.log_in(browser, password=BETTER)).status_code == 204


async def test_another_site_cannot_press_the_button(people):
    async with people.browser() as browser:
        mail = await people.register(browser)
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
            assert (await browser.post(mail.path, headers=headers)).status_code == 403


@pytest.mark.parametrize("wrong", ["x", "x" * 43, "%00", "..%2f.."])
async def test_other_secrets_lead_nowhere(people, wrong):
    async with people.browser() as browser:
        mail = await people.register(browser)
        path = f"{mail.path.rpartition('/')[0]}/{wrong}"
        assert (await browser.get(path)).status_code == 404
        assert (await browser.post(path)).status_code in {404, 405}


async def test_what_somebody_wrote_is_no_markup(people):
    asked = LinkRequest(purpose="invite", address="<b>&x@example.org")
    row = asked.row()
    async with people.world.kernel.transaction() as command:
        await command.apply(link_asked(row))
    [mail] = await people.mails()
    async with people.browser() as browser:
        page = (await browser.get(mail.path)).text
    assert "&lt;b&gt;&amp;x@example.org" in page
    assert "<b>" not in page

import asyncio

import pytest

from libs.common.contracts.accounts import UserDisabled
from services.gateway.accounts.tests.people import ADA, BEA, GOOD
from services.gateway.staff.queries import StaffQueries

pytestmark = pytest.mark.slow


async def test_staff_closes_an_account_and_opens_it_again(people, staff):
    async with people.browser() as browser:
        user = await people.make(browser)
        assert (await people.log_in(browser)).status_code == 204
        for _ in range(2):
            assert (await staff.post(f"/users/{user}/disable")).status_code == 204
        assert (await browser.get("/api/v1/account")).status_code == 401
        assert (await people.log_in(browser)).status_code == 401
        (told,) = await people.world.decided(UserDisabled)
        assert (told.user_id, told.disabled_by) == (user, people.world.owner)
        assert (await staff.post(f"/users/{user}/enable")).status_code == 204
        assert (await people.log_in(browser)).status_code == 204


async def test_the_last_of_the_staff_stays(people, staff):
    root = people.world.owner
    refused = await staff.post(f"/users/{root}/disable")
    assert (refused.status_code, refused.json()["code"]) == (409, "last_staff")
    async with people.browser() as browser:
        await staff.post("/invitations", json={"address": BEA, "is_staff": True})
        link = (await people.mails())[-1].link
        chosen = {"password": GOOD, "password_again": GOOD}
        answer = await browser.post("/api/v1/mail-links", json=link | chosen)
        assert answer.status_code == 204, answer.text
        found = (await staff.get("/users", params={"search": BEA})).json()["items"]
        assert found[0]["is_staff"]
        bea = found[0]["user_id"]
        await people.log_in(browser, BEA)
        answers = await asyncio.gather(
            browser.post(f"/api/v1/users/{root}/disable"), staff.post(f"/users/{bea}/disable")
        )
        assert sorted(answer.status_code for answer in answers) in ([204, 401], [204, 409])
    found = await StaffQueries(people.world.database).users(10)
    assert sum(user.disabled_at is None for user in found.items) == 1


async def test_an_invitation_makes_an_account(people, staff):
    assert (await staff.post("/invitations", json={"address": "no address"})).status_code == 422
    assert (await staff.post("/invitations", json={"address": ADA})).status_code == 202
    mail = (await people.mails())[-1]
    assert mail.address == ADA
    async with people.browser() as browser:
        chosen = {"password": GOOD, "password_again": GOOD}
        answer = await browser.post("/api/v1/mail-links", json=mail.link | chosen)
        assert answer.status_code == 204, answer.text
        assert (await people.log_in(browser)).status_code == 204
        assert (await browser.get("/api/v1/users")).status_code == 403
    taken = await staff.post("/invitations", json={"address": ADA})
    assert taken.json()["code"] == "address_taken"


async def test_whom_there_is_not(staff):
    for what in ("disable", "enable"):
        answer = await staff.post(f"/users/00000000-0000-4000-8000-000000000000/{what}")
        assert answer.status_code == 404

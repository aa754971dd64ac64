import pytest

from services.gateway.accounts.commands import AccountCommands, Login, NewPassword
from services.gateway.accounts.passwords.hashing import PasswordHashing
from services.gateway.accounts.tests.people import ADA, BEA, BETTER


class Counted(PasswordHashing):
    """Says what was asked of it."""

    def __init__(self):
        super().__init__()
        self.asked = []

    async def fits(self, password, kept):
        self.asked.append(kept is not None)
        return await super().fits(password, kept)


@pytest.mark.slow
async def test_who_does_not_exist_costs_as_much_as_who_does(people):
    async with people.browser() as browser:
        await people.make(browser)
    hashing = Counted()
    commands = AccountCommands(people.world.kernel, hashing)
    for address in (ADA, BEA, "no address"):
        login = Login(address=address, password=BETTER, agent="", remembered=False)
        assert await commands.log_in(login) is None
    assert hashing.asked == [True, False, False]


def test_passwords_are_not_shown():
    chosen = NewPassword(password=BETTER, again=BETTER)
    login = Login(address=ADA, password=BETTER, agent="", remembered=False)
    assert BETTER not in repr(chosen) + repr(login)

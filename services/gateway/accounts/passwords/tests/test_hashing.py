import asyncio

from argon2 import extract_parameters
from fastapi import FastAPI

from libs.common.errors import Throttled
from services.gateway.accounts.passwords import hashing
from services.gateway.accounts.passwords.hashing import PasswordHashing, password_hashing

GOOD = "correct horse 7"


async def test_a_password_is_kept_as_what_only_it_fits():
    passwords = PasswordHashing()
    kept = await passwords.hashed(GOOD)
    assert kept.startswith("$argon2id$")
    assert GOOD not in kept
    assert kept != await passwords.hashed(GOOD)
    assert await passwords.fits(GOOD, kept)
    assert not await passwords.fits(GOOD + "!", kept)
    assert not await passwords.fits(GOOD, "no hash")


async def test_who_does_not_exist_costs_the_same_and_is_never_let_in():
    passwords = PasswordHashing()
    parameters = extract_parameters(hashing._NOBODYS)
    assert parameters == extract_parameters(await passwords.hashed(GOOD))
    assert not await passwords.fits(GOOD, None)


async def test_only_so_many_wait(monkeypatch):
    monkeypatch.setattr(hashing, "MOST_WAITING", 1)
    passwords = PasswordHashing()
    asked = [asyncio.create_task(passwords.fits(GOOD, None)) for _ in range(5)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(one) for one in found] == [bool] * 3 + [Throttled] * 2
    assert passwords.waiting == 0


def test_a_process_has_one():
    app = FastAPI()
    assert password_hashing(app) is password_hashing(app)

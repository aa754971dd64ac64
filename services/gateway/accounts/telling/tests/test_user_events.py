from uuid import uuid4

import pytest

from libs.common.contracts.accounts import (
    UserAddressChanged,
    UserDeleted,
    UserDisabled,
    UserEnabled,
    UserRegistered,
)
from libs.common.contracts.details import UserDetails
from libs.common.errors import ObjectNotFound
from libs.common.storage.details import read_details
from services.gateway.accounts.telling.user_events import UserAddress, UserEvents
from services.gateway.tests.world import do_jobs

ADDRESS = "Ada.Reader@example.org"


async def apply(world, effects):
    async with world.kernel.transaction() as command:
        await command.apply(effects)


async def test_who_registers_is_told_of_without_an_address(world):
    user, events = uuid4(), UserEvents(world.kernel)
    address = UserAddress(user_id=user, address=ADDRESS, language="de")
    async with events.storing(address) as details:
        await apply(world, events.registered(user, details))
    [told] = await world.decided(UserRegistered)
    assert told.user_id == user
    assert told.stream == f"user/{user}"
    assert ADDRESS.encode() not in told.encode()
    assert ADDRESS not in repr(address)
    found = await read_details(world.storage, told.details, UserDetails)
    assert (found.address, found.language) == (ADDRESS, "de")


async def test_the_address_of_before_goes_later_and_all_go_with_the_user(world):
    user, events = uuid4(), UserEvents(world.kernel)
    address = UserAddress(user_id=user, address=ADDRESS, language="en")
    async with events.storing(address) as first:
        await apply(world, events.registered(user, first))
    async with events.storing(address) as second:
        await apply(world, events.address_changed(user, second, first.key))
    await do_jobs(world.assembly.parts)
    assert await world.storage.read(first.key), "somebody may be late"
    [changed] = await world.decided(UserAddressChanged)
    assert changed.details == second
    await apply(world, events.deleted(user, user))
    await do_jobs(world.assembly.parts)
    for key in (first.key, second.key):
        with pytest.raises(ObjectNotFound):
            await world.storage.read(key)
    [deleted] = await world.decided(UserDeleted)
    assert (deleted.user_id, deleted.deleted_by) == (user, user)


async def test_closing_and_opening_is_told(world):
    user, staff, events = uuid4(), uuid4(), UserEvents(world.kernel)
    await apply(world, events.disabled(user, staff))
    await apply(world, events.enabled(user, None))
    [disabled], [enabled] = await world.decided(UserDisabled), await world.decided(UserEnabled)
    assert (disabled.disabled_by, enabled.enabled_by) == (staff, None)

from datetime import UTC, datetime, timedelta
from itertools import permutations
from uuid import UUID, uuid4

from libs.common.contracts.accounts import (
    UserAddressChanged,
    UserDeleted,
    UserDisabled,
    UserEnabled,
    UserRegistered,
)
from libs.common.contracts.details import DETAILS, UserDetails
from services.notifier.recipients import Recipients
from services.notifier.tables import recipients

THEN = datetime(2026, 11, 27, tzinfo=UTC)
ADA = UUID(int=7)


async def stored(world, address, user=ADA):
    details = UserDetails(address=address, language="en")
    return await world.storage.write(f"users/{user}/{uuid4().hex}.json", details.encode(), DETAILS)


async def take(world, *events):
    notifier = Recipients(world.storage)
    for event in events:
        match event:
            case UserDeleted():
                effects = await notifier.deleted(event)
            case UserDisabled() | UserEnabled():
                effects = await notifier.disabled(event)
            case _:
                effects = await notifier.addressed(event)
        await world.apply(effects)


async def known(world, user):
    rows = [row for row in await world.rows(recipients) if row.user_id == str(user)]
    return [(row.address, row.language, row.is_disabled) for row in rows]


async def of_a_life(world, user):
    first, second = [await stored(world, f"{name}@example.org", user) for name in ("a", "b")]
    return [
        UserRegistered(user_id=user, details=first, occurred_at=THEN),
        UserAddressChanged(user_id=user, details=second, occurred_at=THEN + timedelta(1)),
        UserDisabled(user_id=user, disabled_by=None, occurred_at=THEN + timedelta(2)),
        UserEnabled(user_id=user, enabled_by=None, occurred_at=THEN + timedelta(3)),
    ]


async def test_the_newest_address_counts_in_whatever_order_events_come(world):
    for order in permutations(range(4)):
        user = uuid4()
        life = await of_a_life(world, user)
        await take(world, *(life[number] for number in order))
        assert await known(world, user) == [("b@example.org", "en", False)]


async def test_who_was_deleted_is_forgotten_and_stays_so(world):
    life = await of_a_life(world, ADA)
    gone = UserDeleted(user_id=ADA, deleted_by=ADA, occurred_at=THEN + timedelta(4))
    await take(world, *life[:2], gone, *life)
    assert await known(world, ADA) == []


async def test_details_that_are_gone_or_of_somebody_else_say_nothing(world):
    gone, foreign = await stored(world, "a@example.org"), await stored(world, "b@x.org", uuid4())
    del world.storage.objects[gone.key]
    await take(
        world,
        UserRegistered(user_id=ADA, details=gone),
        UserAddressChanged(user_id=ADA, details=foreign),
    )
    assert await known(world, ADA) == []

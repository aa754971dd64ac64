from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from libs.common.contracts.cloudevents import rfc3339
from services.gateway.documents.shares.commands import ShareCommands
from services.gateway.sharing.tests.test_decide import (
    ADA,
    AFTER,
    BEA,
    BEFORE,
    NOW,
    OWNER,
    VIEW,
    share,
)
from services.gateway.sharing.tests.test_invitations import invite, user
from services.gateway.watching.audience import Audience, audience, audiences_of

BEFORE_TEXT, NOW_TEXT, AFTER_TEXT = map(rfc3339, (BEFORE, NOW, AFTER))


def seen_by(*users: UUID, **lost: str) -> Audience:
    names = {"owner": OWNER, "ada": ADA, "bea": BEA}
    return Audience(frozenset(users), {names[name]: until for name, until in lost.items()})


@pytest.mark.parametrize(
    ("deleted_at", "shares", "expected"),
    [
        (None, [], seen_by(OWNER)),
        (None, [share(ADA, VIEW), share(None, VIEW)], seen_by(OWNER, ADA)),
        (None, [share(None, VIEW, claimed_by=BEA)], seen_by(OWNER, BEA)),
        (None, [share(ADA, VIEW, ended_at=BEFORE_TEXT)], seen_by(OWNER, ada=BEFORE_TEXT)),
        (None, [share(ADA, VIEW, expires_at=BEFORE)], seen_by(OWNER, ada=BEFORE_TEXT)),
        (None, [share(ADA, VIEW, expires_at=NOW)], seen_by(OWNER, ada=NOW_TEXT)),
        (None, [share(ADA, VIEW, expires_at=AFTER)], seen_by(OWNER, ADA)),
        # by the clock of the process that ended it
        (None, [share(ADA, VIEW, ended_at=AFTER_TEXT)], seen_by(OWNER, ada=AFTER_TEXT)),
        (None, [share(ADA, VIEW), share(ADA, VIEW, ended_at=BEFORE_TEXT)], seen_by(OWNER, ADA)),
        (
            None,
            [share(ADA, VIEW, ended_at=NOW_TEXT), share(ADA, VIEW, ended_at=BEFORE_TEXT)],
            seen_by(OWNER, ada=NOW_TEXT),
        ),
        (NOW_TEXT, [], seen_by(owner=NOW_TEXT)),
        (
            NOW_TEXT,
            [share(ADA, VIEW), share(BEA, VIEW, ended_at=BEFORE_TEXT)],
            seen_by(owner=NOW_TEXT, ada=NOW_TEXT, bea=BEFORE_TEXT),
        ),
    ],
)
def test_who_sees_a_document_and_who_did(deleted_at, shares, expected):
    assert audience(OWNER, deleted_at, shares, NOW_TEXT) == expected


async def test_it_is_read_for_several_documents_at_once(either_world):
    world = either_world
    mine, shared, deleted = [await world.hand_in() for _ in range(3)]
    bea = await user(world, "bea@example.org")
    share_id = await invite(world, shared, "bea@example.org")
    await world.documents.delete(world.owner, deleted)
    now = datetime.now(UTC)

    async def found():
        async with world.database.reading() as connection:
            return await audiences_of(connection, [mine, shared, deleted, uuid4()], now)

    assert (await found()).keys() == {mine, shared, deleted}
    assert (await found())[mine] == Audience(frozenset({world.owner}))
    assert (await found())[shared] == Audience(frozenset({world.owner, bea}))
    assert (await found())[deleted].seen_by == frozenset()
    assert (await found())[deleted].lost_by[world.owner] > rfc3339(now - timedelta(minutes=5))
    await ShareCommands(world.kernel).revoke(world.owner, shared, share_id)
    assert (await found())[shared].seen_by == {world.owner}
    assert (await found())[shared].lost_by.keys() == {bea}

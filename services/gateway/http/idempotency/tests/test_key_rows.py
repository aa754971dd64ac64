"""One row for each key of a user, whoever asks for it and in whichever order."""

from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import update

from services.gateway.http.idempotency.key_rows import (
    KeptAnswer,
    UsedKey,
    begin,
    commit,
    find_key,
    keep,
    let_go,
    renew,
)
from services.gateway.http.idempotency.tables import idempotency_keys

ANSWER = KeptAnswer(status=201, headers="{}", body=b"made", document_id=None)


@pytest.fixture
def used(world):
    return UsedKey(user_id=world.owner, key="a key", token=uuid4())


def another(used):
    """The same key, sent to another process."""
    return replace(used, token=uuid4())


async def do(world, what, *given):
    async with world.database.transaction() as connection:
        return await what(connection, *given)


async def lease_is_over(world):
    async with world.database.transaction() as connection:
        await connection.execute(update(idempotency_keys).values(lease_until_ms=0))


async def test_one_begins_and_the_other_does_not(world, used):
    assert await do(world, find_key, used) is None
    assert await do(world, begin, used, "f")
    assert not await do(world, begin, another(used), "f")
    assert await do(world, begin, replace(used, key="another", token=uuid4()), "f")
    assert await do(world, begin, replace(used, user_id=uuid4(), token=uuid4()), "f")
    row = await do(world, find_key, used)
    assert (row.token, row.fingerprint, row.is_leased) == (used.token, "f", True)
    assert (row.is_over, row.is_abandoned) == (False, False)


async def test_what_is_abandoned_is_taken_over_and_cannot_be_committed_by_the_first(world, used):
    await do(world, begin, used, None)
    await lease_is_over(world)
    assert (await do(world, find_key, used)).is_abandoned
    later = another(used)
    assert await do(world, begin, later, "f")
    assert not await do(world, commit, used)
    await do(world, keep, used, "f", ANSWER)
    await do(world, let_go, used)
    assert (await do(world, find_key, used)).status is None
    assert await do(world, commit, later)


async def test_what_was_committed_is_not_taken_over(world, used):
    await do(world, begin, used, "f")
    assert await do(world, commit, used)
    await lease_is_over(world)
    assert not await do(world, begin, another(used), "f")
    row = await do(world, find_key, used)
    assert (row.is_over, row.status) == (True, None)


async def test_a_renewed_lease_is_one(world, used):
    await do(world, begin, used, "f")
    await lease_is_over(world)
    await do(world, renew, another(used))
    assert (await do(world, find_key, used)).is_abandoned
    await do(world, renew, used)
    assert (await do(world, find_key, used)).is_leased


async def test_an_answer_is_kept(world, used):
    await do(world, begin, used, None)
    await do(world, keep, used, "f", replace(ANSWER, document_id=uuid4()))
    row = await do(world, find_key, used)
    assert (row.status, row.body, row.fingerprint) == (201, b"made", "f")
    assert row.is_over
    assert row.committed_at is not None


async def test_what_came_to_nothing_was_never_there(world, used):
    await do(world, begin, used, "f")
    await do(world, let_go, another(used))
    assert await do(world, find_key, used) is not None
    await do(world, let_go, used)
    assert await do(world, find_key, used) is None

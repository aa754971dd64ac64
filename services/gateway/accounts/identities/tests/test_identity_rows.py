from uuid import uuid4

import pytest
from sqlalchemy.exc import IntegrityError

from services.gateway.accounts.identities.identity_rows import (
    identities_of,
    identity_of,
    link_identity,
    note_use,
    unlink_identity,
)
from services.gateway.accounts.identities.proven_identity import ProvenIdentity

pytestmark = pytest.mark.slow


def proven(subject="7", issuer="https://site.example"):
    return ProvenIdentity(issuer=issuer, subject=subject, address=None)


async def test_an_identity_is_one_users_by_issuer_and_subject(people):
    ada, bea = uuid4(), uuid4()
    async with people.world.database.transaction() as connection:
        await link_identity(connection, proven(), ada)
        await link_identity(connection, proven(issuer="https://other.example"), bea)
        await link_identity(connection, proven("A"), bea)
        await link_identity(connection, proven("a"), ada)
        found = await identity_of(connection, proven())
        assert found is not None
        assert (found.user_id, found.subject) == (ada, "7")
        assert await identity_of(connection, proven("8")) is None
        await note_use(connection, proven())
        mine = await identities_of(connection, ada)
        assert [one.subject for one in mine] == ["7", "a"]
        assert mine[0].last_used_at > mine[0].created_at
        assert mine[1].last_used_at == mine[1].created_at
        await unlink_identity(connection, found.identity_id)
        assert await identity_of(connection, proven()) is None
        assert len(await identities_of(connection, bea)) == 2


async def test_no_two_users_have_one(people):
    async with people.world.database.transaction() as connection:
        await link_identity(connection, proven(), uuid4())
    with pytest.raises(IntegrityError):
        async with people.world.database.transaction() as connection:
            await link_identity(connection, proven(), uuid4())

import asyncio
from uuid import UUID

from libs.common.database.engine import Database
from services.synth.synthesis.cache.owner_salts import SALT_BYTES, OwnerSalts

ANN, BOB = UUID(int=1), UUID(int=2)


async def test_every_owner_has_a_salt_that_stays(database):
    salts = OwnerSalts(database, shared=False)
    first = await salts.salt_of(ANN)
    assert len(first) == SALT_BYTES
    assert first == await salts.salt_of(ANN)
    assert first != await salts.salt_of(BOB)


async def test_replicas_that_ask_at_once_get_the_same(database):
    replicas = [Database(database.url.render_as_string(hide_password=False)) for _ in range(4)]
    found = await asyncio.gather(
        *(OwnerSalts(replica, shared=False).salt_of(ANN) for replica in replicas)
    )
    assert len(set(found)) == 1
    for replica in replicas:
        await replica.close()


async def test_owners_share_a_salt_where_the_installation_says_so(database):
    shared = OwnerSalts(database, shared=True)
    assert await shared.salt_of(ANN) == await shared.salt_of(BOB)
    assert await shared.salt_of(ANN) != await OwnerSalts(database, shared=False).salt_of(ANN)

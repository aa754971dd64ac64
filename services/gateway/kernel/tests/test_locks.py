import asyncio
from uuid import uuid4

from libs.common.database.engine import Database
from services.gateway.kernel.locks import lock_owner


async def test_one_transaction_at_a_time_for_one_owner(postgres_database):
    database = Database(postgres_database)
    order = []

    async def decide(owner, name):
        async with database.transaction() as connection:
            await lock_owner(connection, owner)
            order.append(f"{name} begins")
            await asyncio.sleep(0.05)
            order.append(f"{name} ends")

    owner = uuid4()
    await asyncio.gather(decide(owner, "one"), decide(owner, "two"))
    assert order[0].split()[0] == order[1].split()[0]
    order.clear()
    await asyncio.gather(decide(uuid4(), "one"), decide(uuid4(), "two"))
    assert {order[0], order[1]} == {"one begins", "two begins"}
    await database.close()


async def test_sqlite_has_one_writer_anyway(tmp_path):
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/x.db")
    async with database.transaction() as connection:
        await lock_owner(connection, uuid4())
    await database.close()

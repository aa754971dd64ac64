import asyncio

import pytest
from sqlalchemy import select

from libs.common.database.engine import Database
from libs.common.errors import Unavailable
from services.notifier.installation_secret import SECRET_BYTES, InstallationSecret
from services.notifier.tables import installation_secret


async def test_it_is_made_once_and_kept(world):
    made = await InstallationSecret(world.database).identities()
    again = await InstallationSecret(world.database).identities()
    [row] = await world.database.fetch(select(installation_secret))
    assert made == again
    assert (row.number, row.secret, len(made.secret)) == (1, made.secret, SECRET_BYTES)


async def test_every_installation_has_its_own(world, tmp_path):
    other = Database(f"sqlite+aiosqlite:///{tmp_path}/other.db")
    async with other.transaction() as connection:
        await connection.run_sync(installation_secret.create)
    here = await InstallationSecret(world.database).identities()
    assert here != await InstallationSecret(other).identities()
    await other.close()


async def test_a_process_reads_it_once(world):
    secret = InstallationSecret(world.database)
    identities = await secret.identities()
    async with world.database.transaction() as connection:
        await connection.execute(installation_secret.delete())
    assert await secret.identities() is identities


async def agree(database: Database) -> bool:
    replicas = [InstallationSecret(database) for _ in range(5)]
    found = await asyncio.gather(*(replica.identities() for replica in replicas))
    return len({identities.secret for identities in found}) == 1


async def test_replicas_that_start_at_once_agree(world):
    assert await agree(world.database)


async def test_replicas_that_start_at_once_agree_on_postgresql(postgres_world):
    assert await agree(postgres_world.database)


async def test_without_a_database_there_is_none():
    nowhere = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none")
    with pytest.raises(Unavailable):
        await InstallationSecret(nowhere).identities()
    await nowhere.close()

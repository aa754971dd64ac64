import asyncio

from services.gateway.preferences.commands import PreferenceCommands
from services.gateway.tests.everything import account


async def test_changes_of_two_at_once_are_both_there(world):
    commands = PreferenceCommands(world.kernel)
    await account(world, world.owner, "ada@example.org")
    await asyncio.gather(
        commands.change(world.owner, {"rate": 1.5}),
        commands.change(world.owner, {"voice": "joan"}),
        commands.change(world.owner, {"language": "de"}),
    )
    known = await commands.read(world.owner)
    assert (known.rate, known.voice, known.engine, known.language) == (1.5, "joan", "other", "de")

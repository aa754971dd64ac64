from dataclasses import replace

import pytest

from libs.common.events import VoicesAnnounced
from libs.common.history import History
from services.synth.announcing import announce
from services.synth.orchestra import Orchestra, Player
from services.synth.speech import EspeakConfig, OpenAIConfig, Voice
from services.synth.studio import EngineInfo

ADA = Voice("espeak", "ada", "Ada", "en-GB", "female")
BOB = Voice("espeak", "bob", "Bob", "de")


@pytest.fixture
def orchestra(pool, storage):
    """Two engines that need not be asked."""
    orchestra = Orchestra({}, {}, storage)
    for config, voices in ((EspeakConfig(), (ADA, BOB)), (OpenAIConfig(), (ADA,))):
        name = type(config).__name__.removesuffix("Config").lower()
        info = EngineInfo(name, f"{name}/1", 2000, voices, "ada", {"en": "ada"})
        orchestra.players[name] = Player(config, pool, info)
    return orchestra


@pytest.fixture
def announced(database):
    async def announced(engine="espeak"):
        return await History(database).of(f"engine/{engine}", VoicesAnnounced)

    return announced


def change(orchestra, **changes):
    player = orchestra.players["espeak"]
    orchestra.players["espeak"] = replace(player, info=replace(player.info, **changes))


async def test_every_engine_is_announced_and_the_first_is_the_default(
    database, orchestra, announced
):
    await announce(database, orchestra)
    [espeak], [openai] = await announced(), await announced("openai")
    assert [(each.id, each.name, each.language, each.gender) for each in espeak.voices] == [
        ("ada", "Ada", "en-GB", "female"),
        ("bob", "Bob", "de", None),
    ]
    assert (espeak.default_voice, espeak.default, openai.default) == ("ada", True, False)


async def test_nothing_new_is_not_announced(database, orchestra, announced):
    for _ in range(3):
        await announce(database, orchestra)
    change(orchestra, fingerprint="espeak/2")
    await announce(database, orchestra)
    assert len(await announced()) == len(await announced("openai")) == 1


async def test_who_becomes_the_default_again_says_so(database, orchestra, announced):
    both = dict(orchestra.players)
    for names in (["espeak"], ["openai"], ["espeak"], ["espeak"]):
        orchestra.players = {name: both[name] for name in names}
        await announce(database, orchestra)
    assert [each.default for each in await announced()] == [True, True]
    assert [each.default for each in await announced("openai")] == [True]


async def test_only_the_engine_that_changed_is_announced(database, orchestra, announced):
    await announce(database, orchestra)
    change(orchestra, voices=(ADA,))
    await announce(database, orchestra)
    assert [len(each.voices) for each in await announced()] == [2, 1]
    assert len(await announced("openai")) == 1


async def test_a_change_back_is_a_change(database, orchestra, announced):
    for default_voice in ("ada", "bob", "ada"):
        change(orchestra, default_voice=default_voice)
        await announce(database, orchestra)
    assert [each.default_voice for each in await announced()] == ["ada", "bob", "ada"]


async def test_another_first_engine_is_another_default(database, orchestra, announced):
    await announce(database, orchestra)
    orchestra.players = dict(reversed(orchestra.players.items()))
    await announce(database, orchestra)
    assert [each.default for each in await announced()] == [True, False]
    assert [each.default for each in await announced("openai")] == [False, True]


async def test_without_engines_there_is_nothing_to_say(database, storage, announced):
    await announce(database, Orchestra({}, {}, storage))
    assert await announced() == []

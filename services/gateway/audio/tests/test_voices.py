from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from libs.common.contracts.audio import VoiceInfo, VoicesAnnounced
from libs.common.errors import Rejected, Unavailable
from services.gateway.audio.selects import engines
from services.gateway.audio.voices import choose_voice
from services.gateway.tests.world import VOICES

POLLY = VoicesAnnounced(
    engine="polly",
    voices=(
        VoiceInfo(id="Joanna", name="Joanna", language="en-US", gender=None),
        VoiceInfo(id="Hans", name="Hans", language="de-DE", gender=None),
    ),
    default_voice="Joanna",
    is_default_engine=False,
)


@pytest.fixture
async def choose(world):
    """Choose for a language."""
    await world.take(POLLY)

    async def choose(language="en", engine=None, voice=None):
        async with world.database.reading() as connection:
            return choose_voice(await engines(connection), language, engine, voice)

    return choose


async def test_nobody_chose(choose):
    assert await choose("en") == ("espeak", "en")
    assert await choose("de") == ("espeak", "de")
    assert await choose("de-AT") == ("espeak", "de")


async def test_a_language_that_nobody_speaks_gets_the_default(choose):
    assert await choose("xh") == ("espeak", "en")
    assert await choose("und") == ("espeak", "en")


async def test_an_engine_was_chosen(choose):
    assert await choose("de", engine="polly") == ("polly", "Hans")
    with pytest.raises(Rejected, match="there are: espeak, polly"):
        await choose(engine="x")


async def test_a_voice_was_chosen(choose):
    assert await choose(voice="Hans") == ("polly", "Hans")
    assert await choose(engine="espeak", voice="de") == ("espeak", "de")
    with pytest.raises(Rejected, match="no voice"):
        await choose(engine="espeak", voice="Hans")
    with pytest.raises(Rejected, match="no voice"):
        await choose(voice="nobody")


async def test_the_default_is_who_last_said_so(world, choose):
    for seconds, said, chosen in (
        (1, POLLY, ("polly", "Joanna")),
        (2, VOICES, ("espeak", "en")),
    ):
        moment = datetime.now(UTC) + timedelta(seconds=seconds)
        news = {"is_default_engine": True, "event_id": uuid4(), "occurred_at": moment}
        await world.take(said.model_copy(update=news))
        assert await choose() == chosen
        listed = await world.audio_queries.engines()
        assert [engine.engine for engine in listed if engine.default] == [chosen[0]]
        assert (listed[0].engine, len(listed)) == (chosen[0], 2)


def test_before_any_engine_is_there():
    with pytest.raises(Unavailable):
        choose_voice([], "en", None, None)

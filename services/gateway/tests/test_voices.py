from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from libs.common.errors import Rejected, Unavailable
from libs.common.events import DocumentParsed, VoiceInfo, VoicesAnnounced
from libs.common.permissions import Capability
from services.gateway.access import document_for
from services.gateway.tests.world import VOICES, a_world
from services.gateway.voices import choose_voice

POLLY = VoicesAnnounced(
    engine="polly",
    voices=(
        VoiceInfo(id="Joanna", name="Joanna", language="en-US"),
        VoiceInfo(id="Hans", name="Hans", language="de-DE"),
    ),
    default_voice="Joanna",
)


@pytest.fixture
async def choose(world):
    """Choose for a document in a language."""
    await world.take(POLLY)
    document = await world.hand_in()

    async def choose(language="en", engine=None, voice=None):
        await world.take(
            DocumentParsed(
                document_id=document, pages=1, characters=1, title="T", language=language
            )
        )
        async with world.database.reading() as connection:
            row = await document_for(connection, world.owner, document, Capability.SEE_DOCUMENT)
            return await choose_voice(connection, row, engine, voice)

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
        news = {"default": True, "event_id": uuid4(), "occurred_at": moment}
        await world.take(said.model_copy(update=news))
        assert await choose() == chosen
        listed = await world.assembly.queries.voices()
        assert [each.engine for each in listed if each.default] == [chosen[0]]
        assert (listed[0].engine, len(listed)) == (chosen[0], 2)


async def test_before_any_engine_is_there(tmp_path):
    async with a_world(tmp_path) as world:
        document = await world.hand_in()
        async with world.database.reading() as connection:
            row = await document_for(connection, world.owner, document, Capability.SEE_DOCUMENT)
            with pytest.raises(Unavailable):
                await choose_voice(connection, row, None, None)

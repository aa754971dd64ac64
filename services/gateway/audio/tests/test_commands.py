from uuid import uuid4

import pytest

from libs.common.contracts.audio import AudioDeleted, AudioRequested
from services.gateway.kernel.errors import NotFound, QuotaExceeded
from services.gateway.narrations.options import NarrationOptions
from services.gateway.tests.world import VOICES, a_world


@pytest.mark.slow
async def test_deleting_an_audio_frees_its_voice(tmp_path):
    async with a_world(tmp_path, max_audios_per_page=1) as world:
        await world.take(VOICES)
        document = await world.hand_in()
        await world.read(document, 1)
        narrate = world.narrations.narrate
        await narrate(world.owner, document, NarrationOptions(voice="en"))
        await world.speak_everything()
        with pytest.raises(QuotaExceeded):
            await narrate(world.owner, document, NarrationOptions(voice="de"))
        (asked,) = await world.decided(AudioRequested)
        await world.audio.delete(world.owner, asked.audio_id)
        assert [event.audio_id for event in await world.decided(AudioDeleted)] == [asked.audio_id]
        await narrate(world.owner, document, NarrationOptions(voice="de"))
        assert len(await world.decided(AudioRequested)) == 2


async def test_strangers_find_nothing(world):
    document = await world.hand_in()
    await world.read(document, 1)
    await world.narrations.narrate(world.owner, document, NarrationOptions())
    (asked,) = await world.decided(AudioRequested)
    with pytest.raises(NotFound):
        await world.audio.delete(uuid4(), asked.audio_id)

import pytest

from libs.common.contracts.audio import AudioDeleted, AudioRequested
from services.gateway.audio.renditions import one_per_sound
from services.gateway.narrations.options import NarrationOptions
from services.gateway.narrations.tests.test_decide import audio


def test_audios_of_one_page_and_sound_are_one():
    m4a, mp3 = audio(formats=("m4a",), number=1), audio(formats=("mp3",), number=2)
    (one,) = one_per_sound([m4a, mp3])
    assert (one.audio_id, one.formats, one.is_ready) == (m4a.audio_id, ("m4a", "mp3"), True)
    others = [audio(rate=2.0), audio(revision=1), audio(page=2)]
    assert one_per_sound([m4a, *others]) == [m4a, *others]


def test_what_can_be_heard_is_shown_rather_than_what_failed():
    failed = audio(ready_at=None, failed_at="t", formats=("opus",), number=1)
    made = audio(ready_at=None, formats=("mp3",), number=2)
    (one,) = one_per_sound([failed, made])
    assert (one.has_failed, one.formats, one.audio_id) == (False, ("mp3",), failed.audio_id)


@pytest.mark.slow
async def test_formats_that_were_ordered_one_after_the_other_are_one_audio(world, client):
    document = await world.hand_in()
    await world.read(document, 1)
    for page_format in ("m4a", "mp3"):
        await world.narrations.narrate(world.owner, document, NarrationOptions(format=page_format))
        await world.speak_everything()
    first, second = await world.decided(AudioRequested)
    (listed,) = (await client.get(f"/documents/{document}/pages/1")).json()["audios"]
    assert listed["formats"] == ["m4a", "mp3"]
    assert [rendition["format"] for rendition in listed["renditions"]] == ["m4a", "mp3"]
    for audio_id in (first.audio_id, second.audio_id):
        assert (await client.get(f"/audios/{audio_id}")).json() == listed
        heard = await client.get(f"/audios/{audio_id}/stream", params={"format": "mp3"})
        assert heard.status_code == 200
    assert (await client.delete(f"/audios/{listed['audio_id']}")).status_code == 204
    deleted = {event.audio_id for event in await world.decided(AudioDeleted)}
    assert deleted == {first.audio_id, second.audio_id}

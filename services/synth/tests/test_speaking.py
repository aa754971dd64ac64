import asyncio
import json
from dataclasses import replace

import pytest

from libs.common.errors import ObjectCorrupt, Permanent, Rejected
from libs.common.events import AudioFailed, AudioProgressed
from services.synth.audio import segment_file
from services.synth.engines.tests import servers
from services.synth.handlers import SpeakJob
from services.synth.orchestra import Orchestra
from services.synth.segment_cache import SegmentCache
from services.synth.speaking import Speaker, speak_gave_up
from services.synth.speech import EspeakConfig, OpenAIConfig, TextTooLong
from services.synth.takes import Taker
from services.synth.tests.scripts import Counts, Running, requested

TEXTS = ("Hello there.", "How are you?", "Well.")


@pytest.fixture
def tally():
    return Counts()


def speaking_of(orchestra, storage, pool, tally):
    taker = Taker(orchestra, SegmentCache(storage), pool, tally)
    return Speaker(storage, orchestra, taker, pool, tally)


@pytest.fixture
async def speaker(pool, storage, tally):
    orchestra = Orchestra({"espeak": EspeakConfig()}, {"espeak": pool}, storage)
    await orchestra.tune()
    return speaking_of(orchestra, storage, pool, tally)


async def spoken(speaker, asked):
    [ready] = await speaker.speak(Running().job(asked))
    return ready


async def test_a_page_is_spoken(speaker, storage, tally):
    asked = await requested(storage, *TEXTS, formats=("m4a", "opus"), title="Chapter 1")
    ready = await spoken(speaker, asked)
    prefix = f"audio/{asked.document_id}/{asked.audio_id}"
    assert [(each.format, each.object.key) for each in ready.renditions] == [
        ("m4a", f"{prefix}/page.m4a"),
        ("opus", f"{prefix}/page.opus"),
    ]
    assert storage.objects[f"{prefix}/page.m4a"][4:8] == b"ftyp"
    assert storage.objects[f"{prefix}/page.opus"].startswith(b"OggS")
    assert [each.object.media_type for each in ready.renditions] == ["audio/mp4", "audio/ogg"]
    assert (ready.audio_id, ready.page, ready.voice) == (asked.audio_id, 1, "en-us")
    assert ready.characters_spoken == ready.characters_asked == sum(map(len, TEXTS))
    assert ready.segments_cached == 0
    assert sorted(tally.said) == sorted(map(len, TEXTS))
    assert tally.seconds == [ready.duration_ms / 1000]


async def test_timings_and_captions_belong_to_the_audio(speaker, storage):
    ready = await spoken(speaker, await requested(storage, *TEXTS))
    timings = json.loads(storage.objects[ready.timings.key])
    assert timings["duration_ms"] == ready.duration_ms
    assert [each["source_start"] for each in timings["sentences"]] == [0, 13, 26]
    assert len(timings["words"]) == 6
    captions = storage.objects[ready.captions.key].decode()
    assert all(text in captions for text in TEXTS)


async def test_what_was_spoken_once_is_not_spoken_again(speaker, storage, tally):
    first = await spoken(speaker, await requested(storage, *TEXTS))
    second = await spoken(speaker, await requested(storage, *TEXTS))
    assert len(tally.said) == 3
    assert (tally.from_cache, second.segments_cached) == (3, 3)
    assert second.renditions[0].object.sha256 == first.renditions[0].object.sha256


async def test_the_same_sentence_twice_on_a_page_is_spoken_once(speaker, storage, tally):
    ready = await spoken(speaker, await requested(storage, "Again.", "Again.", "Again."))
    assert (len(tally.said), ready.segments_cached) == (1, 2)


async def test_pages_at_once_share_what_they_have_in_common(speaker, storage, tally):
    pages = [await requested(storage, *TEXTS) for _ in range(3)]
    ready = await asyncio.gather(*(spoken(speaker, each) for each in pages))
    assert len(tally.said) == 3
    assert sum(each.segments_cached for each in ready) == 6


async def test_a_damaged_segment_is_made_anew(speaker, storage, tally):
    await spoken(speaker, await requested(storage, *TEXTS))
    key = next(key for key in storage.objects if key.startswith("segments/"))
    intact = storage.objects[key]
    storage.objects[key] = intact[:-1] + bytes([intact[-1] ^ 1])
    second = await spoken(speaker, await requested(storage, *TEXTS))
    assert (len(tally.said), second.segments_cached) == (4, 2)
    segment_file.check(storage.objects[key])
    third = await spoken(speaker, await requested(storage, *TEXTS))
    assert third.segments_cached == 3


async def test_another_format_needs_only_what_it_lacks(speaker, storage, tally):
    await spoken(speaker, await requested(storage, "Hello."))
    both = await spoken(speaker, await requested(storage, "Hello.", formats=("m4a", "mp3")))
    assert (len(tally.said), both.segments_cached) == (2, 0)
    assert await spoken(speaker, await requested(storage, "Hello.", formats=("mp3",)))
    assert len(tally.said) == 2


async def test_speech_that_is_paid_for_is_kept_for_other_formats(pool, storage, tally):
    with servers.serving(servers.openai) as server:
        config = OpenAIConfig(base_url=f"{server.url}/v1", voices=("alloy",))
        orchestra = Orchestra({"openai": config}, {"openai": pool}, storage)
        await orchestra.tune()
        speaker = speaking_of(orchestra, storage, pool, tally)
        how = {"engine": "openai", "voice": "alloy"}
        await spoken(speaker, await requested(storage, *TEXTS, **how))
        calls = len(server.requests)
        ready = await spoken(speaker, await requested(storage, *TEXTS, **how, formats=("mp3",)))
        assert len(server.requests) == calls
    assert (len(tally.said), ready.segments_cached) == (3, 3)


async def test_an_utterance_that_fails_fails_the_page_with_its_own_error(speaker, storage):
    asked = await requested(storage, "Hello.", "a" * 2001, "Bye.")
    with pytest.raises(TextTooLong) as caught:
        await speaker.speak(Running().job(asked))
    assert caught.value.code == "text_too_long"
    assert not any(key.startswith("audio/") for key in storage.objects)


async def test_what_was_spoken_before_the_failure_is_kept(speaker, storage, tally):
    await spoken(speaker, await requested(storage, "Hello."))
    with pytest.raises(TextTooLong):
        await speaker.speak(Running().job(await requested(storage, "Hello.", "a" * 2001)))
    assert tally.from_cache == 1


async def test_a_page_with_other_text_than_was_asked_for_is_refused(speaker, storage):
    asked = await requested(storage, "Hello.", characters=7)
    with pytest.raises(Permanent, match="characters") as caught:
        await speaker.speak(Running().job(asked))
    assert not isinstance(caught.value, Rejected)
    assert not any(key.startswith("audio/") for key in storage.objects)


async def test_a_page_that_is_not_what_was_asked_for_is_refused(speaker, storage):
    asked = await requested(storage, "Hello.")
    storage.objects[asked.segments.key] += b" "
    with pytest.raises(ObjectCorrupt):
        await speaker.speak(Running().job(asked))


async def test_an_engine_that_is_not_here_is_refused(speaker, storage):
    with pytest.raises(Rejected, match="not installed"):
        await speaker.speak(Running().job(await requested(storage, "Hello.", engine="polly")))


async def test_a_page_without_words_is_silence(speaker, storage, tally):
    ready = await spoken(speaker, await requested(storage))
    assert ready.duration_ms > 0
    assert (ready.characters_spoken, ready.loudness_lufs, tally.said) == (0, None, [])


async def test_the_voice_follows_the_language_if_that_is_wanted(speaker, storage):
    german = await requested(storage, "Guten Tag.", language="de")
    first = await spoken(speaker, german)
    assert first.voice == "en-us"  # as asked for, whoever read the sentence
    native = await spoken(
        speaker, await requested(storage, "Guten Tag.", language="de", voice="de")
    )
    assert native.segments_cached == 1
    foreign = await spoken(replace(speaker, follow_language=False), german)
    assert foreign.segments_cached == 0


async def test_progress_is_told_on_the_way_but_never_of_the_end(speaker, storage):
    texts = [f"This is sentence number {number}, and no other." for number in range(60)]
    asked = await requested(storage, *texts)
    running = Running()
    await replace(speaker, progress_every_s=0.0).speak(running.job(asked))
    first = running.recorded[0]
    assert isinstance(first, AudioProgressed)
    assert (first.document_id, first.audio_id) == (asked.document_id, asked.audio_id)
    told = [each.done for each in running.recorded]
    assert told == sorted(set(told))
    assert 0 < told[0] < told[-1] < 60
    assert {each.total for each in running.recorded} == {60}


async def test_a_page_that_is_done_soon_has_no_progress(speaker, storage):
    running = Running()
    await replace(speaker, progress_every_s=60.0).speak(
        running.job(await requested(storage, *TEXTS))
    )
    assert running.recorded == []


async def test_a_page_given_up_says_why(storage):
    asked = await requested(storage, "Hello.")
    [failed] = speak_gave_up(SpeakJob(request=asked), Rejected("unknown_voice", "Choose another."))
    assert isinstance(failed, AudioFailed)
    assert (failed.audio_id, failed.page) == (asked.audio_id, 1)
    assert (failed.code, failed.reason) == ("unknown_voice", "Choose another.")

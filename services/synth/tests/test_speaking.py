import asyncio
import json
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from libs.common.contracts.audio import AudioProgressed
from libs.common.errors import ObjectCorrupt, Permanent, Rejected
from services.synth.engines.espeak.config import EspeakConfig
from services.synth.engines.openai.config import OpenAIConfig
from services.synth.engines.port import TextTooLong
from services.synth.engines.tests import servers
from services.synth.speaking import Speaker
from services.synth.synthesis.cache.owner_salts import OwnerSalts
from services.synth.synthesis.registry import EngineRegistry
from services.synth.synthesis.segments import SegmentSynthesizer
from services.synth.tests.scripts import OWNER, READER, CountedMetrics, Running, requested

TEXTS = ("Hello there.", "How are you?", "Well.")


@pytest.fixture
def metrics():
    return CountedMetrics()


def speaker_of(registry, cache, pool, metrics, *, shared=False):
    synthesizer = SegmentSynthesizer(
        registry=registry, cache=cache, pool=pool, synthesis_metrics=metrics
    )
    return Speaker(
        storage=cache.storage,
        registry=registry,
        salts=OwnerSalts(cache.database, shared=shared),
        synthesizer=synthesizer,
        pool=pool,
        synthesis_metrics=metrics,
    )


@pytest.fixture
async def registry(pool, storage):
    """espeak, whose segments are kept too."""
    registry = EngineRegistry(
        {"espeak": EspeakConfig()}, {"espeak": pool}, storage, keep_all_segments=True
    )
    await registry.load()
    return registry


@pytest.fixture
def speaker(registry, cache, pool, metrics):
    return speaker_of(registry, cache, pool, metrics)


async def spoken(speaker, asked):
    [ready] = await speaker.speak(Running().job(asked))
    return ready


@pytest.mark.slow
async def test_a_page_is_spoken(speaker, storage, metrics):
    asked = await requested(storage, *TEXTS, formats=("m4a", "opus"), title="Chapter 1")
    ready = await spoken(speaker, asked)
    prefix = f"audio/{asked.document_id}/{asked.audio_id}"
    assert [(rendition.format, rendition.object.key) for rendition in ready.renditions] == [
        ("m4a", f"{prefix}/page.m4a"),
        ("opus", f"{prefix}/page.opus"),
    ]
    assert storage.objects[f"{prefix}/page.m4a"][4:8] == b"ftyp"
    assert storage.objects[f"{prefix}/page.opus"].startswith(b"OggS")
    assert [rendition.object.media_type for rendition in ready.renditions] == [
        "audio/mp4",
        "audio/ogg; codecs=opus",
    ]
    assert (ready.audio_id, ready.page, ready.voice) == (asked.audio_id, 1, "en-us")
    assert (ready.owner_id, ready.requested_by) == (OWNER, READER)
    assert ready.characters_spoken == ready.characters_asked == sum(map(len, TEXTS))
    assert (ready.segments_cached, ready.characters_cached) == (0, 0)
    assert sorted(metrics.spoken) == sorted(map(len, TEXTS))
    assert metrics.seconds == [ready.duration_ms / 1000]


@pytest.mark.parametrize(("title", "tag"), [("Käpt’n Ahab", "Käpt’n Ahab"), (None, "Page 7")])
async def test_a_page_is_called_as_its_details_say(speaker, storage, title, tag):
    asked = await requested(storage, "Hello.", page=7, title=title)
    running = Running()
    [ready] = await replace(speaker, progress_every_s=0.0).speak(running.job(asked))
    assert tag.encode() in storage.objects[ready.renditions[0].object.key]
    for event in (asked, ready, *running.recorded):
        assert b"Ahab" not in event.encode()


async def test_timings_and_captions_belong_to_the_audio(speaker, storage):
    ready = await spoken(speaker, await requested(storage, *TEXTS))
    timings = json.loads(storage.objects[ready.timings.key])
    assert timings["duration_ms"] == ready.duration_ms
    assert [heard["source_start"] for heard in timings["utterances"]] == [0, 13, 26]
    assert len(timings["words"]) == 6
    captions = storage.objects[ready.captions.key].decode()
    assert all(text in captions for text in TEXTS)


async def test_what_was_spoken_once_is_not_spoken_again(speaker, storage, metrics):
    asked = await requested(storage, *TEXTS)
    first = await spoken(speaker, asked)
    second = await spoken(speaker, asked.model_copy(update={"audio_id": uuid4()}))
    assert len(metrics.spoken) == 3
    assert (metrics.cached, second.segments_cached) == (3, 3)
    assert second.renditions[0].object.sha256 == first.renditions[0].object.sha256


async def test_files_of_pages_that_say_the_same_have_different_digests(speaker, storage):
    """Else whoever has the events could speak a guess and see whether it fits."""
    one, other = [
        await spoken(speaker, await requested(storage, *TEXTS, formats=("m4a", "mp3", "opus")))
        for _ in range(2)
    ]
    digests = {
        ref.sha256
        for ready in (one, other)
        for ref in (*(made.object for made in ready.renditions), ready.timings, ready.captions)
    }
    assert len(digests) == 2 * 5


async def test_the_same_sentence_twice_on_a_page_is_spoken_once(speaker, storage, metrics):
    ready = await spoken(speaker, await requested(storage, "Again.", "Again.", "Again."))
    assert (len(metrics.spoken), ready.segments_cached) == (1, 2)


async def test_pages_at_once_share_what_they_have_in_common(speaker, storage, metrics):
    pages = [await requested(storage, *TEXTS) for _ in range(3)]
    ready = await asyncio.gather(*(spoken(speaker, page) for page in pages))
    assert len(metrics.spoken) == 3
    assert sum(page.segments_cached for page in ready) == 6


@pytest.mark.slow
async def test_a_damaged_segment_is_made_anew(speaker, storage, metrics):
    await spoken(speaker, await requested(storage, *TEXTS))
    key = next(key for key in storage.objects if key.endswith(".pack"))
    intact = storage.objects[key]
    storage.objects[key] = intact[:-1] + bytes([intact[-1] ^ 1])
    second = await spoken(speaker, await requested(storage, *TEXTS))
    assert (len(metrics.spoken), second.segments_cached) == (4, 2)
    third = await spoken(speaker, await requested(storage, *TEXTS))
    assert (third.segments_cached, third.characters_cached) == (3, third.characters_spoken)


async def test_owners_share_nothing_unless_the_installation_says_so(
    speaker, registry, cache, pool, storage, metrics
):
    await spoken(speaker, await requested(storage, "Hello."))
    stranger = UUID(int=2)
    again = await spoken(speaker, await requested(storage, "Hello.", owner_id=stranger))
    assert (len(metrics.spoken), again.segments_cached) == (2, 0)
    sharing = speaker_of(registry, cache, pool, metrics, shared=True)
    await spoken(sharing, await requested(storage, "Hello."))
    third = await spoken(sharing, await requested(storage, "Hello.", owner_id=stranger))
    assert (len(metrics.spoken), third.segments_cached) == (3, 1)


async def test_owners_at_once_do_not_wait_for_one_another(speaker, storage, metrics):
    pages = [await requested(storage, "Hello.", owner_id=UUID(int=number)) for number in range(3)]
    ready = await asyncio.gather(*(spoken(speaker, page) for page in pages))
    assert len(metrics.spoken) == 3
    assert [page.segments_cached for page in ready] == [0, 0, 0]


async def test_another_format_needs_only_what_it_lacks(speaker, storage, metrics):
    await spoken(speaker, await requested(storage, "Hello."))
    both = await spoken(speaker, await requested(storage, "Hello.", formats=("m4a", "mp3")))
    assert (len(metrics.spoken), both.segments_cached) == (2, 0)
    assert await spoken(speaker, await requested(storage, "Hello.", formats=("mp3",)))
    assert len(metrics.spoken) == 2


@pytest.mark.slow
async def test_speech_that_is_paid_for_is_kept_for_other_formats(pool, cache, storage, metrics):
    with servers.serving(servers.openai) as server:
        config = OpenAIConfig(base_url=f"{server.url}/v1", model="tts", voices=("alloy",))
        registry = EngineRegistry({"openai": config}, {"openai": pool}, storage)
        await registry.load()
        speaker = speaker_of(registry, cache, pool, metrics)
        how = {"engine": "openai", "voice": "alloy"}
        await spoken(speaker, await requested(storage, *TEXTS, **how))
        calls = len(server.requests)
        ready = await spoken(speaker, await requested(storage, *TEXTS, **how, formats=("mp3",)))
        assert len(server.requests) == calls
    assert (len(metrics.spoken), ready.segments_cached) == (3, 3)


async def test_an_utterance_that_fails_fails_the_page_with_its_own_error(speaker, storage):
    asked = await requested(storage, "Hello.", "a" * 2001, "Bye.")
    with pytest.raises(TextTooLong) as caught:
        await speaker.speak(Running().job(asked))
    assert caught.value.code == "text_too_long"
    assert not any("/page." in key for key in storage.objects)


async def test_what_was_spoken_before_the_failure_is_kept(speaker, storage, metrics):
    await spoken(speaker, await requested(storage, "Hello."))
    with pytest.raises(TextTooLong):
        await speaker.speak(Running().job(await requested(storage, "Hello.", "a" * 2001)))
    assert metrics.cached == 1


async def test_a_page_with_other_text_than_was_asked_for_is_refused(speaker, storage):
    asked = await requested(storage, "Hello.", characters=7)
    with pytest.raises(Permanent, match="characters") as caught:
        await speaker.speak(Running().job(asked))
    assert not isinstance(caught.value, Rejected)
    assert not any("/page." in key for key in storage.objects)


async def test_a_page_that_is_not_what_was_asked_for_is_refused(speaker, storage):
    asked = await requested(storage, "Hello.")
    storage.objects[asked.segmented_page.key] += b" "
    with pytest.raises(ObjectCorrupt):
        await speaker.speak(Running().job(asked))


async def test_an_engine_that_is_not_here_is_refused(speaker, storage):
    with pytest.raises(Rejected, match="not installed"):
        await speaker.speak(Running().job(await requested(storage, "Hello.", engine="polly")))


async def test_a_page_without_words_is_silence(speaker, storage, metrics):
    ready = await spoken(speaker, await requested(storage))
    assert ready.duration_ms > 0
    assert (ready.characters_spoken, ready.loudness_lufs, metrics.spoken) == (0, None, [])


@pytest.mark.slow
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


@pytest.mark.slow
async def test_progress_is_told_on_the_way_but_never_of_the_end(speaker, storage):
    texts = [f"This is sentence number {number}, and no other." for number in range(60)]
    asked = await requested(storage, *texts)
    running = Running()
    await replace(speaker, progress_every_s=0.0).speak(running.job(asked))
    first = running.recorded[0]
    assert isinstance(first, AudioProgressed)
    assert (first.document_id, first.audio_id) == (asked.document_id, asked.audio_id)
    assert (first.owner_id, first.requested_by) == (OWNER, READER)
    told = [event.done for event in running.recorded]
    assert told == sorted(set(told))
    assert 0 < told[0] < told[-1] < 60
    assert {event.total for event in running.recorded} == {60}


@pytest.mark.slow
async def test_a_page_that_is_done_soon_has_no_progress(speaker, storage):
    running = Running()
    await replace(speaker, progress_every_s=60.0).speak(
        running.job(await requested(storage, *TEXTS))
    )
    assert running.recorded == []

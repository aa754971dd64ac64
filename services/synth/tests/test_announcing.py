from dataclasses import replace

import pytest

from libs.common.contracts.audio import MAX_NAME_CHARACTERS, MAX_VOICES, VoicesAnnounced
from libs.common.store.event_store import MAX_EVENT_BYTES
from libs.common.store.history import History
from services.synth.announcing import MAX_BYTES, announce
from services.synth.engines.espeak.config import EspeakConfig
from services.synth.engines.openai.config import OpenAIConfig
from services.synth.engines.port import Voice
from services.synth.synthesis.engine_worker import EngineInfo
from services.synth.synthesis.registry import EngineRegistry, RegisteredEngine

ADA = Voice(engine="espeak", id="ada", name="Ada", language="en-GB", gender="female")
BOB = Voice(engine="espeak", id="bob", name="Bob", language="de")


@pytest.fixture
def registry(pool, storage):
    """Two engines that need not be asked."""
    registry = EngineRegistry({}, {}, storage)
    for name, config, voices in (
        ("espeak", EspeakConfig(), (ADA, BOB)),
        ("openai", OpenAIConfig(base_url="http://127.0.0.1:9", model="tts"), (ADA,)),
    ):
        info = EngineInfo(
            name=name,
            fingerprint=f"{name}/1",
            voices=voices,
            default_voice="ada",
            natives={"en": "ada"},
        )
        registry.engines[name] = RegisteredEngine(config, pool, info)
    return registry


@pytest.fixture
def announced(database):
    async def announced(engine="espeak"):
        return await History(database).of(f"engine/{engine}", VoicesAnnounced)

    return announced


def change(registry, **changes):
    engine = registry.engines["espeak"]
    registry.engines["espeak"] = replace(engine, info=replace(engine.info, **changes))


async def test_every_engine_is_announced_and_the_first_is_the_default(
    database, registry, announced
):
    await announce(database, registry)
    [espeak], [openai] = await announced(), await announced("openai")
    assert [(voice.id, voice.name, voice.language, voice.gender) for voice in espeak.voices] == [
        ("ada", "Ada", "en-GB", "female"),
        ("bob", "Bob", "de", None),
    ]
    assert (espeak.default_voice, espeak.is_default_engine, openai.is_default_engine) == (
        "ada",
        True,
        False,
    )


async def test_nothing_new_is_not_announced(database, registry, announced):
    for _ in range(3):
        await announce(database, registry)
    change(registry, fingerprint="espeak/2")
    await announce(database, registry)
    assert len(await announced()) == len(await announced("openai")) == 1


async def test_who_becomes_the_default_again_says_so(database, registry, announced):
    both = dict(registry.engines)
    for names in (["espeak"], ["openai"], ["espeak"], ["espeak"]):
        registry.engines = {name: both[name] for name in names}
        await announce(database, registry)
    assert [event.is_default_engine for event in await announced()] == [True, True]
    assert [event.is_default_engine for event in await announced("openai")] == [True]


async def test_only_the_engine_that_changed_is_announced(database, registry, announced):
    await announce(database, registry)
    change(registry, voices=(ADA,))
    await announce(database, registry)
    assert [len(event.voices) for event in await announced()] == [2, 1]
    assert len(await announced("openai")) == 1


@pytest.mark.slow
async def test_a_change_back_is_a_change(database, registry, announced):
    for default_voice in ("ada", "bob", "ada"):
        change(registry, default_voice=default_voice)
        await announce(database, registry)
    assert [event.default_voice for event in await announced()] == ["ada", "bob", "ada"]


async def test_another_first_engine_is_another_default(database, registry, announced):
    await announce(database, registry)
    registry.engines = dict(reversed(registry.engines.items()))
    await announce(database, registry)
    assert [event.is_default_engine for event in await announced()] == [True, False]
    assert [event.is_default_engine for event in await announced("openai")] == [False, True]


async def test_without_engines_there_is_nothing_to_say(database, storage, announced):
    await announce(database, EngineRegistry({}, {}, storage))
    assert await announced() == []


def odd(**changes):
    return replace(BOB, **changes)


@pytest.mark.parametrize("odd_id", ["", " bob", "bob\n", "b\nob", "b" * 201, "bob\ud800"])
async def test_a_voice_that_nobody_could_ask_for_is_left_out(database, registry, announced, odd_id):
    change(registry, voices=(odd(id=odd_id), ADA))
    await announce(database, registry)
    [event] = await announced()
    assert [voice.id for voice in event.voices] == ["ada"]
    assert len(await announced("openai")) == 1


async def test_a_default_voice_that_nobody_could_ask_for_is_replaced(database, registry, announced):
    change(registry, voices=(odd(id="b\nob"), ADA), default_voice="b\nob")
    await announce(database, registry)
    [event] = await announced()
    assert event.default_voice == "ada"


async def test_an_engine_that_nobody_could_ask_for_does_not_keep_others_from_it(
    database, registry, announced
):
    change(registry, voices=(odd(id="b\nob"),), default_voice="b\nob")
    await announce(database, registry)
    assert await announced() == []
    assert len(await announced("openai")) == 1


async def test_what_does_not_fit_about_a_voice_is_cut_or_left_out(database, registry, announced):
    strange = odd(name="Bob " * 100, language="Ida Berg (German)", gender="male or not")
    change(registry, voices=(strange, odd(id="joe", language="", gender="")))
    await announce(database, registry)
    [event] = await announced()
    told = [(voice.name, voice.language, voice.gender) for voice in event.voices]
    assert told == [(("Bob " * 100)[:MAX_NAME_CHARACTERS], "und", None), ("Bob", "und", None)]


@pytest.mark.slow
async def test_of_too_many_voices_the_first_are_announced(database, registry, announced):
    change(registry, voices=tuple(odd(id=f"bob-{n}") for n in range(MAX_VOICES + 1)))
    for _ in range(2):
        await announce(database, registry)
    [event] = await announced()
    assert len(event.voices) == MAX_VOICES
    assert event.voices[-1].id == f"bob-{MAX_VOICES - 1}"


@pytest.mark.slow
async def test_of_voices_with_long_names_as_many_as_an_event_can_carry(
    database, registry, announced
):
    voices = tuple(odd(id=f"bob-{n}", name="声" * 300) for n in range(MAX_VOICES))
    change(registry, voices=voices)
    await announce(database, registry)
    [event] = await announced()
    assert MAX_BYTES * 0.95 < len(event.encode()) <= MAX_EVENT_BYTES
    assert [voice.id for voice in event.voices] == [
        voice.id for voice in voices[: len(event.voices)]
    ]

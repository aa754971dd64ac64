import asyncio
import json

import pytest

from libs.common.errors import Rejected
from libs.common.runtime.pool import CpuPool
from services.synth.engines.build import EngineConfig
from services.synth.engines.espeak.config import EspeakConfig
from services.synth.engines.openai.config import OpenAIConfig
from services.synth.engines.port import UnknownVoice
from services.synth.engines.tests import servers
from services.synth.synthesis.engine_worker import EngineInfo
from services.synth.synthesis.registry import EngineRegistry, RegisteredEngine


class CountingPool(CpuPool):
    """Runs in another pool, and remembers what."""

    def __init__(self, inner):
        super().__init__(1)
        self.inner = inner
        self.ran = []

    async def run(self, function, *arguments):
        self.ran.append(function.__name__)
        return await self.inner.run(function, *arguments)


@pytest.fixture
def counting(pool):
    return CountingPool(pool)


@pytest.fixture
async def registry(counting, storage):
    return await loaded(counting, storage)


async def loaded(pool, storage):
    registry = EngineRegistry({"espeak": EspeakConfig()}, {"espeak": pool}, storage)
    await registry.load()
    return registry


@pytest.mark.slow
async def test_loading_asks_every_engine(registry):
    engine = registry.engine("espeak")
    assert (engine.info.name, engine.info.default_voice) == ("espeak", "en-us")
    assert not engine.keep_lossless


async def test_speech_that_is_paid_for_is_kept(pool, storage):
    with servers.serving(servers.openai) as server:
        config = OpenAIConfig(base_url=f"{server.url}/v1", model="tts")
        registry = EngineRegistry({"openai": config}, {"openai": pool}, storage)
        await registry.load()
        assert registry.engine("openai").keep_lossless
        assert registry.voice_for("openai", "alloy", "de") == "alloy"  # it speaks all languages


async def test_what_speaks_for_less_than_it_costs_to_keep_is_kept_only_on_request(pool, storage):
    configs: dict[str, EngineConfig] = {
        "espeak": EspeakConfig(),
        "openai": OpenAIConfig(base_url="http://x", model="tts"),
    }
    kept = {}
    for all_of_them in (False, True):
        registry = EngineRegistry(
            configs, dict.fromkeys(configs, pool), storage, keep_all_segments=all_of_them
        )
        info = EngineInfo(name="x", fingerprint="x", voices=(), default_voice="x", natives={})
        registry.engines = {
            name: RegisteredEngine(config, pool, info) for name, config in configs.items()
        }
        kept[all_of_them] = {name: registry.keeps_segments(name) for name in configs}
    assert kept[False] == {"espeak": False, "openai": True}
    assert kept[True] == {"espeak": True, "openai": True}


async def test_an_engine_that_is_not_here_is_refused(registry):
    with pytest.raises(Rejected) as caught:
        registry.engine("nobody")
    assert caught.value.code == "unknown_engine"


@pytest.mark.parametrize(
    ("voice", "language", "heard"),
    [
        ("en-us", "en", "en-us"),
        ("en-gb", "en-US", "en-gb"),
        ("en-us", "und", "en-us"),
        ("en-us", "xx", "en-us"),
        ("en-us", "de", "de"),
        ("en-us", "de-AT", "de"),
        ("en-us", "fr", "fr-fr"),
        ("de", "en", "en-us"),
        ("en-us", "zh", "cmn"),
        ("cmn", "zh", "cmn"),
    ],
)
async def test_the_voice_follows_the_language(registry, voice, language, heard):
    assert registry.voice_for("espeak", voice, language) == heard


async def test_a_voice_is_measured_once_ever(registry, counting, storage):
    first, *others = await asyncio.gather(
        *(registry.voice_settings("espeak", "en-us", 1.0) for _ in range(3))
    )
    assert others == [first, first]
    assert counting.ran.count("measure_voice") == 1
    later = await loaded(counting, storage)
    assert await later.voice_settings("espeak", "en-us", 1.0) == first
    assert counting.ran.count("measure_voice") == 1


async def test_another_rate_is_measured_by_itself(registry, counting):
    await registry.voice_settings("espeak", "en-us", 1.0)
    await registry.voice_settings("espeak", "en-us", 1.5)
    assert counting.ran.count("measure_voice") == 2


async def test_a_voice_that_cannot_be_measured_is_tried_again(registry, counting):
    for _ in range(2):
        with pytest.raises(UnknownVoice):
            await registry.voice_settings("espeak", "nobody", 1.0)
    assert counting.ran.count("measure_voice") == 2


@pytest.mark.slow
@pytest.mark.parametrize("damaged", [b"", b"{}", b"[1]", b'{"gain_db": null}', b"\xff"])
async def test_a_damaged_measurement_is_made_anew(counting, storage, damaged):
    first = await (await loaded(counting, storage)).voice_settings("espeak", "en-us", 1.0)
    [key] = storage.objects
    storage.objects[key] = damaged
    again = await (await loaded(counting, storage)).voice_settings("espeak", "en-us", 1.0)
    assert again.gain_db == pytest.approx(first.gain_db, abs=0.3)  # espeak never speaks quite alike
    assert json.loads(storage.objects[key]) == {"gain_db": again.gain_db}


async def test_utterances_are_spoken_in_one_task_of_the_pool(registry, counting):
    settings = await registry.voice_settings("espeak", "en-us", 1.0)
    made = await registry.speak(settings, ["Hello.", "There."], ["aac"])
    assert [(set(files.encoded), files.lossless) for files in made] == [({"aac"}, None)] * 2
    assert counting.ran[-1] == "speak"

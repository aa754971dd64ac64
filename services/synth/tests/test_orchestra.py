import asyncio
import json

import pytest

from libs.common.errors import Rejected
from libs.common.pool import CpuPool
from services.synth.engines.tests import servers
from services.synth.orchestra import Orchestra
from services.synth.speech import EspeakConfig, OpenAIConfig, UnknownVoice


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
async def orchestra(counting, storage):
    return await tuned(counting, storage)


async def tuned(pool, storage):
    orchestra = Orchestra({"espeak": EspeakConfig()}, {"espeak": pool}, storage)
    await orchestra.tune()
    return orchestra


async def test_tuning_asks_every_engine(orchestra):
    player = orchestra.player("espeak")
    assert (player.info.name, player.info.default_voice) == ("espeak", "en-us")
    assert not player.keep_lossless


async def test_speech_that_is_paid_for_is_kept(pool, storage):
    with servers.serving(servers.openai) as server:
        config = OpenAIConfig(base_url=f"{server.url}/v1")
        orchestra = Orchestra({"openai": config}, {"openai": pool}, storage)
        await orchestra.tune()
        assert orchestra.player("openai").keep_lossless
        assert orchestra.voice_for("openai", "alloy", "de") == "alloy"  # it speaks all languages


async def test_an_engine_that_is_not_here_is_refused(orchestra):
    with pytest.raises(Rejected) as caught:
        orchestra.player("nobody")
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
async def test_the_voice_follows_the_language(orchestra, voice, language, heard):
    assert orchestra.voice_for("espeak", voice, language) == heard


async def test_a_voice_is_measured_once_ever(orchestra, counting, storage):
    first, *others = await asyncio.gather(
        *(orchestra.sound("espeak", "en-us", 1.0) for _ in range(3))
    )
    assert others == [first, first]
    assert counting.ran.count("measure_voice") == 1
    later = await tuned(counting, storage)
    assert await later.sound("espeak", "en-us", 1.0) == first
    assert counting.ran.count("measure_voice") == 1


async def test_another_rate_is_measured_by_itself(orchestra, counting):
    await orchestra.sound("espeak", "en-us", 1.0)
    await orchestra.sound("espeak", "en-us", 1.5)
    assert counting.ran.count("measure_voice") == 2


async def test_a_voice_that_cannot_be_measured_is_tried_again(orchestra, counting):
    for _ in range(2):
        with pytest.raises(UnknownVoice):
            await orchestra.sound("espeak", "nobody", 1.0)
    assert counting.ran.count("measure_voice") == 2


@pytest.mark.parametrize("damaged", [b"", b"{}", b"[1]", b'{"gain_db": null}', b"\xff"])
async def test_a_damaged_measurement_is_made_anew(counting, storage, damaged):
    first = await (await tuned(counting, storage)).sound("espeak", "en-us", 1.0)
    [key] = storage.objects
    storage.objects[key] = damaged
    again = await (await tuned(counting, storage)).sound("espeak", "en-us", 1.0)
    assert again.gain_db == pytest.approx(first.gain_db, abs=0.3)  # espeak never speaks quite alike
    assert json.loads(storage.objects[key]) == {"gain_db": again.gain_db}


async def test_utterances_are_spoken_in_one_task_of_the_pool(orchestra, counting):
    sound = await orchestra.sound("espeak", "en-us", 1.0)
    made = await orchestra.speak(sound, ["Hello.", "There."], ["aac"])
    assert [(set(each.encoded), each.lossless) for each in made] == [({"aac"}, None)] * 2
    assert counting.ran[-1] == "speak"

from pathlib import Path

import pytest

from services.synth.engines.espeak.config import EspeakConfig
from services.synth.engines.espeak.espeak_process import EspeakProcess, WorkerFault, locate
from services.synth.engines.port import EngineBroken


def test_speaks_and_closes():
    process = EspeakProcess(EspeakConfig())
    said = process.speak("gmw/en-US", 175, "Two words")
    assert len(said.pcm) > process.sample_rate // 4
    assert [at for at, _ in said.words] == [0, 4]
    with pytest.raises(WorkerFault):
        process.speak("nobody", 175, "Two words")
    process.close()
    process.close()
    assert process.ended


def test_a_configured_library_needs_no_loader(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert locate(EspeakConfig(library="/lib/x.so")) == ("/lib/x.so", "")
    with pytest.raises(EngineBroken, match="install"):
        locate(EspeakConfig())


def test_a_long_answer_arrives_whole():
    process = EspeakProcess(EspeakConfig())
    once = process.speak("gmw/en-US", 175, "A sentence, said again.").pcm
    often = process.speak("gmw/en-US", 175, "A sentence, said again. " * 60)
    assert often.pcm.nbytes > 1 << 21
    assert len(often.pcm) > 60 * len(once)
    assert len(often.words) == 240
    process.close()


def test_a_pipe_that_cannot_grow_is_used_as_it_is(monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    monkeypatch.delattr(fcntl, "F_SETPIPE_SZ", raising=False)
    process = EspeakProcess(EspeakConfig())
    assert len(process.speak("gmw/en-US", 175, "Two words").pcm)
    process.close()


def test_nothing_is_left_open():
    def descriptors():
        return len(list(Path("/proc/self/fd").iterdir()))

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("descriptors are not listed here")
    EspeakProcess(EspeakConfig()).close()
    before = descriptors()
    EspeakProcess(EspeakConfig()).close()
    assert descriptors() == before

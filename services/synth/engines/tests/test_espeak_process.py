import pytest

from services.synth.engines.espeak_process import EspeakProcess, WorkerFault, locate
from services.synth.speech import EngineBroken, EspeakConfig


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

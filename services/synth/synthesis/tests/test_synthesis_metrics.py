from libs.common.observability.metrics import Metrics
from services.synth.synthesis.synthesis_metrics import RecordedSynthesisMetrics, SynthesisMetrics


def test_what_is_spoken_is_recorded():
    metrics = Metrics("synth")
    recorded: SynthesisMetrics = RecordedSynthesisMetrics(metrics)
    recorded.segment_spoken("espeak", 12)
    recorded.segment_spoken("polly", 30)
    recorded.segment_spoken("espeak", 8)
    recorded.segments_cached(3)
    recorded.page_finished(2.5)
    recorded.page_finished(1.0)

    def value(name, **labels):
        return metrics.registry.get_sample_value(name, {"service": "synth", **labels})

    assert value("segments_spoken_total", engine="espeak") == 2
    assert value("segments_spoken_total", engine="polly") == 1
    assert value("characters_spoken_total") == 50
    assert value("segments_cached_total") == 3
    assert value("audio_seconds_total") == 3.5

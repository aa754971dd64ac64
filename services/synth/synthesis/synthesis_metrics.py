"""What operators can see of synthesis: how much was spoken, and how much did not have to be."""

from dataclasses import dataclass
from typing import Protocol

from libs.common.observability.metrics import Metrics


class SynthesisMetrics(Protocol):
    """Counts what was spoken."""

    def segment_spoken(self, engine: str, characters: int) -> None:
        """Count an utterance that an engine spoke."""
        ...

    def segments_cached(self, count: int) -> None:
        """Count utterances that had been spoken before."""
        ...

    def page_finished(self, seconds: float) -> None:
        """Count a page of so many seconds."""
        ...


@dataclass(frozen=True)
class RecordedSynthesisMetrics:
    """Counts in the metrics of the service."""

    metrics: Metrics

    def segment_spoken(self, engine: str, characters: int) -> None:
        """See :class:`SynthesisMetrics`."""
        self.metrics.segments_spoken_total.labels(engine=engine).inc()
        self.metrics.characters_spoken_total.inc(characters)

    def segments_cached(self, count: int) -> None:
        """See :class:`SynthesisMetrics`."""
        self.metrics.segments_cached_total.inc(count)

    def page_finished(self, seconds: float) -> None:
        """See :class:`SynthesisMetrics`."""
        self.metrics.audio_seconds_total.inc(seconds)

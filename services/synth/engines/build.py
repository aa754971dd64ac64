"""Which engines there are, and how each is built from its config."""

from typing import Literal, get_args

from services.synth.engines.espeak.config import EspeakConfig
from services.synth.engines.openai.config import OpenAIConfig
from services.synth.engines.polly.config import PollyConfig
from services.synth.engines.port import Engine

EngineName = Literal["espeak", "polly", "openai"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)
EngineConfig = EspeakConfig | PollyConfig | OpenAIConfig


def build_engine(config: EngineConfig) -> Engine:
    """Build the engine of ``config``. Only the libraries of that engine are imported."""
    match config:
        case EspeakConfig():
            from services.synth.engines.espeak.engine import EspeakEngine

            return EspeakEngine(config)
        case PollyConfig():
            from services.synth.engines.polly.engine import PollyEngine

            return PollyEngine(config)
        case OpenAIConfig():
            from services.synth.engines.openai.engine import OpenAIEngine

            return OpenAIEngine(config)

"""What the espeak engine is built from."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class EspeakConfig:
    """espeak-ng in a process of its own. ``library`` and ``data``: None for espeakng-loader's."""

    is_remote: ClassVar[bool] = False
    keeps_segments: ClassVar[bool] = False

    library: str | None = None
    data: str | None = None
    pitch: int = 50
    pitch_range: int = 50
    timeout_s: float = 60.0

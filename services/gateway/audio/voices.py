"""Which voice a document gets: the one asked for, else one that speaks its language."""

from collections.abc import Sequence

from libs.common.errors import Rejected, Unavailable
from services.gateway.audio.rows import EngineRow


def choose_voice(
    announced: Sequence[EngineRow], language: str | None, engine: str | None, voice: str | None
) -> tuple[str, str]:
    """Return engine and voice: those asked for, else defaults, in the document's language.

    Raises:
        Rejected: There is no such engine or voice.
        Unavailable: No engine has announced itself yet.
    """
    if not announced:
        raise Unavailable("No speech engine has announced its voices yet; try again in a moment.")
    chosen = _engine(announced, engine, voice)
    if voice is None:
        return chosen.engine, _default_voice(chosen, language)
    if voice not in _ids(chosen):
        raise Rejected(
            "unknown_voice",
            f"The engine {chosen.engine} has no voice {voice[:60]!r}; see the list of voices.",
        )
    return chosen.engine, voice


def speaks(spoken: str, language: str | None) -> bool:
    """Tell whether a voice of the language ``spoken`` speaks another, or one that nobody knows."""
    wanted = (language or "und").lower().split("-")[0]
    return wanted == "und" or spoken.lower().split("-")[0] == wanted


def default_engine(announced: Sequence[EngineRow]) -> EngineRow:
    """Return the engine that last announced itself as the default, else the first.

    One that was the default before may be gone: nobody says so.
    """
    defaults = (row for row in announced if row.is_default)
    return max(defaults, key=lambda row: row.announced_at, default=announced[0])


def _engine(announced: Sequence[EngineRow], engine: str | None, voice: str | None) -> EngineRow:
    if engine is not None:
        for row in announced:
            if row.engine == engine:
                return row
        names = ", ".join(row.engine for row in announced)
        raise Rejected("unknown_engine", f"There is no engine {engine[:60]!r}; there are: {names}.")
    if voice is not None:
        for row in announced:
            if voice in _ids(row):
                return row
    return default_engine(announced)


def _ids(row: EngineRow) -> set[str]:
    return {voice.id for voice in row.voices}


def _default_voice(row: EngineRow, language: str | None) -> str:
    """The engine's default where it speaks the language, else the first voice that does."""
    languages = {voice.id: voice.language.lower() for voice in row.voices}
    wanted = (language or "und").lower().split("-")[0]
    default = row.default_voice
    if wanted == "und" or languages.get(default, "").split("-")[0] == wanted:
        return default
    speaking = [voice for voice, spoken in languages.items() if speaks(spoken, language)]
    exact = [voice for voice in speaking if languages[voice] == wanted]
    return (exact or speaking or [default])[0]

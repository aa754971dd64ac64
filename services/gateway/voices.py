"""Which voices there are, and which one a document gets when nobody chooses."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.database import AnyRow
from libs.common.errors import Rejected, Unavailable
from services.gateway.tables import voices


async def choose_voice(
    connection: AsyncConnection, document: AnyRow, engine: str | None, voice: str | None
) -> tuple[str, str]:
    """Return engine and voice: those asked for, else defaults, in the document's language.

    Raises:
        Rejected: There is no such engine or voice.
        Unavailable: No engine has announced itself yet.
    """
    announced = (await connection.execute(select(voices).order_by(voices.c.engine))).all()
    if not announced:
        raise Unavailable("No speech engine has announced its voices yet; try again in a moment.")
    chosen = _engine(announced, engine, voice)
    if voice is None:
        return chosen.engine, _default_voice(chosen, document.language)
    if voice not in {each["id"] for each in chosen.voices}:
        raise Rejected(
            "unknown_voice",
            f"The engine {chosen.engine} has no voice {voice[:60]!r}; see the list of voices.",
        )
    return chosen.engine, voice


def _engine(announced: Sequence[AnyRow], engine: str | None, voice: str | None) -> AnyRow:
    if engine is not None:
        for row in announced:
            if row.engine == engine:
                return row
        names = ", ".join(row.engine for row in announced)
        raise Rejected("unknown_engine", f"There is no engine {engine[:60]!r}; there are: {names}.")
    if voice is not None:
        for row in announced:
            if voice in {each["id"] for each in row.voices}:
                return row
    return default_engine(announced)


def default_engine(announced: Sequence[AnyRow]) -> AnyRow:
    """Return the engine that last announced itself as the default, else the first.

    One that was the default before may be gone: nobody says so.
    """
    defaults = (row for row in announced if row.is_default)
    return max(defaults, key=lambda row: str(row.announced_at), default=announced[0])


def _default_voice(row: AnyRow, language: str | None) -> str:
    """The engine's default where it speaks the language, else the first voice that does."""
    languages: dict[str, str] = {each["id"]: each["language"].lower() for each in row.voices}
    wanted = (language or "und").lower().split("-")[0]
    default: str = row.default_voice
    if wanted == "und" or languages.get(default, "").split("-")[0] == wanted:
        return default
    speaking = [voice for voice, each in languages.items() if each.split("-")[0] == wanted]
    exact = [voice for voice in speaking if languages[voice] == wanted]
    return (exact or speaking or [default])[0]

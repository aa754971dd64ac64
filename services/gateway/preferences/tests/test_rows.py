import pytest

from libs.common.contracts.audio import VoiceInfo
from libs.common.errors import Rejected, Unavailable
from services.gateway.audio.rows import EngineRow
from services.gateway.preferences.rows import Preferences, WantedSound

ENGINES = (
    EngineRow(
        engine="espeak",
        voices=(
            VoiceInfo(id="en", name="English", language="en", gender=None),
            VoiceInfo(id="de", name="Deutsch", language="de", gender=None),
        ),
        default_voice="en",
        is_default=True,
        announced_at="2026-01-01T00:00:00Z",
    ),
)
GERMAN = Preferences(engine="espeak", voice="de", rate=1.5)


@pytest.mark.parametrize(
    ("preferred", "language", "sound"),
    [
        (Preferences(), "en", ("espeak", "en", 1.0)),
        (Preferences(), "de-AT", ("espeak", "de", 1.0)),
        (GERMAN, "de-AT", ("espeak", "de", 1.5)),
        (GERMAN, "en", ("espeak", "en", 1.5)),
        (GERMAN, None, ("espeak", "de", 1.5)),
        (Preferences(engine="gone", voice="de"), "en", ("espeak", "en", 1.0)),
        (Preferences(engine="espeak", voice="gone"), "de", ("espeak", "de", 1.0)),
    ],
)
def test_an_order_that_names_nothing(preferred, language, sound):
    assert preferred.sound(ENGINES, language, WantedSound()) == sound


def test_what_an_order_names_counts():
    sound = GERMAN.sound(ENGINES, "de", WantedSound(voice="en", rate=0.5))
    assert sound == ("espeak", "en", 0.5)
    with pytest.raises(Rejected, match="no engine 'gone'"):
        GERMAN.sound(ENGINES, "de", WantedSound(engine="gone"))


def test_who_prefers_no_voice_needs_no_engine():
    slow = Preferences(rate=0.5)
    assert slow.checked([]) == slow
    with pytest.raises(Unavailable):
        GERMAN.checked([])

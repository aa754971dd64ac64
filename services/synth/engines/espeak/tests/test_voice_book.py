import pytest

from services.synth.engines.espeak.voice_book import RawVoice, VoiceBook, bcp_47

BOOK = VoiceBook(
    [
        RawVoice("English (Great Britain)", [(2, "en-gb"), (2, "en")], "gmw/en", "male"),
        RawVoice("English (Scotland)", [(5, "en-gb-scotland"), (4, "en")], "gmw/en-GB-sc", "male"),
        RawVoice("English (America)", [(2, "en-us"), (3, "en")], "gmw/en-US", "male"),
        RawVoice("Chinese", [(5, "cmn"), (5, "zh")], "sit/cmn", "male"),
        RawVoice("Cantonese", [(5, "yue"), (8, "zh")], "sit/yue", "male"),
        RawVoice("Cantonese (Jyutping)", [(5, "yue"), (8, "zh")], "sit/yue-Latn-jyutping", "male"),
        RawVoice("Norwegian", [(5, "nb"), (5, "no")], "gmq/nb", None),
        RawVoice("Test", [(5, "xex")], "art/xex", None),
    ]
)


def test_ids_are_unique_and_own_tags_come_first():
    assert [voice.id for voice in BOOK.voices] == [
        *("en-gb", "en-gb-scotland", "en-us", "cmn", "yue", "yue-latn-jyutping", "nb")
    ]


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("en-us", "gmw/en-US"),
        ("EN_US", "gmw/en-US"),
        ("gmw/en-US", "gmw/en-US"),
        ("en", "gmw/en"),
        ("zh", "sit/cmn"),
        ("yue", "sit/yue"),
        ("no", "gmq/nb"),
        ("xex", None),
        ("", None),
    ],
)
def test_finds_by_any_name(name, identifier):
    assert BOOK.identifier(name) == identifier


@pytest.mark.parametrize(
    ("language", "voice"),
    [
        ("en", "en-us"),
        ("en-AU", "en-us"),
        ("en-GB-oxendict", "en-gb"),
        ("zh-Hant-TW", "cmn"),
        ("no", "nb"),
        ("tlh", "en-us"),
        ("und", "en-us"),
        ("", "en-us"),
    ],
)
def test_default_voice_of_a_language(language, voice):
    assert BOOK.for_language(language) == voice


@pytest.mark.parametrize(
    ("tag", "written"),
    [
        ("de", "de"),
        ("en-us", "en-US"),
        ("es-419", "es-419"),
        ("fa-latn", "fa-Latn"),
        ("en-gb-x-rp", "en-GB-x-rp"),
        ("en-gb-scotland", "en-GB-scotland"),
        ("ca-va", "ca-valencia"),
    ],
)
def test_bcp_47(tag, written):
    assert bcp_47(tag) == written

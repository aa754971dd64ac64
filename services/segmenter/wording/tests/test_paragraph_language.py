import pytest

from services.segmenter.wording.paragraph_language import language_of, language_of_page

GERMAN = "Der schnelle braune Fuchs springt über den faulen Hund und läuft dann in den Wald."
ENGLISH = "The quick brown fox jumps over the lazy dog and then he runs into the forest again."


def test_a_long_paragraph_may_be_in_another_language():
    assert language_of(GERMAN, "en") == "de"
    assert language_of(ENGLISH, "de") == "en"
    assert language_of("これは文です。次の文です。そうですか。はい、そうです。", "en") == "ja"


@pytest.mark.parametrize(
    "text",
    [
        "Guten Tag!",
        "Giovanni Rossi, Marco Bianchi, Francesca Verdi, Luigi Esposito, Paolo Conte, Umberto Eco",
        "Smith J, Jones K, Miller P, Davis R, Wilson S, Anderson T, Thomas V, Jackson W, White Q",
        "12345 67890 " * 20,
        "`der die das und ist nicht ein eine` <der die das und ist nicht ein eine einen einem>",
        "",
    ],
)
def test_what_is_too_short_or_unsure_is_in_the_page_s_language(text: str):
    assert language_of(text, "en-GB") == "en-GB"


def test_the_same_language_keeps_the_page_s_tag():
    assert language_of(ENGLISH, "en-GB") == "en-GB"


def test_a_page_of_unknown_language_is_identified():
    assert language_of_page(GERMAN, "und") == "de"
    assert language_of_page(GERMAN, "fr") == "fr"
    assert language_of_page("Hm.", "und") == "und"
    assert language_of_page("Hm.", "") == "und"

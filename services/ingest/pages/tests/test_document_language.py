import pytest

from services.ingest.pages.document_language import Language, normalize


@pytest.mark.parametrize(
    ("tag", "found"),
    [("en-GB", "en"), ("de_DE.UTF-8", "de"), ("eng", "en"), ("FR", "fr"), ("haw", "haw")],
)
def test_primary_subtags(tag, found):
    assert normalize(tag) == found


@pytest.mark.parametrize("tag", [None, "", "und", "x", "english", "12"])
def test_tags_that_say_nothing(tag):
    assert normalize(tag) is None


def test_a_declared_language_is_believed():
    assert Language("fr-CA").of("This is English text, obviously.") == "fr"


def test_a_guess_settles():
    language = Language()
    assert language.of("1 2 3") == "und"
    text = "Le bateau quitta le port avant l'aube et personne ne dit un mot à ce sujet. "
    assert language.of(text * 100) == "fr"
    assert language.of("The next page is in English and does not change the voice.") == "fr"
    assert language.name == "fr"

import pytest

from services.segmenter.markdown.table_rows import LONGEST_NAME
from services.segmenter.wording.languages import SILENT, primary, vocabulary_for
from services.segmenter.wording.vocabulary import Vocabulary

TABLES = [vocabulary_for(language) for language in ("en", "de", "fr", "es")]


def test_a_language_is_found_by_its_primary_tag():
    assert primary("en-GB") == primary("EN_us") == "en"
    assert vocabulary_for("en-GB").language == "en"
    assert vocabulary_for("tlh") is SILENT


@pytest.mark.parametrize("words", TABLES, ids=lambda vocabulary: vocabulary.language)
def test_a_table_is_complete(words: Vocabulary):
    assert len(words.months) == 12
    assert set(words.month_abbreviations.values()) <= set(words.months)
    assert words.footnote
    assert words.to
    assert words.percent
    assert "{host}" in words.link
    assert {"{day}", "{month}", "{year}"} <= {
        f"{{{p}}}" for p in ("day", "month", "year") if p in words.date
    }
    assert words.function_words
    assert all(word == word.lower() for word in words.function_words)
    assert all(word[0].isupper() for word in words.starters)
    assert set(words.cents) <= set(words.currencies)


@pytest.mark.parametrize("words", TABLES, ids=lambda vocabulary: vocabulary.language)
def test_announcements_fit_into_the_smallest_limit(words: Vocabulary):
    said = (words.code, words.done, words.to_do, words.footnote + " 123456.")
    assert all(len(phrase) <= LONGEST_NAME for phrase in said)
    assert len(f", {words.link.format(host='x' * 40)}, ") <= 56
